import type { ExplainedCluster, ComparedRoute, Explanation } from '../../../../mesh/explain/explanation.ts';
import type { Ejection } from '../../../../mesh/explain/ejection.ts';
import type { Protection } from '../../../../mesh/explain/cluster-facts.ts';
import type { Answered, Faults, Forwarded, HeaderWords, Outcome, Retries } from '../../../../mesh/explain/outcome.ts';
import type { Remark } from '../../../../mesh/explain/passed-over.ts';
import type { Origin } from '../../../../mesh/plan/route-plan.ts';
import { textTable } from '../../../text-table.ts';
import type { ExplainedCall } from './explained-call.ts';
import { plural } from '../../../plural.ts';

type Endpoint = ExplainedCluster['endpoints'][number];

function originText({ ref, field }: Origin): string {
  return `${ref.kind} ${ref.namespace}/${ref.name} ${field}`;
}

/** Fields of several objects, those of one object together. */
function originLines(origins: readonly Origin[]): readonly string[] {
  const fields = new Map<string, string[]>();
  for (const { ref, field } of origins) {
    const object = `${ref.kind} ${ref.namespace}/${ref.name}`;
    fields.set(object, [...(fields.get(object) ?? []), field]);
  }
  return [...fields].map(([object, all]) => `said by ${object} ${all.join(', ')}`);
}

function retryText(retries: Retries | undefined): string {
  if (retries === undefined || retries.attempts === 0) return 'no retries';
  const { attempts, on, statusCodes, perTryTimeout, backoff, otherEndpointsFirst } = retries;
  return [
    `up to ${plural(attempts, 'retry', 'retries')} on ${on.join(', ')}`,
    ...(statusCodes.length === 0 ? [] : [`(${statusCodes.join(', ')})`]),
    ...(perTryTimeout === undefined ? [] : [`after at most ${perTryTimeout} each`]),
    ...(backoff === undefined ? [] : [`first after ${backoff}`]),
    ...(otherEndpointsFirst ? ['at another endpoint if there is one'] : []),
  ].join(' ');
}

function headerLines({ request, response }: HeaderWords): readonly string[] {
  return [...request.map((one) => `request header: ${one}`), ...response.map((one) => `response header: ${one}`)];
}

function statusText({ status, grpcStatus }: Answered): string {
  return grpcStatus === undefined ? String(status) : `${status}, which is status ${grpcStatus} of gRPC`;
}

function faultLines({ delay, abort }: Faults): readonly string[] {
  return [
    ...(delay === undefined ? [] : [`fault: ${delay.percent} % wait for ${delay.duration}`]),
    ...(abort === undefined ? [] : [`fault: ${abort.percent} % are answered with ${statusText(abort)}`]),
  ];
}

function forwardLines(forwarded: Forwarded, { path, authority }: ExplainedCall['call']['request']): readonly string[] {
  const { timeout, retries, faults, headers, hashOf } = forwarded;
  return [
    `${timeout === undefined ? 'no timeout' : `timeout ${timeout}`}, ${retryText(retries)}`,
    ...(forwarded.path === path ? [] : [`the server gets the path ${forwarded.path}`]),
    ...(forwarded.authority === authority ? [] : [`the server gets the host ${forwarded.authority}`]),
    ...headerLines(headers),
    ...faultLines(faults),
    ...hashOf.map((key) => `an endpoint is picked by the hash of ${key}`),
  ];
}

const answers = {
  'direct response': 'the route says so',
  preflight: 'the proxy answers this question of CORS itself',
  'no route': 'no route matches',
  'no HTTP': 'nothing but HTTP is taken at this port',
} as const;

function outcomeLines(outcome: Outcome | undefined, { request }: ExplainedCall['call']): readonly string[] {
  if (outcome === undefined) return [];
  switch (outcome.type) {
    case 'forward':
      return forwardLines(outcome, request);
    case 'redirect':
      return [
        `answered by the client's proxy with ${statusText(outcome)}${outcome.location === undefined ? '' : `, location: ${outcome.location}`}`,
      ];
    case 'answer':
      return [`answered by the client's proxy with ${statusText(outcome)}: ${answers[outcome.why]}`];
  }
}

