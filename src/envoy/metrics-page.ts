import type { JsonObject } from '../json/json.ts';
import { clusterNames } from './clusters.ts';
import type { MetricsTarget, ProxyIntent } from './intent.ts';
import { luaFilter, routeScript } from './lua.ts';
import { istioPage, ownIdentity } from './metrics-script.ts';
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

const path = '/stats/prometheus';

const plain: JsonObject = {
  match: { path },
  route: { cluster: clusterNames.admin, prefix_rewrite: `${path}?usedonly` },
};

function scripted(script: string, context: JsonObject): JsonObject {
  // Compressed, the page could not be changed.
  return {
    ...plain,
    request_headers_to_remove: ['accept-encoding'],
    typed_per_filter_config: routeScript(script, { filter_context: context }),
  };
}

function clusterName({ scheme, port }: MetricsTarget): string {
  return `metrics.${scheme.toLowerCase()}.${port}`;
}

function targetEntry(target: MetricsTarget, host: string): JsonObject {
  const wire = probeTarget(target.path);
  return { cluster: clusterName(target), host, path: wire, target: `${target.port}${wire}` };
}

function clustersOf(targets: readonly MetricsTarget[], intent: ProxyIntent): readonly JsonObject[] {
  const byName = new Map(targets.map((target) => [clusterName(target), target]));
  return [...byName].map(([name, { scheme, port }]) => applicationCluster({ scheme, name, port }, intent));
}

/** Everything of a page is held in memory while a script works on it; Envoy's default is 1 MiB. */
const pageBytes = 33_554_432;

/** What the page of metrics needs: filters and a route of the status listener, clusters, and room. */
export interface MetricsPage {
  readonly filters: readonly JsonObject[];
  readonly route: JsonObject;
  readonly clusters: readonly JsonObject[];
  readonly bufferBytes: number | undefined;
}

/** Made once: a script is the longest text of a configuration. */
const mergingScript = { istio: merging(istioPage, asIstio), plain: merging('', body) } as const;

/**
 * The page of metrics, `/stats/prometheus`. The script runs on that route alone, so probes and health are not touched by
 * it.
 */
export function metricsPage(intent: ProxyIntent): MetricsPage {
  const { istio, targets } = intent.metrics;
  if (!istio && targets.length === 0) return { filters: [], route: plain, clusters: [], bufferBytes: undefined };
  const own = istio ? { own: ownIdentity(intent) } : {};
  const script = istio ? mergingScript.istio : mergingScript.plain;
  const route =
    targets.length === 0
      ? scripted(renaming, own)
      : scripted(script, { ...own, targets: targets.map((target) => targetEntry(target, intent.self.address)) });
  return { filters: [luaFilter], route, clusters: clustersOf(targets, intent), bufferBytes: pageBytes };
}
