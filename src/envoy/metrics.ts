import type { JsonObject } from '../json/json.ts';
import { extension, typed } from './extension.ts';
import type { Direction } from './routes.ts';

/**
 * Returns the labels that distinguish every series. Labels that are the same for all series of one direction are added
 * by the metrics page.
 */
function commonLabels(direction: Direction): readonly JsonObject[] {
  return [
    label('reporter', direction === 'inbound' ? 'destination' : 'source'),
    label('response_flags', '%RESPONSE_FLAGS%'),
  ];
}

/** Returns a label in the format of the stats logger. */
function label(name: string, value: string): JsonObject {
  return { name, value_format: value };
}

function becomes(value: string): JsonObject {
  return {
    action: extension('set', 'envoy.extensions.matching.actions.transform_stat.v3.TransformStat', {
      update_tag: { new_tag_value: value },
    }),
  };
}

/**
 * `grpc` or `http`, by content type, as in Envoy's own gRPC detection. Whatever a client sends, it is one of the two.
 */
const requestProtocol: JsonObject = {
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
};

/**
 * Maximum number of series of one metric in one direction: about ten times what a pod with every common status code
 * has. Later series are not counted; `envoy_server_stats_overflow_counter` shows it. Series are never evicted: a
 * counter that vanished and came back would hide rare errors from `increase()`.
 */
const mostSeries = 200;

/** Returns a stats logger for counters and histograms with Istio's prefix, with a maximum number of series. */
function logger(counters: readonly JsonObject[], histograms: readonly JsonObject[]): JsonObject {
  return extension('envoy.access_loggers.stats', 'envoy.extensions.access_loggers.stats.v3.Config', {
    stats_scope: {
      prefix: 'istio',
      max_counters: mostSeries * counters.length,
      max_histograms: mostSeries * histograms.length,
    },
    counters,
    histograms,
  });
}

/**
 * Counts gRPC messages while they flow; the metrics page gives them Istio's names. Only routes of gRPC run it, because it takes
 * 6,000 instructions of every other request, too.
 */
export const grpcStats: JsonObject = {
  ...extension('grpc_stats', 'envoy.extensions.filters.http.grpc_stats.v3.FilterConfig'),
  disabled: true,
};

/** Makes a route run that filter. */
export const countsMessages: JsonObject = {
  typed_per_filter_config: { grpc_stats: typed('envoy.config.route.v3.FilterConfig', { config: {} }) },
};

function httpLogger(direction: Direction): JsonObject {
  const tags = [
    ...commonLabels(direction),
    requestProtocol,
    label('response_code', '%RESPONSE_CODE%'),
    label('grpc_response_status', '%GRPC_STATUS_NUMBER%'),
  ];
  const histogram = (name: string, value: string, unit: string): JsonObject => ({
    stat: { name, tags },
    value_format: value,
    unit,
  });
  return logger(
    [{ stat: { name: 'requests_total', tags }, value_fixed: 1 }],
    [
      histogram('request_duration_milliseconds', '%DURATION%', 'Milliseconds'),
      histogram('request_bytes', '%DOWNSTREAM_WIRE_BYTES_RECEIVED%', 'Bytes'),
      histogram('response_bytes', '%DOWNSTREAM_WIRE_BYTES_SENT%', 'Bytes'),
    ],
  );
}

/**
 * Returns loggers that count every accepted connection twice, when it begins and when it ends: the difference is the
 * number of open connections. Bytes are not counted here: the logger knows only their running total, which a counter
 * would add again with every report.
 */
function tcpLoggers(direction: Direction): readonly JsonObject[] {
  const tags = [...commonLabels(direction), label('request_protocol', 'tcp')];
  const count = (moment: string, name: string): JsonObject => ({
    filter: { log_type_filter: { types: [moment] } },
    ...logger([{ stat: { name, tags }, value_fixed: 1 }], []),
  });
  return [
    count('TcpConnectionStart', 'tcp_connections_opened_total'),
    count('TcpConnectionEnd', 'tcp_connections_closed_total'),
  ];
}

type Loggers = Readonly<Record<Direction, readonly JsonObject[]>>;

/**
 * Access loggers that count instead of writing: Istio's standard request metrics, as `envoy_istio_…` on Envoy's own
 * page. A shared scope name would cap all scopes together, but `--mode validate` of Envoy 1.40 crashes on it.
 */
export const httpMetrics: Loggers = { inbound: [httpLogger('inbound')], outbound: [httpLogger('outbound')] };

/** The same for connections without HTTP. */
export const tcpMetrics: Loggers = { inbound: tcpLoggers('inbound'), outbound: tcpLoggers('outbound') };
