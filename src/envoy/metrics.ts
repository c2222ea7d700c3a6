import { extension, repeatedExtension } from './extension.ts';
import { compile, escapeExpansion, type Filling, quoted, type Template, type Tree } from './flow-yaml.ts';
import type { ServiceIdentity } from './intent.ts';

type Direction = 'inbound' | 'outbound';

/** What an anchor of one identity's part is called; each is written once and referred to by every label. */
function ownPart(name: string, content: Tree): Tree {
  return { anchor: `own ${name}`, content };
}

const own = {
  workload: ownPart('workload', { hole: 'ownWorkload' }),
  namespace: ownPart('namespace', { expandable: '$(POD_NAMESPACE)' }),
  app: ownPart('app', { hole: 'ownApp' }),
  version: ownPart('version', { hole: 'ownVersion' }),
  service: ownPart('service', { hole: 'ownService' }),
  revision: ownPart('revision', { hole: 'ownRevision' }),
  /** Istio's name of a cluster that nobody has given one. */
  cluster: ownPart('cluster', 'Kubernetes'),
} as const;

/** What Istio writes where it does not know; a proxy alone knows nothing of its peers that they could not invent. */
const unknown: Tree = 'unknown';

interface Label {
  readonly name: string;
  readonly value: Tree;
}

function workloadLabels(side: 'source' | 'destination', isOwn: boolean): Label[] {
  const label = (name: string, value: Tree, otherwise = unknown): Label => ({
    name: `${side}_${name}`,
    value: isOwn ? value : otherwise,
  });
  return [
    label('workload', own.workload),
    label('workload_namespace', own.namespace),
    label('principal', unknown),
    label('app', own.app),
    label('version', own.version),
    label('canonical_service', own.service),
    label('canonical_revision', own.revision, 'latest'),
    label('cluster', own.cluster),
  ];
}

/** Labels that all metrics have, in Istio's values: its `istio_stats` filter, populatePeerInfo. */
function commonLabels(direction: Direction): Label[] {
  const inbound = direction === 'inbound';
  return [
    { name: 'reporter', value: inbound ? 'destination' : 'source' },
    ...workloadLabels('source', !inbound),
    ...workloadLabels('destination', inbound),
    { name: 'destination_service', value: inbound ? own.service : unknown },
    { name: 'destination_service_name', value: inbound ? own.service : { hole: 'outboundCluster' } },
    { name: 'destination_service_namespace', value: inbound ? own.namespace : unknown },
    { name: 'response_flags', value: '%RESPONSE_FLAGS%' },
    { name: 'connection_security_policy', value: inbound ? 'none' : unknown },
  ];
}

/** A label in the logger's form; equal ones are written once, whichever metric they stand in. */
function tag({ name, value }: Label, of: Direction | 'both'): Tree {
  return { anchor: `label ${name} ${of}`, content: { name, value_format: value } };
}

function becomes(value: string): Tree {
  return {
    action: repeatedExtension('set tag', 'set', 'envoy.extensions.matching.actions.transform_stat.v3.TransformStat', {
      update_tag: { new_tag_value: value },
    }),
  };
}

/** `grpc` or `http`, by the content type as Envoy's own gRPC detection reads it; whatever a client sends, it is one of the two. */
const requestProtocol: Tree = {
  anchor: 'label request_protocol',
  content: {
    name: 'request_protocol',
    value_format: '%REQ(CONTENT-TYPE)%',
    rules: {
      matcher_list: {
        matchers: [
          {
            predicate: {
              single_predicate: {
                input: extension('tag', 'envoy.extensions.matching.common_inputs.stats.v3.StatTagValueInput'),
                value_match: { safe_regex: { google_re2: {}, regex: 'application/grpc([+;].*)?' } },
              },
            },
            on_match: becomes('grpc'),
          },
        ],
      },
      on_no_match: becomes('http'),
    },
  },
};

/**
 * Most series of one metric in one direction: about ten times what a pod with every common status code has. What comes
 * after them is not counted; `envoy_server_stats_overflow_counter` tells. Nothing is evicted: a counter that vanished and
 * came back would hide rare errors from `increase()`.
 */
