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

/** Istio's labels of each side, as they are called behind `source_` and `destination_`. */
const sideLabels = [
  'workload',
  'workload_namespace',
  'principal',
  'app',
  'version',
  'canonical_service',
  'canonical_revision',
  'cluster',
] as const;

/**
 * Statements that replace the label `reporter` by Istio's labels of both sides, before families are added or, as `rest`, afterwards,
 * and the function that adds one.
 */
interface Parts {
  readonly labels: string;
  readonly add: string;
  readonly rest: string;
}

/**
 * Without a control plane, all series of one direction have the same: nothing is known about peers that they could not forge. The direction
 * is the first word of the name of the filter chain, which is what they have as `reporter` (`flows.ts`).
 */
const alone: Parts = {
  labels: `t=t:gsub('request_protocol=""','request_protocol="http"')
`,
  add: `local function add(family,like,counter)
local lines=''
for way,cluster in pairs{outbound=own.outbound,inbound='InboundPassthroughCluster'} do
local labels,count=t:match('\\nenvoy_istio_'..like..'_total({[^\\n]-reporter="'..way..'.-})'),t:match('\\nenvoy_'..counter..'="'..cluster..'"} (%d+)')
if labels and count then lines=lines..'envoy_istio_'..family..'_total'..labels:gsub('flags=".-"','flags="-"'):gsub('protocol="http"','protocol="grpc"'):gsub(',response_code=.*','}')..' '..count..'\\n' end
end
if lines~='' then t=t..'# TYPE envoy_istio_'..family..'_total counter\\n'..lines end
end
`,
  rest: `local function side(name,known) return (('${sideLabels.join(' ')}'):gsub('(%S+) ?',function(label) return ','..name..'_'..label..'="'..(known[label] or 'unknown')..'"' end)) end
local other={canonical_revision='latest'}
local last=',destination_service="%s",destination_service_name="%s",destination_service_namespace="%s",connection_security_policy="%s"'
local sides={
outbound='reporter="source"'..side('source',own)..side('destination',other)..last:format('unknown',own.outbound,'unknown','unknown'),
inbound='reporter="destination"'..side('source',other)..side('destination',own)..last:format(own.canonical_service,own.canonical_service,own.workload_namespace,'none')}
t=t:gsub('# TYPE envoy_istio_','# TYPE istio_'):gsub('\\nenvoy_istio_','\\nistio_'):gsub('reporter="(%a+)[^"]*"',sides)
`,
};

/**
 * What is known of a peer (`flows.ts`) is taken apart. As in Istio, the namespace of a peer is that of its identity. What differs in nothing that
 * becomes a label is added up.
 */
const inMesh: Parts = {
  labels: `local names={'workload','workload_namespace','app','version','canonical_service','canonical_revision'}
local made,doubled={},false
local sides=setmetatable({},{__index=function(known,key)
local reporter,service,peer,me,pod=key:match('^(%a+);?([^;]*);?([^;]*);?([^;]*);?([^;]*)$')
local text='reporter="'..reporter..'"'
local function label(name,value) text=text..','..name..'="'..(value or 'unknown')..'"' end
local other={canonical_revision='latest',principal=peer~='' and peer or nil}
local i=0
for word in pod:gmatch('%S+') do i=i+1 other[names[i]]=word other.cluster=own.cluster end
other.workload_namespace=peer:match('^spiffe://[^/]+/ns/([^/]+)/') or other.workload_namespace
own.principal=me~='' and me or nil
for _,side in ipairs{'source','destination'} do
local known=side==reporter and own or other
for name in ('${sideLabels.join(' ')}'):gmatch'%S+' do label(side..'_'..name,known[name]) end
end
local inbound=reporter=='destination'
local host,name,namespace=service:match('^(%S+) (%S+) (%S+)$')
if not host then
if inbound then host,name,namespace=own.canonical_service,own.canonical_service,own.workload_namespace
else host,name,namespace=nil,own.outbound,nil end
end
label('destination_service',host)
label('destination_service_name',name)
label('destination_service_namespace',namespace)
label('connection_security_policy',inbound and (peer~='' and 'mutual_tls' or 'none') or nil)
doubled=doubled or made[text]
made[text]=true
known[key]=text
return text
end})
t=t:gsub('# TYPE envoy_istio_','# TYPE istio_'):gsub('\\nenvoy_istio_','\\nistio_'):gsub('reporter="([^"]*)"',sides)
if doubled then
local lines,places={},{}
for line in t:gmatch('[^\\n]*\\n') do
local series,value=line:match('^(istio_.-}) (%S+)\\n$')
local place=series and places[series]
if place then
lines[place]=series..' '..('%.17g'):format(lines[place]:match(' (%S+)\\n$')+value)..'\\n'
else
lines[#lines+1]=line
if series then places[series]=#lines end
end
end
t=table.concat(lines)
end
`,
  add: `local function add(family,like,counter)
local lines,seen='',{}
for labels in t:gmatch('\\nistio_'..like..'_total({.-})') do
local outbound=labels:find('reporter="source"',1,true)
local cluster=outbound and own.outbound or 'InboundPassthroughCluster'
local unknown=labels:find(outbound and 'destination_service_name="'..cluster..'"' or 'policy="none"',1,true)
local count=unknown and not seen[cluster] and t:match('\\nenvoy_'..counter..'="'..cluster..'"} (%d+)')
seen[cluster]=seen[cluster] or unknown
if count then
labels=labels:gsub('flags=".-"','flags="-"'):gsub('protocol="http"','protocol="grpc"'):gsub(',response_code=.*','}')
lines=lines..'istio_'..family..'_total'..labels..' '..count..'\\n'
end
end
if lines=='' then return end
local kind='# TYPE istio_'..family..'_total counter\\n'
local _,there=t:find(kind,1,true)
t=there and t:sub(1,there)..lines..t:sub(there+1) or t..kind..lines
end
`,
  rest: '',
};

function page({ labels, add, rest }: Parts): string {
  return `local function istio(t,own)
${labels}${add}for to,from in pairs{sent='tx',received='rx'} do add('tcp_'..to..'_bytes','tcp_connections_opened','tcp_downstream_cx_'..from..'_bytes_total{envoy_tcp_prefix') end
for _,way in ipairs{'request','response'} do add(way..'_messages','requests','cluster_grpc_'..way..'_message_count{envoy_cluster_name') end
${rest}return t..'# TYPE istio_build gauge\\nistio_build{component="proxy",tag="sidecar-injector-${version}"} 1\\n'
end
`;
}

/**
 * Lua functions `istio(page, identity)` that turn Envoy's metrics page into Istio's.
 *
 * Envoy puts its own prefix before every metric name. Labels that are not counted are added here, with Istio's values (its
 * `istio_stats` filter, populatePeerInfo). What the stats logger cannot count while a connection or stream is open, Envoy counts by
 * direction, for peers that are not known. Those families get the labels of the series counted when the connection began, or for the
 * same application.
 */
export const istioPages = { alone: page(alone), inMesh: page(inMesh) } as const;
