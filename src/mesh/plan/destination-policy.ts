import type { DestinationRule } from '../rules/destination-rule.ts';
import type { IstioPolicy } from '../rules/istio/traffic-policy.ts';
import type { HashKey } from './route-plan.ts';
import type {
  ConnectionLimits,
  Ejection,
  LoadBalancer,
  SubsetPlan,
  TrafficPolicy,
  Transport,
  UpstreamProtocol,
} from './traffic-policy.ts';

/** The four blocks that a port, or a subset, has in its own way. */
interface Blocks {
  readonly loadBalancer?: IstioPolicy['loadBalancer'];
  readonly connectionPool?: IstioPolicy['connectionPool'];
  readonly outlierDetection?: IstioPolicy['outlierDetection'];
  readonly tls?: IstioPolicy['tls'];
}

function present<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

function outlierDetectionOf(policy: IstioPolicy): IstioPolicy['outlierDetection'] {
  if (policy.circuitBreaker === undefined) return policy.outlierDetection;
  const { consecutiveErrors, ...ejections } = policy.circuitBreaker;
  return {
    ...ejections,
    consecutive5xxErrors: consecutiveErrors,
    consecutiveGatewayErrors: undefined,
    consecutiveLocalOriginFailures: undefined,
  };
}

/** What holds for a port: its own settings, which take the place of all four blocks, or else those of all ports. */
function blocksOf(policy: IstioPolicy, port: number): { readonly blocks: Blocks; readonly isOfPort: boolean } {
  const own = (policy.portLevelSettings ?? []).find((settings) => settings.port.number === port);
  if (own !== undefined) return { blocks: own, isOfPort: true };
  return { blocks: { ...policy, outlierDetection: outlierDetectionOf(policy) }, isOfPort: false };
}

/** A subset has the rule's blocks where it has none; what it says of the port stands in the place of all four. */
function merged(rule: Blocks, subset: IstioPolicy, port: number): Blocks {
  const { blocks, isOfPort } = blocksOf(subset, port);
  return isOfPort ? blocks : { ...rule, ...present<Blocks>(blocks) };
}

type ConsistentHash = NonNullable<NonNullable<IstioPolicy['loadBalancer']>['consistentHash']>;

function hashKey({ httpHeaderName, httpCookie, httpQueryParameterName }: ConsistentHash): HashKey {
  if (httpHeaderName !== undefined) return { type: 'header', name: httpHeaderName.toLowerCase() };
  if (httpQueryParameterName !== undefined) return { type: 'query', name: httpQueryParameterName };
  if (httpCookie === undefined) return { type: 'address' };
  const { name, path, ttl } = httpCookie;
  return { type: 'cookie', name, ...present<{ path: string; ttlMs: number }>({ path, ttlMs: ttl }) };
}

/** Envoy's default of the smallest ring. */
const ringSize = 1024;

function loadBalancerOf(block: Blocks['loadBalancer']): LoadBalancer | undefined {
  if (block === undefined) return undefined;
  const { simple, consistentHash } = block;
  if (consistentHash !== undefined) {
    const key = hashKey(consistentHash);
    const { maglev, ringHash, minimumRingSize = ringSize } = consistentHash;
    if (maglev !== undefined) return { type: 'maglev', key, tableSize: maglev.tableSize };
    return { type: 'ring', key, minimumSize: ringHash?.minimumRingSize ?? minimumRingSize };
  }
  switch (simple) {
    case 'ROUND_ROBIN':
      return { type: 'round-robin' };
    case 'RANDOM':
      return { type: 'random' };
    case 'PASSTHROUGH':
      return { type: 'dialled' };
    case undefined:
    case 'UNSPECIFIED':
    case 'LEAST_CONN':
    case 'LEAST_REQUEST':
      return { type: 'least-request' };
  }
}

/** Where 0 is no limit, as in Istio. */
function limit(value: number | undefined): number | undefined {
  return value === 0 ? undefined : value;
}

