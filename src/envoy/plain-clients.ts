import type { JsonObject } from '../json/json.ts';
import { extension } from './extension.ts';
import { atMoments } from './log-filter.ts';

/** What is counted of each client in plain text, by its address and the container port that it has called. */
export const plainCounts = {
  /** Requests, where they are read as HTTP. */
  requests: 'requests_total',
  /** Connections of which the bytes are passed on as they are, when they begin and when they end. */
  opened: 'connections_opened_total',
  closed: 'connections_closed_total',
  /** Connections that were closed because plain text is not taken. */
  refused: 'connections_refused_total',
} as const;

type PlainCount = keyof typeof plainCounts;

/** Proxies keep what begins with `server`, whatever injector has made them. */
const scope = 'server_plain_client';

/** Start of the names of the series on the page of metrics. */
export const plainFamily = `envoy_${scope}_`;

/** Labels of the series. */
export const plainLabels = { client: 'client', port: 'port' } as const;

/** How many pairs of client and port of one counter a proxy has; later ones are not counted. */
export const mostPlainClients = 200;

/** What is told beside them: when listeners changed, since counting begins anew with what a pod takes. */
export const lastChange = 'envoy_listener_manager_lds_update_time';

const shown = String.raw`^(${scope}\.|listener_manager\.lds\.update_time$)`;

/**
 * Page with these series alone: with all others it may have megabytes. The page of metrics is Envoy's own with `?usedonly` put behind its path, to which the query
 * of the caller is added: its first parameter is lost thereby.
 */
export const plainPage = `/stats/prometheus?&filter=${encodeURIComponent(shown)}`;

/**
 * Returns a logger that counts clients by their addresses. An address is all that is known of a client in plain text; it is that of the peer of the connection, and
 * nothing that the client says.
 */
function counter(count: PlainCount): JsonObject {
  const tags = [
    { name: plainLabels.client, value_format: '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%' },
    { name: plainLabels.port, value_format: '%DOWNSTREAM_LOCAL_PORT%' },
  ];
  return extension('stats', 'envoy.extensions.access_loggers.stats.v3.Config', {
    stats_scope: { prefix: scope, max_counters: mostPlainClients },
    counters: [{ stat: { name: plainCounts[count], tags }, value_fixed: 1 }],
  });
}

/** Loggers of clients in plain text: of those whose requests are read, of all others that are let in, and of those that are not. */
export const plainClients = {
  http: [counter('requests')],
  tcp: [
    { filter: atMoments('TcpConnectionStart'), ...counter('opened') },
    { filter: atMoments('TcpConnectionEnd'), ...counter('closed') },
  ],
  refused: [{ filter: atMoments('TcpConnectionStart'), ...counter('refused') }],
} as const satisfies Readonly<Record<string, readonly JsonObject[]>>;