/** Name of a route, if its object gives one, and where it is from. */
function routeText({ name, origin }: ComparedRoute): string {
  if (origin === undefined) return 'the default one, because no object has routes for this address';
  return `${name === '' || name.includes('|') ? '' : `${name}, `}${originText(origin)}`;
}

/** Rules that were compared before, each once: one for gRPC and other requests has two routes, and the second is for all. */
function passedLines(passed: Explanation['passedRoutes'], taken: ComparedRoute | undefined): readonly string[] {
  const rules = new Map(
    passed.flatMap((one) => (one.origin === undefined ? [] : [[originText(one.origin), one] as const])),
  );
  if (taken?.origin !== undefined) rules.delete(originText(taken.origin));
  return [...rules.values()].map((one) => `not ${routeText(one)}: ${one.because}`);
}

function routeLines({ route, passedRoutes, listener }: Explanation, outcome: readonly string[]): readonly string[] {
  if (listener.reads === 'bytes') return ['Route      none: bytes are not compared with routes'];
  return [
    `Route      ${route === undefined ? 'none' : routeText(route)}`,
    ...[
      ...(route?.origin === undefined ? [] : [`for ${route.match}`]),
      ...outcome,
      ...passedLines(passedRoutes, route),
    ].map((line) => `  ${line}`),
  ];
}

function protectionText({ type, serverName, names, isUnverified }: Protection): string {
  if (type === 'plain text') return type;
  const server = serverName === undefined ? '' : `, server name ${serverName}`;
  if (isUnverified === true) return `${type}${server}, any certificate`;
  return `${type}${server}, certificate of ${names.length === 0 ? 'a public authority for the name' : names.join(' or ')}`;
}

/** Protections of a cluster, each once; endpoints refer to them by their first word. */
function protectionLines({ endpoints }: ExplainedCluster): readonly string[] {
  return [...new Set(endpoints.map(({ protection }) => protectionText(protection)))];
}

const healths: Readonly<Record<Endpoint['health'], string>> = {
  healthy: 'healthy',
  unhealthy: 'unhealthy: gets no requests',
  draining: 'draining: gets no requests',
  dialled: 'dialled',
};

/** What the pod makes of the call: its mode, and who may come in. */
function serverText({ server }: Endpoint): string {
  if (server === undefined) return '';
  const { mode, isTaken, isAllowed, rule, allowing, reads } = server;
  if (!isTaken) return `closes it: ${mode}`;
  const by = rule === undefined ? '' : ` by ${originText(rule)}`;
  if (isAllowed) return `${mode}, lets it in${by}`;
  const names = allowing.map(({ namespace, name }) => `${namespace}/${name}`).join(', ');
  const why = rule === undefined ? ` by no rule of AuthorizationPolicy ${names}` : by;
  return `${mode}, ${reads === 'http' ? 'answers 403' : 'closes it'}: ${rule === undefined ? 'allowed' : 'denied'}${why}`;
}

/** Where the modes of a cluster's pods are from, each object once. */
function modeLines({ endpoints }: ExplainedCluster): readonly string[] {
  const refs = endpoints.flatMap(({ server }) => server?.modeFrom ?? []);
  const names = new Set(refs.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`));
  return names.size === 0 ? [] : [`modes: ${[...names].join(', ')}`];
}

const times: ReadonlyMap<number, string> = new Map([
  [1, 'second'],
  [60, 'minute'],
  [3_600, 'hour'],
]);

/** Limits that the request counts in at the pods, each once. */
function rateLines({ endpoints }: ExplainedCluster): readonly string[] {
  const limits = endpoints.flatMap(({ server }) => (server?.isTaken === true && server.isAllowed ? server.limits : []));
  const lines = limits.map(({ origin, requests, seconds, burst }) => {
    const atOnce = burst === requests ? '' : `, ${burst} at once after a pause`;
    return `rate: each pod lets in ${plural(requests, 'request')} a ${times.get(seconds)}${atOnce} by ${originText(origin)}, and answers others with 429`;
  });
  return [...new Set(lines)];
}

function ejectionLines(ejection: Ejection): readonly string[] {
  const { after, interval, baseTime, endpoints, maxPercent, most, isOneAlways, panicPercent } = ejection;
  if (after.length === 0) return ['ejection: never, because no number of failures is set'];
  const share = `${maxPercent} % of ${plural(endpoints, 'endpoint')} is ${(endpoints * maxPercent) / 100}`;
  const [at, left] = [isOneAlways ? `${share}, but one always` : share, endpoints - most];
  const first = after.map(({ failures, of }) => `${failures} ${of}`).join(', or ');
  return [
    `ejection: an endpoint gets nothing for ${baseTime} times the number of its ejections after ${first} in a row; looked at every ${interval}`,
    `          at most ${most} at once (${at}), so ${left === 0 ? 'all can be out, and requests then fail with 503' : `${left} always ${left === 1 ? 'stays' : 'stay'}`}`,
    ...(panicPercent > 0
      ? [`          below ${panicPercent} % healthy endpoints all get requests, ejected ones too`]
      : []),
  ];
}

function limitText(limits: ExplainedCluster['limits']): string {
  return Object.entries(limits)
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${value}`)
    .join(', ');
}