function limitsOf(block: Blocks['connectionPool']): ConnectionLimits | undefined {
  if (block === undefined) return undefined;
  const { tcp = {}, http = {} } = block;
  const { tcpKeepalive } = tcp;
  return present<ConnectionLimits>({
    maxConnections: limit(tcp.maxConnections),
    connectTimeoutMs: tcp.connectTimeout,
    tcpKeepalive:
      tcpKeepalive &&
      present<NonNullable<ConnectionLimits['tcpKeepalive']>>({
        probes: limit(tcpKeepalive.probes),
        timeMs: tcpKeepalive.time,
        intervalMs: tcpKeepalive.interval,
      }),
    tcpIdleTimeoutMs: tcp.idleTimeout,
    maxConnectionDurationMs: tcp.maxConnectionDuration,
    maxPendingRequests: limit(http.http1MaxPendingRequests),
    maxRequests: limit(http.http2MaxRequests),
    maxRequestsPerConnection: limit(http.maxRequestsPerConnection),
    maxRetries: limit(http.maxRetries),
    httpIdleTimeoutMs: http.idleTimeout ?? tcp.idleTimeout,
    maxConcurrentStreams: limit(http.maxConcurrentStreams),
  });
}

function protocolOf(block: Blocks['connectionPool']): UpstreamProtocol | undefined {
  if (block?.http?.useClientProtocol === true) return 'as-client';
  return block?.http?.h2UpgradePolicy === 'UPGRADE' ? 'http2' : undefined;
}

function ejectionOf(block: Blocks['outlierDetection']): Ejection | undefined {
  if (block === undefined) return undefined;
  const { splitExternalLocalOriginErrors, consecutiveLocalOriginFailures, maxEjectionPercent = 0 } = block;
  return {
    consecutive5xx: block.consecutive5xxErrors ?? 5,
    consecutiveGatewayErrors: block.consecutiveGatewayErrors ?? 0,
    ...(splitExternalLocalOriginErrors === true
      ? { consecutiveLocalFailures: limit(consecutiveLocalOriginFailures) ?? 5 }
      : {}),
    intervalMs: block.interval ?? 10_000,
    baseMs: block.baseEjectionTime ?? 30_000,
    maxPercent: maxEjectionPercent === 0 ? 10 : maxEjectionPercent,
    // 10 % of fewer than ten endpoints is none: without this, nothing would ever be ejected.
    ejectsOneAlways: maxEjectionPercent === 0,
    panicPercent: block.minHealthPercent ?? 0,
  };
}

function transportOf(block: Blocks['tls']): Transport | undefined {
  if (block === undefined) return undefined;
  const { mode, sni, subjectAltNames, caCertificates, insecureSkipVerify } = block;
  const names = subjectAltNames === undefined || subjectAltNames.length === 0 ? undefined : subjectAltNames;
  switch (mode) {
    case 'ISTIO_MUTUAL':
      return present<Extract<Transport, { type: 'mutual' }>>({ type: 'mutual', names, sni });
    case 'SIMPLE':
      return present<Extract<Transport, { type: 'simple' }>>({
        type: 'simple',
        sni,
        names,
        caFile: caCertificates,
        isUnverified: insecureSkipVerify === true ? true : undefined,
      });
    case 'DISABLE':
      return { type: 'plain' };
  }
}

/**
 * Returns how a port of a Service, or of a subset of it, is called. A block that nobody gives is left out: its default holds.
 *
 * @param subset name of the subset; one that the rule does not have is called as the Service
 */
export function policyOf(
  { trafficPolicy = {}, subsets = [] }: Pick<DestinationRule, 'trafficPolicy' | 'subsets'>,
  { number }: { readonly number: number },
  subset?: string,
): TrafficPolicy {
  const ofSubset = subset === undefined ? undefined : subsets.find(({ name }) => name === subset)?.trafficPolicy;
  const ofRule = blocksOf(trafficPolicy, number).blocks;
  const { loadBalancer, connectionPool, outlierDetection, tls } =
    ofSubset === undefined ? ofRule : merged(ofRule, ofSubset, number);
  return present<TrafficPolicy>({
    loadBalancer: loadBalancerOf(loadBalancer),
    limits: limitsOf(connectionPool),
    protocol: protocolOf(connectionPool),
    ejection: ejectionOf(outlierDetection),
    transport: transportOf(tls),
  });
}

/** Returns the parts that a rule makes of the endpoints of its Service. */
export function subsetsOf({ subsets = [] }: Pick<DestinationRule, 'subsets'>): readonly Omit<SubsetPlan, 'policies'>[] {
  return subsets.map(({ name, labels }) => ({ name, labels }));
}
