import { compile, fill, type Filling, type Template, type Tree, userText, type Written } from './flow-yaml.ts';
import type { MetricsTarget } from './intent.ts';
import { luaFilter, routeScript } from './lua.ts';
import { identity, istioPage } from './metrics-script.ts';
import { probeTarget } from './probe-target.ts';
import { applicationCluster } from './probes.ts';

/** What Envoy has answered, in a script. */
const body = 'b:getBytes(0,b:length())';

/** The same as Istio would say it. */
const asIstio = `istio(${body},h:filterContext():get('own'))`;

const renaming = `${istioPage}function envoy_on_response(h)
local b=h:body(true)
b:setBytes(${asIstio})
end`;

/**
 * The application's pages are asked for while the scraper waits, for nine tenths of the time that it says it has. One
 * that does not answer is left out and shows as 0. What only OpenMetrics has (the end mark, exemplars) is taken out,
 * because Envoy's page is none.
 */
function merging(before: string, page: string): string {
  return `${before}function envoy_on_request(h)
local s=h:headers():get("x-prometheus-scrape-timeout-seconds")
s=math.min(math.max(tonumber(s or 10) or 10,1),60)
local text=""
for _,t in ipairs(h:filterContext():get("targets")) do
local head,body=h:httpCall(t.cluster,{[":method"]="GET",[":path"]=t.path,[":authority"]=t.host,accept="text/plain;version=0.0.4"},"",s*900)
local up=head[":status"]=="200" and body
if up then
if (head["content-type"] or ""):find("openmetrics",1,true) then body=body:gsub("# EOF%s*$",""):gsub(" # {[^\\n]*","") end
text=text..body:gsub("([^\\n])$","%1\\n")
end
text=text..'sidecar_injector_application_up{target="'..t.target..'"} '..(up and 1 or 0).."\\n"
end
h:streamInfo():dynamicMetadata():set("page","application",text)
end
function envoy_on_response(h)
local b=h:body(true)
local page=h:streamInfo():dynamicMetadata():get("page") or {}
b:setBytes(${page}..(page.application or ""))
end`;
}

/** Stands in the status listener only where the page has a script. */
const filter = [...compile(luaFilter), ','];

const plain = {
  match: { path: '/stats/prometheus' },
  route: { cluster: 'admin', prefix_rewrite: '/stats/prometheus?usedonly' },
} as const satisfies Tree;

function scripted(script: string, context: { readonly [key: string]: Tree }): Tree {
  // Compressed, the page could not be changed.
  return {
    ...plain,
    request_headers_to_remove: ['accept-encoding'],
    typed_per_filter_config: routeScript(script, { filter_context: context }),
  };
}

/** A further item of the listener's routes. */
function item(route: Tree): Template {
  return [',', ...compile(route)];
}

const targets: Tree = { hole: 'metricsTargets' };

const routes = {
  plain: item(plain),
  renaming: item(scripted(renaming, { own: identity })),
  merging: item(scripted(merging('', body), { targets })),
  renamingAndMerging: item(scripted(merging(istioPage, asIstio), { own: identity, targets })),
};

const entry = compile({
  cluster: { hole: 'name' },
  host: { expandable: '$(POD_IP)' },
  path: { hole: 'path' },
  target: { hole: 'target' },
});

function clusterName({ scheme, port }: MetricsTarget): string {
  return userText(`metrics.${scheme.toLowerCase()}.${port}`);
}

function targetsOf(targets: readonly MetricsTarget[], written: Written): string {
  const entries = targets.map((one) => {
    const path = probeTarget(one.path);
    const filling = { name: clusterName(one), path: userText(path), target: userText(`${one.port}${path}`) };
    return fill(entry, filling, written);
  });
  return `[${entries.join(',')}]`;
}

function clustersOf(targets: readonly MetricsTarget[], addresses: Filling, written: Written): string {
  const ports = new Map(targets.map((one) => [clusterName(one), one]));
  return [...ports]
    .map(
      ([name, { scheme, port }]) =>
        `,${fill(applicationCluster[scheme], { ...addresses, name, port: String(port) }, written)}`,
    )
    .join('');
}

/** Everything of a page is held in memory while a script works on it; Envoy's default is 1 MiB. */
const pageBuffer = ',per_connection_buffer_limit_bytes: 33554432';

/**
 * Fillings of the holes for the page of metrics, `/stats/prometheus`. The script runs on that route alone, so probes and
 * health are not touched by it.
 */
export function metricsPageFilling(
  hasIstioMetrics: boolean,
  targets: readonly MetricsTarget[],
  addresses: Filling,
): Filling {
  const merged = hasIstioMetrics ? routes.renamingAndMerging : routes.merging;
  if (!hasIstioMetrics && targets.length === 0) {
    return { metricsFilter: '', metricsRoute: routes.plain, metricsClusters: '', pageBuffer: '' };
  }
  return {
    metricsFilter: filter,
    metricsRoute: targets.length === 0 ? routes.renaming : merged,
    metricsTargets: (written) => targetsOf(targets, written),
    metricsClusters: (written) => clustersOf(targets, addresses, written),
    pageBuffer,
  };
}
