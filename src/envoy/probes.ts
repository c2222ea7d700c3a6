import type { JsonObject } from '../json/json.ts';
import { applicationBinding, type Families } from './addresses.ts';
import { duration, extension, loadAssignment, socketAddress } from './extension.ts';
import { anyTls, grpcUpstream, transparentUpstream } from './http.ts';
import { scriptNamed } from './lua.ts';
import { probeScript } from './probe-script.ts';
import type { Self } from './self.ts';
import type { ProbeAction, ProbeRedirect } from '../pod/probe.ts';
import { probeTarget } from './probe-target.ts';

type HttpAction = Extract<ProbeAction, { type: 'http' }>;
type CheckAction = Exclude<ProbeAction, HttpAction>;

/** How the proxy reaches the application. */
export interface Application {
  readonly families: Families;
  readonly self: Self;
}

/** Returns the cluster of one of the application's ports, dialled at the pod's own address. */
function portCluster(name: string, port: number, { families, self }: Application, more: JsonObject): JsonObject {
  return {
    name,
    load_assignment: loadAssignment(name, [socketAddress(self.address, port)]),
    // Without this, the proxy's own probe would be captured and answered by the proxy.
    upstream_bind_config: applicationBinding(families),
    ...more,
  };
}

/** A port of the application that is probed or scraped by HTTP. */
export interface HttpPort {
  readonly scheme: 'HTTP' | 'HTTPS';
  readonly name: string;
  readonly port: number;
}

/** Returns the cluster of such a port. */
export function applicationCluster({ scheme, name, port }: HttpPort, application: Application): JsonObject {
  return portCluster(name, port, application, {
    typed_extension_protocol_options: transparentUpstream,
    ...(scheme === 'HTTPS' ? { transport_socket: anyTls } : {}),
  });
}

function seconds(value: number, least: number, most: number): string {
  return duration(Math.min(Math.max(value, least), most) * 1000);
}

/**
 * Returns a background health check whose last result the status port reports. A failing application is checked every
 * second, so that it is ready soon after it is up. A healthy one is checked at the kubelet's period, but at least every
 * five seconds.
 */
function healthCheck({ timeoutSeconds, periodSeconds }: ProbeRedirect, kind: JsonObject): JsonObject {
  const interval = seconds(periodSeconds, 1, 5);
  return {
    timeout: seconds(timeoutSeconds, 1, 3600),
    interval,
    // No request ever reaches this cluster, so these two intervals apply; Envoy's default is a minute.
    no_traffic_interval: '1s',
    no_traffic_healthy_interval: interval,
    unhealthy_threshold: 1,
    healthy_threshold: 1,
    ...kind,
  };
}

function checkedCluster(name: string, probe: ProbeRedirect, action: CheckAction, application: Application): JsonObject {
  if (action.type === 'tcp') {
    const health_checks = [healthCheck(probe, { tcp_health_check: {} })];
    return portCluster(name, action.port, application, { health_checks });
  }
  const service_name = action.service ?? '';
  return portCluster(name, action.port, application, {
    health_checks: [healthCheck(probe, { grpc_health_check: { service_name } })],
    typed_extension_protocol_options: grpcUpstream,
  });
}

function exact(name: string, value: string): JsonObject {
  return { name, string_match: { exact: value } };
}

/** Returns a filter that answers with the health of one cluster. */
function healthFilter(name: string, path: string): JsonObject {
  return extension('health_check', 'envoy.extensions.filters.http.health_check.v3.HealthCheck', {
    pass_through_mode: false,
    cluster_min_healthy_percentages: { [name]: { value: 100 } },
    headers: [exact(':path', path)],
  });
}

/** Name of the script. */
const scriptName = 'probe';

/** Returns what the script must know of a probe or hook. */
function scriptContext(probe: ProbeRedirect, { scheme, port, path }: HttpAction, { self }: Application): JsonObject {
  return {
    url: `${scheme.toLowerCase()}://${self.address}:${port}${probeTarget(path)}`,
    ms: probe.timeoutSeconds * 1000,
    ...(isHook(probe) ? { hook: 'no response' } : {}),
  };
}

function isHook({ kind }: ProbeRedirect): boolean {
  return kind === 'prestopz' || kind === 'poststartz';
}

function httpRoute(cluster: string, probe: ProbeRedirect, action: HttpAction, application: Application): JsonObject {
  const { path, timeoutSeconds } = probe;
  const timeout = duration(timeoutSeconds * 1000);
  return {
    // Exactly what the kubelet asks: another method or a query would reach the application on a path that it never offered.
    match: { path, headers: [exact(':method', 'GET'), exact(':path', path)] },
    route: {
      cluster,
      prefix_rewrite: probeTarget(action.path),
      timeout,
      // The listener's own limit would end what may take longer.
      idle_timeout: timeout,
      ...(action.host === undefined ? {} : { host_rewrite_literal: action.host }),
    },
    typed_per_filter_config: scriptNamed(scriptName, scriptContext(probe, action, application)),
  };
}

/** Returns the clusters to which redirects lead: any port of the pod, whose address the script gives. */
function redirectClusters({ families }: Application): readonly JsonObject[] {
  return (['http', 'https'] as const).map((scheme) => ({
    name: `probe.${scheme}`,
    type: 'ORIGINAL_DST',
    lb_policy: 'CLUSTER_PROVIDED',
    original_dst_lb_config: { use_http_header: true },
    upstream_bind_config: applicationBinding(families),
    typed_extension_protocol_options: transparentUpstream,
    ...(scheme === 'https' ? { transport_socket: anyTls } : {}),
  }));
}

/**
 * Returns the name of a probe's cluster. HTTP probes of one port and scheme share a cluster; a background check has its
 * own. The name of a cluster is also the `:authority` of a gRPC check, which servers reject unless it is a legal host
 * name.
 */
function clusterName({ action, container, kind }: ProbeRedirect): string {
  return action.type === 'http' ? `probe.${action.scheme.toLowerCase()}.${action.port}` : `probe.${container}.${kind}`;
}

/** Parts of the configuration that answer a pod's probes on the status port. */
export interface ProbeAnswers {
  readonly scripts: Readonly<Record<string, string>>;
  readonly filters: readonly JsonObject[];
  readonly routes: readonly JsonObject[];
  readonly clusters: readonly JsonObject[];
}

/**
 * Returns the parts that answer all probes, in order. A timeout of 0 means none for HTTP, and 1 s for TCP and gRPC.
 *
 * @param statusPort port that the kubelet asks
 */
export function probeAnswers(
  probes: readonly ProbeRedirect[],
  application: Application,
  statusPort: number,
): ProbeAnswers {
  const filters: JsonObject[] = [];
  const routes: JsonObject[] = [];
  const clusters = new Map<string, JsonObject>();
  for (const probe of probes) {
    const { action } = probe;
    const name = clusterName(probe);
    if (action.type === 'http') routes.push(httpRoute(name, probe, action, application));
    else filters.push(healthFilter(name, probe.path));
    if (clusters.has(name)) continue;
    clusters.set(
      name,
      action.type === 'http'
        ? applicationCluster({ scheme: action.scheme, name, port: action.port }, application)
        : checkedCluster(name, probe, action, application),
    );
  }
  if (routes.length === 0) return { scripts: {}, filters, routes, clusters: [...clusters.values()] };
  return {
    scripts: { [scriptName]: probeScript(statusPort) },
    filters,
    routes,
    clusters: [...clusters.values(), ...redirectClusters(application)],
  };
}
