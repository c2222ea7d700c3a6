import { applicationBinding } from './addresses.ts';
import { duration, extension, oneEndpoint } from './extension.ts';
import { compile, fill, type Filling, type Template, type Tree, userText, type Written } from './flow-yaml.ts';
import { anyTls, grpcUpstream, transparentUpstream } from './http.ts';
import type { ProbeAction, ProbeRedirect } from './probe-redirect.ts';
import { probeTarget } from './probe-target.ts';

type HttpAction = Extract<ProbeAction, { type: 'http' }>;

const name: Tree = { hole: 'name' };

function cluster(more: { readonly [key: string]: Tree | undefined }): Template {
  return compile({
    name,
    load_assignment: oneEndpoint(name, { expandable: '$(POD_IP)' }, { hole: 'port' }),
    // Without it the proxy's own probe is captured and answered by the proxy.
    upstream_bind_config: applicationBinding,
    ...more,
  });
}

/**
 * A check in the background whose last result the status port gives away. A failing application is asked every second,
 * so that it counts as up soon after it is up; one that answers, at the kubelet's period, every five seconds at least.
 */
function healthChecks(kind: { readonly [key: string]: Tree }): readonly Tree[] {
  return [
    {
      timeout: { hole: 'timeout' },
      interval: { hole: 'interval' },
      // No request ever reaches this cluster, so these two are what counts; Envoy's own default is a minute.
      no_traffic_interval: '1s',
      no_traffic_healthy_interval: { hole: 'interval' },
      unhealthy_threshold: 1,
      healthy_threshold: 1,
      ...kind,
    },
  ];
}

/** Clusters of an application's port; their holes are `name`, `port` and `bind`. */
export const applicationCluster = {
  HTTP: cluster({ typed_extension_protocol_options: transparentUpstream }),
  HTTPS: cluster({ typed_extension_protocol_options: transparentUpstream, transport_socket: anyTls }),
} as const;

const clusters = {
  ...applicationCluster,
  tcp: cluster({ health_checks: healthChecks({ tcp_health_check: {} }) }),
  grpc: cluster({
    health_checks: healthChecks({ grpc_health_check: { service_name: { hole: 'service' } } }),
    typed_extension_protocol_options: grpcUpstream,
  }),
};

function route(more: { readonly [key: string]: Tree }): Template {
  return compile({
    match: { path: { hole: 'path' } },
    route: { cluster: name, prefix_rewrite: { hole: 'target' }, timeout: { hole: 'timeout' }, ...more },
  });
}

const routes = { plain: route({}), withHost: route({ host_rewrite_literal: { hole: 'host' } }) };

/** The name of the one cluster that has to be healthy stands where a key belongs, so it is put in as text. */
const filter = compile(
  extension('health_check', 'envoy.extensions.filters.http.health_check.v3.HealthCheck', {
    pass_through_mode: false,
    cluster_min_healthy_percentages: { hole: 'healthy' },
    headers: [{ name: ':path', string_match: { exact: { hole: 'path' } } }],
  }),
);

function seconds(value: number, least: number, most: number): string {
  return duration(Math.min(Math.max(value, least), most) * 1000);
}

/** Probes of one port over one scheme share a cluster; a background check is one probe's own. */
function clusterName({ action, container, kind }: ProbeRedirect): string {
  return userText(
    action.type === 'http' ? `probe.${action.scheme.toLowerCase()}.${action.port}` : `probe.${container}.${kind}`,
  );
}

function httpFilling(action: HttpAction, timeoutSeconds: number): Filling {
  return {
    target: userText(probeTarget(action.path)),
    timeout: duration(timeoutSeconds * 1000),
    host: userText(action.host ?? ''),
  };
}

function checkFilling(probe: ProbeRedirect, name: string): Filling {
  const { action, timeoutSeconds, periodSeconds } = probe;
  return {
    timeout: seconds(timeoutSeconds, 1, 3600),
    interval: seconds(periodSeconds, 1, 5),
    healthy: `{${name}: {value: 100}}`,
    service: userText(action.type === 'grpc' ? (action.service ?? '') : ''),
  };
}

interface Answer {
  readonly probe: ProbeRedirect;
  readonly name: string;
  readonly filling: Filling;
}

function answerOf(probe: ProbeRedirect, addresses: Filling): Answer {
  const { action } = probe;
  const name = clusterName(probe);
  const own = action.type === 'http' ? httpFilling(action, probe.timeoutSeconds) : checkFilling(probe, name);
  return {
    probe,
    name,
    filling: { bind: addresses['bind'] ?? '', name, path: userText(probe.path), port: String(action.port), ...own },
  };
}

function routeOf({ probe: { action }, filling }: Answer, written: Written): string {
  if (action.type !== 'http') return '';
  return `,${fill(action.host === undefined ? routes.plain : routes.withHost, filling, written)}`;
}

function filterOf({ probe, filling }: Answer, written: Written): string {
  return probe.action.type === 'http' ? '' : `${fill(filter, filling, written)},`;
}

function clustersOf(answers: readonly Answer[], written: Written): string {
  const names = new Set<string>();
  let text = '';
  for (const { probe, name, filling } of answers) {
    if (names.has(name)) continue;
    names.add(name);
    const { action } = probe;
    text += `,${fill(clusters[action.type === 'http' ? action.scheme : action.type], filling, written)}`;
  }
  return text;
}

/**
 * Fillings of the holes for a pod's probes: what answers them on the status port. A cluster's name is also the
 * `:authority` of a gRPC check, which servers refuse unless it is a legal host name. A timeout of 0 is none for HTTP and
 * 1 s for the others.
 */
export function probeFilling(probes: readonly ProbeRedirect[], addresses: Filling): Filling {
  if (probes.length === 0) return { probeFilters: '', probeRoutes: '', probeClusters: '' };
  const answers = probes.map((probe) => answerOf(probe, addresses));
  return {
    probeFilters: (written) => answers.map((answer) => filterOf(answer, written)).join(''),
    probeRoutes: (written) => answers.map((answer) => routeOf(answer, written)).join(''),
    probeClusters: (written) => clustersOf(answers, written),
  };
}
