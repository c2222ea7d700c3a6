import type { JsonObject } from '../json/json.ts';
import { version } from '../settings/version.ts';
import type { MetricsIntent, TrafficIntent } from './intent.ts';
import { outboundCluster } from './listeners.ts';

/**
 * Returns a label value escaped for Prometheus' text format (its section "Comments, help text, and type information").
 */
function labelValue(text: string): string {
  if (text === '') return 'unknown';
  return !/[\\"\n]/.test(text) ? text : text.replaceAll(/[\\"]/g, String.raw`\$&`).replaceAll('\n', String.raw`\n`);
}

/**
 * Returns the pod's own labels for the script: the pod's side of every series. They are passed as data, so that nothing
 * from a pod becomes part of a program.
 */
export function ownIdentity({ settings, workload, service, self }: TrafficIntent & MetricsIntent): JsonObject {
  return {
    workload: labelValue(workload.name),
    workload_namespace: self.namespace,
    app: labelValue(service.app),
    version: labelValue(service.version),
    canonical_service: labelValue(service.name),
    canonical_revision: labelValue(service.revision),
    // Istio's name for a cluster that has not been given one.
    cluster: 'Kubernetes',
    outbound: outboundCluster(settings.proxy),
  };
}

/**
 * Lua function `istio(page, identity)` that turns Envoy's metrics page into Istio's.
 *
 * Envoy puts its own prefix before every metric name. Labels that are the same for all series of one direction are not
 * counted but added here, with Istio's values (its `istio_stats` filter, populatePeerInfo). A proxy without a control
 * plane knows nothing about its peers that they could not forge. What the stats logger cannot count while a connection
 * or stream is open, Envoy counts by direction. Those families get the labels of the series counted when the connection
 * began, or for the same application.
 */
export const istioPage = `local function istio(t,own)
local sides={}
for _,reporter in ipairs{'source','destination'} do
local text='reporter="'..reporter..'"'
local function label(name,value) text=text..','..name..'="'..(value or 'unknown')..'"' end
for _,side in ipairs{'source','destination'} do
local known=side==reporter and own or {canonical_revision='latest'}
for _,name in ipairs{'workload','workload_namespace','principal','app','version','canonical_service','canonical_revision','cluster'} do label(side..'_'..name,known[name]) end
end
local inbound=reporter=='destination'
label('destination_service',inbound and own.canonical_service)
label('destination_service_name',inbound and own.canonical_service or own.outbound)
label('destination_service_namespace',inbound and own.workload_namespace)
label('connection_security_policy',inbound and 'none')
sides[reporter]=text
end
t=t:gsub('# TYPE envoy_istio_','# TYPE istio_'):gsub('\\nenvoy_istio_','\\nistio_'):gsub('reporter="(%a+)"',sides)
local function add(family,like,counter)
local lines,seen='',{}
for labels in t:gmatch('\\nistio_'..like..'_total({.-})') do
local cluster=labels:find('reporter="source"',1,true) and own.outbound or 'InboundPassthroughCluster'
local count=not seen[cluster] and t:match('\\nenvoy_'..counter..'="'..cluster..'"} (%d+)')
seen[cluster]=true
if count then
labels=labels:gsub('flags=".-"','flags="-"'):gsub('protocol="http"','protocol="grpc"'):gsub(',response_code=.*','}')
lines=lines..'istio_'..family..'_total'..labels..' '..count..'\\n'
end
end
if lines~='' then t=t..'# TYPE istio_'..family..'_total counter\\n'..lines end
end
for to,from in pairs{sent='tx',received='rx'} do add('tcp_'..to..'_bytes','tcp_connections_opened','tcp_downstream_cx_'..from..'_bytes_total{envoy_tcp_prefix') end
for _,way in ipairs{'request','response'} do add(way..'_messages','requests','cluster_grpc_'..way..'_message_count{envoy_cluster_name') end
return t..'# TYPE istio_build gauge\\nistio_build{component="proxy",tag="sidecar-injector-${version}"} 1\\n'
end
`;