const mostSeries = 200;

/** Counters and histograms under Istio's prefix, at most so many of each. */
function logger(counters: readonly Tree[], histograms: readonly Tree[]): Tree {
  return repeatedExtension(
    'stats logger',
    'envoy.access_loggers.stats',
    'envoy.extensions.access_loggers.stats.v3.Config',
    {
      stats_scope: {
        prefix: 'istio',
        max_counters: mostSeries * counters.length,
        max_histograms: mostSeries * histograms.length,
      },
      counters,
      histograms,
    },
  );
}

/** Counts messages of gRPC while they flow; the page of metrics gives them Istio's names. */
export const grpcFilter: Template = [
  ...compile({
    anchor: 'grpc stats',
    content: extension('grpc_stats', 'envoy.extensions.filters.http.grpc_stats.v3.FilterConfig'),
  }),
  ',',
];

function httpLogger(direction: Direction): Template {
  const tags: Tree = {
    anchor: `http labels ${direction}`,
    content: [
      ...commonLabels(direction).map((label) => tag(label, direction)),
      requestProtocol,
      tag({ name: 'response_code', value: '%RESPONSE_CODE%' }, 'both'),
      tag({ name: 'grpc_response_status', value: '%GRPC_STATUS_NUMBER%' }, 'both'),
    ],
  };
  const histogram = (name: string, value: string, unit: string): Tree => ({
    stat: { name, tags },
    value_format: value,
    unit,
  });
  return compile(
    logger(
      [{ stat: { name: 'requests_total', tags }, value_fixed: 1 }],
      [
        histogram('request_duration_milliseconds', '%DURATION%', 'Milliseconds'),
        histogram('request_bytes', '%DOWNSTREAM_WIRE_BYTES_RECEIVED%', 'Bytes'),
        histogram('response_bytes', '%DOWNSTREAM_WIRE_BYTES_SENT%', 'Bytes'),
      ],
    ),
  );
}

/**
 * Counts every accepted connection twice, when it begins and when it ends, so that the difference is what is open. Its
 * bytes are not counted here: the logger knows only their sum so far, which a counter would add again at every report.
 */
function tcpLoggers(direction: Direction): readonly Template[] {
  const tags: Tree = {
    anchor: `tcp labels ${direction}`,
    content: [
      ...commonLabels(direction).map((label) => tag(label, direction)),
      tag({ name: 'request_protocol', value: 'tcp' }, 'both'),
    ],
  };
  const count = (moment: string, name: string): Template =>
    compile({
      filter: { log_type_filter: { types: [moment] } },
      ...(logger([{ stat: { name, tags }, value_fixed: 1 }], []) as { readonly [key: string]: Tree }),
    });
  return [
    count('TcpConnectionStart', 'tcp_connections_opened_total'),
    count('TcpConnectionEnd', 'tcp_connections_closed_total'),
  ];
}

/**
 * Access loggers that count instead of writing: Istio's standard metrics, as `envoy_istio_…` in Envoy's own output. One
 * sharing name for all scopes would cap them together, but `--mode validate` of Envoy 1.40 crashes on it.
 */
export const metricLoggers: Readonly<Record<`${Direction} ${'http' | 'tcp'}`, readonly Template[]>> = {
  'inbound http': [httpLogger('inbound')],
  'inbound tcp': tcpLoggers('inbound'),
  'outbound http': [httpLogger('outbound')],
  'outbound tcp': tcpLoggers('outbound'),
};

/** A value that is taken as it is: in Envoy's formats `%` begins an operator, and an empty one is refused. */
function literal(text: string): string {
  return text === '' ? 'unknown' : quoted(escapeExpansion(text.replaceAll('%', '%%')));
}

/** Fillings of the holes in `metricLoggers`. */
export function identityFilling(workload: string, service: ServiceIdentity): Filling {
  return {
    ownWorkload: literal(workload),
    ownApp: literal(service.app),
    ownVersion: literal(service.version),
    ownService: literal(service.name),
    ownRevision: literal(service.revision),
  };
}
