import type { ObjectRef } from '../rules/object-ref.ts';
import type { HashKey, RoutePlan } from './route-plan.ts';

/** How an endpoint is picked. */
export type LoadBalancer =
  | { readonly type: 'least-request' | 'round-robin' | 'random' }
  /** The endpoint that the client dials. */
  | { readonly type: 'dialled' }
  | { readonly type: 'ring'; readonly key: HashKey; readonly minimumSize: number }
  | { readonly type: 'maglev'; readonly key: HashKey; readonly tableSize?: number };

/** Limits of one client's proxy; undefined means none. */
export interface ConnectionLimits {
  readonly maxConnections?: number;
  readonly connectTimeoutMs?: number;
  readonly tcpKeepalive?: { readonly probes?: number; readonly timeMs?: number; readonly intervalMs?: number };
  readonly tcpIdleTimeoutMs?: number;
  readonly maxConnectionDurationMs?: number;
  readonly maxPendingRequests?: number;
  readonly maxRequests?: number;
  readonly maxRequestsPerConnection?: number;
  readonly maxRetries?: number;
  readonly httpIdleTimeoutMs?: number;
  readonly maxConcurrentStreams?: number;
}

/** Protocol of requests to an endpoint. Default: by the port's name, or as the client's. */
export type UpstreamProtocol = 'as-client' | 'http2';

/** When an endpoint that fails gets no requests for a while. */
export interface Ejection {
  /** In a row; 0 switches this off. */
  readonly consecutive5xx: number;
  readonly consecutiveGatewayErrors: number;
  /** Failures to connect in a row, counted apart from the answers; undefined if they count as 5xx. */
  readonly consecutiveLocalFailures?: number;
  readonly intervalMs: number;
  readonly baseMs: number;
  readonly maxPercent: number;
  /** Whether one endpoint may be ejected where the percentage of so few is none. */
  readonly ejectsOneAlways: boolean;
  /** Below this share of healthy endpoints all get requests; 0 switches this off. */
  readonly panicPercent: number;
}

/** How connections are protected. */
export type Transport =
  /** Mutual TLS with endpoints that take it, plain text with others. */
  | { readonly type: 'automatic' }
  | { readonly type: 'plain' }
  /** Mutual TLS of the mesh with all endpoints. Names stand in the place of those of the endpoints' service accounts. */
  | { readonly type: 'mutual'; readonly names?: readonly string[]; readonly sni?: string }
  /** TLS without a certificate of the client. Without `sni`, the name is that of the request. */
  | {
      readonly type: 'simple';
      readonly sni?: string;
      readonly names?: readonly string[];
      readonly caFile?: string;
      readonly isUnverified?: boolean;
    };

/** How a port of a Service, or of a subset, is called. */
export interface TrafficPolicy {
  readonly loadBalancer?: LoadBalancer;
  readonly limits?: ConnectionLimits;
  readonly protocol?: UpstreamProtocol;
  readonly ejection?: Ejection;
  readonly transport?: Transport;
}

/** Returns by what of a request a policy picks an endpoint, if it does so by a hash. */
export function hashKeyOf(policy: TrafficPolicy | undefined): HashKey | undefined {
  const balancer = policy?.loadBalancer;
  return balancer?.type === 'ring' || balancer?.type === 'maglev' ? balancer.key : undefined;
}

/** A part of the endpoints of a Service. */
export interface SubsetPlan {
  readonly name: string;
  /** Labels of its pods; all must be there. */
  readonly labels: Readonly<Record<string, string>>;
  /** By the Service's port. */
  readonly policies: ReadonlyMap<number, TrafficPolicy>;
}

/** What objects say about calls of one Service by some of its clients; everything is empty where none says anything. */
export interface ServiceTraffic {
  /** By port: where its requests go. Those of a port that is not here go to the port itself. */
  readonly routes: ReadonlyMap<number, RoutePlan>;
  /** By port. */
  readonly policies: ReadonlyMap<number, TrafficPolicy>;
  readonly subsets: readonly SubsetPlan[];
  /** Whether routes of any Service lead to this one by its name. Default: only those in `routes` may. */
  readonly isDestination?: boolean;
  /** The objects that policies and subsets come from. */
  readonly origins: readonly ObjectRef[];
}

/** What holds for a Service that no object names. */
export const plainTraffic: ServiceTraffic = { routes: new Map(), policies: new Map(), subsets: [], origins: [] };
