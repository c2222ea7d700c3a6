import type { JsonObject } from '../json/json.ts';
import { extension, unnamed } from './extension.ts';
import { isOfMesh, knowsPeer, reporters, type Flow } from './flows.ts';
import { messagesKey, routeProtocol } from './grpc-messages.ts';
import { allOf, anyOf, atMoments, where } from './log-filter.ts';

/**
 * Returns the labels that distinguish every series. Labels that are the same for all series of one direction are added
 * by the metrics page.
 */
function commonLabels(flow: Flow, flags = '%RESPONSE_FLAGS%'): readonly JsonObject[] {
  return [label('reporter', reporters[flow]), label('response_flags', flags)];
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

/** `grpc` or nothing, by what routes match: a rule about the content type takes 0.1 MiB, and 0.4 KB in every pod. The metrics page writes `http`. */
const protocolByRoute: JsonObject = label('request_protocol', routeProtocol.format);

/**
 * `grpc` or `http`, by content type, as in Envoy's own gRPC detection, where objects say what the routes are. Whatever a client sends, it is one of the two.
 */
const protocolByType: JsonObject = {
  name: 'request_protocol',
  value_format: '%REQ(CONTENT-TYPE)%',
  rules: {
    matcher_list: {
      matchers: [
        {
          predicate: {
            single_predicate: {
              input: extension('tag', 'envoy.extensions.matching.common_inputs.stats.v3.StatTagValueInput'),
              // Envoy's check of this message wants the engine.
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
 * counter that vanished and came back would hide rare errors from `increase()`. Those of callers with certificates are told apart by
 * caller and Service, of which a pod may have many; more would not fit into the metrics page, where a series of requests takes 57 KB.
 */
function mostSeries(flow: Flow): number {
  return flow === 'secured' ? 400 : 200;
}

/** Returns a stats logger for counters and histograms with Istio's prefix, with a maximum number of series. */
function logger(flow: Flow, counters: readonly JsonObject[], histograms: readonly JsonObject[]): JsonObject {
  const most = histograms.length === 0 ? {} : { max_histograms: mostSeries(flow) * histograms.length };
  return unnamed('envoy.extensions.access_loggers.stats.v3.Config', {
    stats_scope: { prefix: 'istio', max_counters: mostSeries(flow) * counters.length, ...most },
    counters,
    ...(histograms.length === 0 ? {} : { histograms }),
  });
}

function httpLogger(flow: Flow): JsonObject {
  const tags = [
    ...commonLabels(flow),
    isOfMesh(flow) ? protocolByType : protocolByRoute,
    label('response_code', '%RESPONSE_CODE%'),
    label('grpc_response_status', '%GRPC_STATUS_NUMBER%'),
  ];
  const histogram = (name: string, value: string, unit: string): JsonObject => ({
    stat: { name, tags },
    value_format: value,
    unit,
  });
  return logger(
    flow,
    [{ stat: { name: 'requests_total', tags }, value_fixed: 1 }],
    [
      histogram('request_duration_milliseconds', '%DURATION%', 'Milliseconds'),
      histogram('request_bytes', '%DOWNSTREAM_WIRE_BYTES_RECEIVED%', 'Bytes'),
      histogram('response_bytes', '%DOWNSTREAM_WIRE_BYTES_SENT%', 'Bytes'),
    ],
  );
}

/** Returns a logger of the messages of streams that have any. */
function messageLogger(flow: Flow): JsonObject {
  const tags = [...commonLabels(flow, '-'), label('request_protocol', 'grpc')];
  const counter = (way: string): JsonObject => ({
    stat: { name: `${way}_messages_total`, tags },
    value_format: `%DYNAMIC_METADATA(${messagesKey}:${way})%`,
  });
  const path = [{ key: 'request' }];
  return {
    filter: {
      metadata_filter: {
        matcher: { filter: messagesKey, path, value: { present_match: true } },
        match_if_key_not_found: false,
      },
    },
    ...logger(flow, [counter('request'), counter('response')], []),
  };
}

function httpLoggers(flow: Flow): readonly JsonObject[] {
  return isOfMesh(flow) ? [httpLogger(flow), messageLogger(flow)] : [httpLogger(flow)];
}

/**
 * Returns loggers that count every accepted connection twice, when it begins and when it ends: the difference is the
 * number of open connections. Bytes are not counted here: the logger knows only their running total, which a counter
 * would add again with every report.
 */
function startAndEndLoggers(flow: Flow): readonly JsonObject[] {
  const tags = [...commonLabels(flow), label('request_protocol', 'tcp')];
  const count = (moment: string, name: string): JsonObject => ({
    filter: atMoments(moment),
    ...logger(flow, [{ stat: { name, tags }, value_fixed: 1 }], []),
  });
  return [
    count('TcpConnectionStart', 'tcp_connections_opened_total'),
    count('TcpConnectionEnd', 'tcp_connections_closed_total'),
  ];
}

/**
 * Returns loggers that count connections when both sides are known: when the server is connected, or else at the end. A client whose certificate
 * was not accepted has no server, and is not counted: nothing of what it says is known to be true.
 */
function connectedAndEndLoggers(flow: Flow): readonly JsonObject[] {
  const tags = [...commonLabels(flow), label('request_protocol', 'tcp')];
  const end = atMoments('TcpConnectionEnd');
  const ended = flow === 'secured' ? allOf(end, where('has(upstream.address)')) : end;
  const counter = (name: string, value: JsonObject): JsonObject => ({ stat: { name, tags }, ...value });
  const opened = [counter('tcp_connections_opened_total', { value_fixed: 1 })];
  const closed = [
    counter('tcp_connections_closed_total', { value_fixed: 1 }),
    counter('tcp_sent_bytes_total', { value_format: '%BYTES_SENT%' }),
    counter('tcp_received_bytes_total', { value_format: '%BYTES_RECEIVED%' }),
  ];
  return [
    {
      filter: anyOf(atMoments('TcpUpstreamConnected'), allOf(ended, where('!has(upstream.local_address)'))),
      ...logger(flow, opened, []),
    },
    { filter: ended, ...logger(flow, closed, []) },
  ];
}

type Loggers = Readonly<Record<Flow, readonly JsonObject[]>>;

function everyFlow(loggers: (flow: Flow) => readonly JsonObject[]): Loggers {
  return Object.fromEntries(Object.keys(reporters).map((flow) => [flow, loggers(flow as Flow)])) as Loggers;
}

/**
 * Access loggers that count instead of writing: Istio's standard request metrics, as `envoy_istio_…` on Envoy's own
 * page. A shared scope name would cap all scopes together, but `--mode validate` of Envoy 1.40 crashes on it.
 */
export const httpMetrics: Loggers = everyFlow(httpLoggers);

/** The same for connections without HTTP. */
export const tcpMetrics: Loggers = everyFlow((flow) =>
  knowsPeer(flow) ? connectedAndEndLoggers(flow) : startAndEndLoggers(flow),
);
