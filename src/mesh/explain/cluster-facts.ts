import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import { isSame } from '../../json/json.ts';
import { ejectionOf, type Ejection } from './ejection.ts';
import type { ProxyConfiguration } from './listener-walk.ts';

/** How a connection to an endpoint is protected. */
export interface Protection {
  readonly type: 'mutual TLS' | 'TLS' | 'plain text';
  /** Server name of TLS; undefined for that of the request. */
  readonly serverName?: string;
  /** Names of which the server's certificate must have one; empty if any certificate of a known authority is taken. */
  readonly names: readonly string[];
  /** Whether the server's certificate is not looked at. */
  readonly isUnverified?: boolean;
}

/** One endpoint of a cluster. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly health: 'healthy' | 'unhealthy' | 'draining';
  readonly protection: Protection;
}

/** What a cluster does with requests. */
export interface ClusterFacts {
  readonly name: string;
  /** How an endpoint is picked; undefined for a cluster that does not exist. */
  readonly picks: string | undefined;
  /** Empty where the client has picked the endpoint, or there is none. */
  readonly endpoints: readonly Endpoint[];
  /** How connections are protected to an endpoint that the client has picked. */
  readonly protection?: Protection;
  readonly connectTimeout?: string;
  /** Limits of this client's proxy by name; what is not here has none. */
  readonly limits: Readonly<Record<string, number | string>>;
  readonly ejection?: Ejection;
}

const balancers: Readonly<Record<string, string>> = {
  LEAST_REQUEST: 'the one of two with fewer requests',
  ROUND_ROBIN: 'in turn',
  RANDOM: 'at random',
  RING_HASH: 'by a consistent hash',
  MAGLEV: 'by a consistent hash (Maglev)',
  CLUSTER_PROVIDED: 'the one that the client has dialled',
};

const plainText: Protection = { type: 'plain text', names: [] };

function protectionOf(socket: JsonObject | undefined): Protection {
  const config = objectMember(socket, 'typed_config');
  const common = objectMember(config, 'common_tls_context');
  if (common === undefined) return plainText;
  const combined = objectMember(objectMember(common, 'combined_validation_context'), 'default_validation_context');
  const validation = combined ?? objectMember(common, 'validation_context');
  const serverName = stringMember(config, 'sni');
  return {
    type: objectsMember(common, 'tls_certificate_sds_secret_configs').length > 0 ? 'mutual TLS' : 'TLS',
    ...(serverName === undefined ? {} : { serverName }),
    names: objectsMember(validation, 'match_typed_subject_alt_names').flatMap(
      (one) => stringMember(objectMember(one, 'matcher'), 'exact') ?? [],
    ),
    ...(validation === undefined ? { isUnverified: true } : {}),
  };
}

function includesAll(object: JsonObject | undefined, wanted: JsonObject): boolean {
  return Object.entries(wanted).every(([key, value]) => isSame(member(object, key), value));
}

/** Returns how an endpoint is reached: by the first socket whose match is in its metadata, or by that of the cluster. */
function socketFor(cluster: JsonObject, endpoint: JsonObject): JsonObject | undefined {
  const labels = objectMember(
    objectMember(objectMember(endpoint, 'metadata'), 'filter_metadata'),
    'envoy.transport_socket_match',
  );
  const found = objectsMember(cluster, 'transport_socket_matches').find((one) =>
    includesAll(labels, objectMember(one, 'match') ?? {}),
  );
  return objectMember(found ?? cluster, 'transport_socket');
}

const healths: Readonly<Record<string, Endpoint['health']>> = { HEALTHY: 'healthy', DRAINING: 'draining' };

function endpointsOf(cluster: JsonObject, assignment: JsonObject | undefined): readonly Endpoint[] {
  return objectsMember(assignment, 'endpoints')
    .flatMap((group) => objectsMember(group, 'lb_endpoints'))
    .map((one) => {
      const socket = objectMember(objectMember(objectMember(one, 'endpoint'), 'address'), 'socket_address');
      return {
        address: stringMember(socket, 'address') ?? '',
        port: Number(member(socket, 'port_value')),
        health: healths[stringMember(one, 'health_status') ?? ''] ?? 'unhealthy',
        protection: protectionOf(socketFor(cluster, one)),
      };
    });
}

/** What clusters have if nobody limits them: the largest number there is. */
const none = 4_294_967_295;

const httpOptions = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** Members of options that are limits, if they are there. */
function limitsOf(cluster: JsonObject): Readonly<Record<string, number | string>> {
  const [thresholds] = objectsMember(objectMember(cluster, 'circuit_breakers'), 'thresholds');
  const options = objectMember(objectMember(cluster, 'typed_extension_protocol_options'), httpOptions);
  const common = objectMember(options, 'common_http_protocol_options');
  const http = ['max_requests_per_connection', 'max_connection_duration'].map(
    (key) => [key, member(common, key)] as const,
  );
  const limits = [...Object.entries(thresholds ?? {}), ...http].flatMap(([key, value]) =>
    value === undefined || value === none ? [] : [[key, value as number | string] as const],
  );
  return Object.fromEntries(limits);
}

/** Returns what a proxy knows of a cluster. */
export function clusterFacts(configuration: ProxyConfiguration, name: string): ClusterFacts {
  const cluster = configuration.find('cluster', name);
  if (cluster === undefined) return { name, picks: undefined, endpoints: [], limits: {} };
  const isDialled = stringMember(cluster, 'type') === 'ORIGINAL_DST';
  const endpoints = isDialled ? [] : endpointsOf(cluster, configuration.find('endpoints', name));
  const connectTimeout = stringMember(cluster, 'connect_timeout');
  const ejection = ejectionOf(cluster, endpoints.length);
  return {
    name,
    picks: balancers[stringMember(cluster, 'lb_policy') ?? 'ROUND_ROBIN'] ?? '',
    endpoints,
    ...(isDialled ? { protection: protectionOf(objectMember(cluster, 'transport_socket')) } : {}),
    ...(connectTimeout === undefined ? {} : { connectTimeout }),
    limits: limitsOf(cluster),
    ...(ejection === undefined ? {} : { ejection }),
  };
}
