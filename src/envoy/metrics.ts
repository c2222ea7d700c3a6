import { extension, repeatedExtension } from './extension.ts';
import { compile, type Template, type Tree } from './flow-yaml.ts';

type Direction = 'inbound' | 'outbound';

/** What every series is told apart by; labels that are the same for all of one direction are added by the page. */
function commonLabels(direction: Direction): Tree[] {
  return [
    tag('reporter', direction === 'inbound' ? 'destination' : 'source', direction),
    tag('response_flags', '%RESPONSE_FLAGS%'),
  ];
}

/** A label in the logger's form; equal ones are written once, whichever metric they stand in. */
function tag(name: string, value: string, of: Direction | 'both' = 'both'): Tree {
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
      ...commonLabels(direction),
      requestProtocol,
      tag('response_code', '%RESPONSE_CODE%'),
      tag('grpc_response_status', '%GRPC_STATUS_NUMBER%'),
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
    content: [...commonLabels(direction), tag('request_protocol', 'tcp')],
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
