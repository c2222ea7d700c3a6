import type { JsonObject } from '../json/json.ts';
import { clusterNames } from './clusters.ts';
import type { MetricsIntent, MetricsTarget, TrafficIntent } from './intent.ts';
import { handlerKey, sharedScript } from './hang-up.ts';
import { scriptNamed, type SharedScript } from './lua.ts';
import { shortened } from './lua-text.ts';
import { istioPages, ownIdentity } from './metrics-script.ts';
import { probeTarget } from './probe-target.ts';
import { applicationCluster, type Application } from './probes.ts';

/** Lua expression for the body of Envoy's response. */
const body = 'b:getBytes(0,b:length())';

/** Lua expression for the same body with Istio's metric names and labels. */
const asIstio = `istio(${body},h:filterContext():get('own'))`;

function renaming(before: string, declaration: string): string {
  return `${before}${declaration}(h)
local b=h:body(true)
b:setBytes(${asIstio})
end`;
}

/**
 * Returns a script that appends the application's metrics. Their pages are fetched while the scraper waits, each within
 * nine tenths of the scraper's timeout, and with its `Authorization`: the application decides who may read its page. A page that does not answer is left out and reported as 0. What only
 * OpenMetrics allows (the end mark, exemplars) is removed, because Envoy's page is in the older text format.
 */
function merging(before: string, page: string): string {
  return `${before}function envoy_on_request(h)
local s=h:headers():get("x-prometheus-scrape-timeout-seconds")
s=math.min(math.max(tonumber(s or 10) or 10,1),60)
local text,token="",h:headers():get("authorization")
for _,t in ipairs(h:filterContext():get("targets")) do
local head,body=h:httpCall(t.cluster,{[":method"]="GET",[":path"]=t.path,[":authority"]=t.host,accept="text/plain;version=0.0.4",authorization=token},"",s*900)
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

/** Name of the page's script. */
const scriptName = 'page';

function scripted(name: string | undefined, context: JsonObject): JsonObject {
  // The script could not change a compressed page.
  return {
    ...plain,
    request_headers_to_remove: ['accept-encoding'],
    typed_per_filter_config: scriptNamed(name, context),
  };
}

function clusterName({ scheme, port }: MetricsTarget): string {
  return `metrics.${scheme.toLowerCase()}.${port}`;
}

function targetEntry(target: MetricsTarget, host: string): JsonObject {
  const wire = probeTarget(target.path);
  return { cluster: clusterName(target), host, path: wire, target: `${target.port}${wire}` };
}

function clustersOf(targets: readonly MetricsTarget[], application: Application): readonly JsonObject[] {
  const byName = new Map(targets.map((target) => [clusterName(target), target]));
  return [...byName].map(([name, { scheme, port }]) => applicationCluster({ scheme, name, port }, application));
}

/** A page is held in memory as a whole while a script works on it; Envoy's default limit is 1 MiB. */
const pageBytes = 33_554_432;

/** Parts of the metrics page: scripts and a route for the status listener, clusters, and the buffer limit. */
export interface MetricsPage {
  readonly scripts: Readonly<Record<string, string>>;
  /** A script that runs on the route without being named there. */
  readonly usual?: SharedScript;
  readonly route: JsonObject;
  readonly clusters: readonly JsonObject[];
  readonly bufferBytes: number | undefined;
}

/** Scripts of a page without targets and with them. */
interface Scripts {
  readonly renaming: string;
  readonly merging: string;
}

function scriptsOf(before: string, declaration: string): Scripts {
  return { renaming: shortened(renaming(before, declaration)), merging: shortened(merging(before, asIstio)) };
}

/** Made once: a script is the longest text of a configuration. */
const istioScripts = {
  alone: scriptsOf(istioPages.alone, 'return function'),
  inMesh: scriptsOf(istioPages.inMesh, 'function envoy_on_response'),
} as const;
const plainMerging = shortened(merging('', body));

/**
 * Returns the parts of the metrics page, `/stats/prometheus`. Scripts run on that route alone, so probes and health
 * checks are not affected.
 *
 * @param place whether the proxy is one of a mesh, and knows its peers
 */
export function metricsPage(intent: TrafficIntent & MetricsIntent, place: keyof typeof istioPages): MetricsPage {
  const { settings, self, metricsTargets: targets } = intent;
  const { istio } = settings.proxy.metrics;
  if (!istio && targets.length === 0) return { scripts: {}, route: plain, clusters: [], bufferBytes: undefined };
  const { renaming: alone, merging: merged } = istio ? istioScripts[place] : { renaming: '', merging: plainMerging };
  const isHandedOver = place === 'alone' && targets.length === 0;
  const context = {
    ...(istio ? { own: ownIdentity(intent) } : {}),
    ...(isHandedOver ? { [handlerKey]: alone } : {}),
    ...(targets.length === 0 ? {} : { targets: targets.map((target) => targetEntry(target, self.address)) }),
  };
  return {
    ...(isHandedOver
      ? { scripts: {}, usual: sharedScript }
      : { scripts: { [scriptName]: targets.length === 0 ? alone : merged } }),
    route: scripted(isHandedOver ? undefined : scriptName, context),
    clusters: clustersOf(targets, { families: settings.capture.families, self }),
    bufferBytes: pageBytes,
  };
}
