import { ports } from '../settings/constants.ts';
import { listenAddress } from './addresses.ts';
import { extension, repeatedExtension } from './extension.ts';
import { compile, fill, type Filling, type Template, type Tree, type Written } from './flow-yaml.ts';
import { transparentHttp } from './http.ts';
import type { ProxyIntent } from './intent.ts';

type Opaque = Pick<ProxyIntent, 'opaquePorts' | 'opaqueInboundPorts'>;

/** On an opaque port nobody waits for the client's first bytes: where the server speaks first they never come. */
function inspector(name: string, type: string, filter_disabled: Tree): Tree {
  return { ...(extension(name, type) as { readonly [key: string]: Tree }), filter_disabled };
}

function listenerFilters(opaque: Tree): readonly Tree[] {
  return [
    extension('original_dst', 'envoy.extensions.filters.listener.original_dst.v3.OriginalDst'),
    inspector('tls_inspector', 'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector', opaque),
    // After the TLS one, which tells it to leave TLS connections alone.
    inspector('http_inspector', 'envoy.extensions.filters.listener.http_inspector.v3.HttpInspector', opaque),
  ];
}

const opaque: Tree = { anchor: 'opaque ports', content: { hole: 'opaque' } };
const sharedFilters: Tree = { anchor: 'listener filters', content: listenerFilters(opaque) };
const inboundFilters = {
  asOutbound: compile(sharedFilters),
  own: compile(
    listenerFilters({
      anchor: 'opaque inbound ports',
      content: { or_match: { rules: [opaque, { hole: 'opaqueInbound' }] } },
    }),
  ),
};

/** Filling of the listeners' filters: the ports of both directions that nobody listens in to. */
export function opaqueFilling({ opaquePorts, opaqueInboundPorts }: Opaque): Filling {
  const shared = {
    opaque: (written: Written) => opaquePredicate(opaquePorts, written),
    inboundFilters: inboundFilters.asOutbound,
  };
  const declared = opaqueInboundPorts
    .filter((port) => !opaquePorts.some(({ first, last }) => first <= port && port <= last))
    .map((port) => ({ first: port, last: port }));
  if (declared.length === 0) return shared;
  return {
    ...shared,
    inboundFilters: inboundFilters.own,
    opaqueInbound: (written) => `,${opaquePredicate(declared, written)}`,
  };
}

const portRange = compile({ destination_port_range: { start: { hole: 'start' }, end: { hole: 'end' } } });

/**
 * A predicate on the destination port. Its upper bound is exclusive; an empty range stands for no ports at all, and a
 * list of alternatives must have two at least.
 */
function opaquePredicate(opaquePorts: ProxyIntent['opaquePorts'], written: Written): string {
  const ranges = joined(opaquePorts);
  const rules = (ranges.length === 0 ? [{ first: 0, last: -1 }] : ranges).map(({ first, last }) =>
    fill(portRange, { start: String(first), end: String(last + 1) }, written),
  );
  return rules.length === 1 ? rules.join('') : `{or_match: {rules: [${rules.join(',')}]}}`;
}

/** Neighbouring ranges as one. */
function joined(ranges: ProxyIntent['opaquePorts']): { first: number; last: number }[] {
  const result: { first: number; last: number }[] = [];
  for (const { first, last } of ranges) {
    const previous = result.at(-1);
    if (previous !== undefined && previous.last + 1 === first) previous.last = last;
    else result.push({ first, last });
  }
  return result;
}

function tcpProxy(cluster: Tree, more: { readonly [key: string]: Tree }): Tree {
  return repeatedExtension(
    'tcp proxy',
    'envoy.filters.network.tcp_proxy',
    'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
    { stat_prefix: cluster, cluster, ...more },
  );
}

const closed: Tree = { anchor: 'closed', content: [tcpProxy('BlackHoleCluster', {})] };

/**
 * What the server cannot have begun is sent once more: what an HTTP/2 server has refused, and inbound what was not sent, as
 * in Istio. Outbound that would dial an unreachable host anew, each time for as long as it takes.
 */
const retryOn = { inbound: 'reset-before-request,refused-stream', outbound: 'refused-stream' } as const;
type Direction = keyof typeof retryOn;

/** One action for all requests. Those with CONNECT have no path, and only this matcher sees them. */
function everything(name: string, action: { readonly [key: string]: Tree }): Tree {
  const routes = [{ prefix: '/' }, { connect_matcher: {} }].map((match) => ({ name, match, ...action }));
  return { virtual_hosts: [{ name, domains: ['*'], routes }] };
}

function passTo(direction: Direction, cluster: string): { readonly [key: string]: Tree } {
  return {
    route: {
      anchor: `route ${direction}`,
      content: { cluster, timeout: '0s', retry_policy: { retry_on: retryOn[direction] } },
    },
  };
}

const outboundRoutes: Readonly<Record<ProxyIntent['outboundTrafficPolicy'], Template>> = {
  ALLOW_ANY: compile(everything('allow_any', passTo('outbound', 'PassthroughCluster'))),
  REGISTRY_ONLY: compile(everything('block_all', { direct_response: { anchor: 'refused', content: { status: 502 } } })),
};

/** What becomes of destinations that nothing is known about; metrics tell the cluster as the service, as Istio's do. */
export function outboundFilling(policy: ProxyIntent['outboundTrafficPolicy']): {
  readonly outboundRoutes: Template;
  readonly outboundCluster: string;
} {
  return {
    outboundRoutes: outboundRoutes[policy],
    outboundCluster: policy === 'ALLOW_ANY' ? 'PassthroughCluster' : 'BlackHoleCluster',
  };
}

function capturing(direction: Direction, port: number, routes: Tree, tcpCluster: Tree): Tree {
  return {
    name: direction === 'inbound' ? 'virtualInbound' : 'virtualOutbound',
    traffic_direction: direction.toUpperCase(),
    address: listenAddress(port),
    tcp_keepalive: {},
    listener_filters: direction === 'inbound' ? { hole: 'inboundFilters' } : sharedFilters,
    listener_filters_timeout: { hole: 'detectionTimeout' },
    continue_on_listener_filters_timeout: true,
    filter_chains: [
      // Whoever dials the listener's own port would be sent back to it for ever.
      { name: 'loop-guard', filter_chain_match: { destination_port: port }, filters: closed },
      {
        name: 'http',
        filter_chain_match: {
          anchor: 'is http',
          content: { transport_protocol: 'raw_buffer', application_protocols: ['http/1.0', 'http/1.1', 'h2c'] },
        },
        filters: [transparentHttp(direction, routes)],
      },
    ],
    default_filter_chain: {
      name: 'tcp',
      filters: [
        tcpProxy(tcpCluster, {
          // As long as without a proxy; who vanishes is noticed by the kernel.
          idle_timeout: '0s',
          access_log: { hole: `${direction} tcp log` },
          '...options': { hole: 'tcpLogOptions' },
        }),
      ],
    },
  };
}

/** The listener that the application's captured connections arrive at. */
export const virtualOutbound: Tree = capturing(
  'outbound',
  ports.outbound,
  { hole: 'outboundRoutes' },
  { hole: 'outboundCluster' },
);

/** The listener that captured connections to the application arrive at. */
export const virtualInbound: Tree = capturing(
  'inbound',
  ports.inbound,
  everything('inbound', passTo('inbound', 'InboundPassthroughCluster')),
  'InboundPassthroughCluster',
);