function endpointRows({ endpoints }: ExplainedCluster): readonly string[] {
  const rows = endpoints.map((endpoint) => [
    `${endpoint.address}:${endpoint.port}`,
    endpoint.pod === undefined ? '' : `pod ${endpoint.pod}`,
    healths[endpoint.health],
    endpoint.protection.type,
    serverText(endpoint),
  ]);
  return textTable(rows, '    ');
}

function clusterLines(cluster: ExplainedCluster): readonly string[] {
  const { name, gets, percent, picks, endpoints, limits, ejection, origins, connectTimeout } = cluster;
  const head = `  ${percent} %${gets === 'copies' ? ' as copies' : ''}  ${name}`;
  if (picks === undefined) return [`${head}: there is no such cluster`];
  const isCallable = endpoints.some(({ health }) => health === 'healthy' || health === 'dialled');
  return [
    head,
    ...(isCallable ? [] : ['    no endpoint is ready: requests fail with 503']),
    ...endpointRows(cluster),
    ...[
      `endpoint: ${picks}`,
      ...protectionLines(cluster).map((text) => `connection: ${text}`),
      ...modeLines(cluster),
      ...rateLines(cluster),
      `limits: ${[...(connectTimeout === undefined ? [] : [`connect timeout ${connectTimeout}`]), ...(Object.keys(limits).length === 0 ? ['no others'] : [limitText(limits)])].join(', ')}`,
      ...(ejection === undefined ? [] : ejectionLines(ejection)),
      ...originLines(origins),
    ].map((line) => `    ${line}`),
  ];
}

const effects = { refused: 'refused', 'without-effect': 'no effect', warning: 'warning' } as const;

function remarkLine({ ref, field, effect, sentence, code }: Remark): string {
  return `  ${effects[effect]}: ${originText({ ref, field }).trimEnd()}: ${sentence} (${code})`;
}

function listenerText({ listener }: Explanation, { destination }: ExplainedCall): string {
  const { name, filterChain, reads } = listener;
  const of = destination.service === undefined ? 'no Service has this address' : `Service ${destination.service.key}`;
  return `Listener   ${name}, ${of}; filter chain ${filterChain}, read as ${reads === 'http' ? 'HTTP' : 'bytes'}`;
}

function callText({ client: { pod }, call }: ExplainedCall): string {
  const { scheme, host, port, request } = call;
  const place = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const what = call.speaks === 'http' ? `${request.method} ${place}${request.path}` : place;
  return `${what} from pod ${pod.key}`;
}

/** Returns the explanation for people. */
export function explanationLines(explained: ExplainedCall): readonly string[] {
  const { explanation, call, notes } = explained;
  const head = [callText(explained), ...notes.map((note) => `note: ${note}`)];
  if (explanation === undefined) return head;
  const { clusters, remarks } = explanation;
  return [
    ...head,
    listenerText(explanation, explained),
    ...routeLines(explanation, outcomeLines(explanation.outcome, call)),
    ...(clusters.length === 0 ? [] : ['Clusters']),
    ...clusters.flatMap(clusterLines),
    ...(remarks.length === 0 ? [] : ['Objects that do not count here, or not as they may be meant']),
    ...remarks.map(remarkLine),
  ];
}
