import type { JsonObject } from '../json/json.ts';
import { extension, typed } from './extension.ts';

const types = {
  http: 'envoy.extensions.filters.http.rbac.v3.RBAC',
  route: 'envoy.extensions.filters.http.rbac.v3.RBACPerRoute',
  gate: 'envoy.extensions.filters.network.set_filter_state.v3.Config',
  tcp: 'envoy.extensions.filters.network.rbac.v3.RBAC',
} as const;

/** Filters by what they do, in their order; and how the counters and marks of those begin that are not enforced. */
export const accessFilterNames = {
  audit: { name: 'audit', shadow: 'audit_' },
  deny: { name: 'deny', shadow: 'istio_dry_run_deny_' },
  allow: { name: 'allow', shadow: 'istio_dry_run_allow_' },
} as const;

type Access = keyof typeof accessFilterNames;

/** Filters of the requests to a pod that run only where its routes say so: who may make them. */
export const accessFilters: readonly JsonObject[] = Object.values(accessFilterNames).map(({ name }) => ({
  ...extension(name, types.http, {}),
  disabled: true,
}));

/** Returns what a route says to one of the filters. */
export function routeAccess(rbac: JsonObject): JsonObject {
  return typed(types.route, { rbac });
}

/** Returns a filter of connections without HTTP. */
export function tcpAccessFilter(access: Access, rbac: JsonObject): JsonObject {
  return extension(accessFilterNames[access].name, types.tcp, { stat_prefix: 'tcp.', ...rbac });
}

/** A text that is kept with a connection. */
export interface GateValue {
  readonly key: string;
  /** A format string of Envoy. */
  readonly text: string;
}

function kept(key: string, text: string): JsonObject {
  return { object_key: key, format_string: { text_format_source: { inline_string: text } } };
}

/** Where a connection has the text that says which policy has kept it from the application. */
export const deniedBy = 'access.denied';

/** Where the cluster of the application dials, in the place of the address that the client has dialled. */
const dialled = 'envoy.network.transport_socket.original_dst_address';

/** Nobody listens on port 0: dialling it fails at once. */
const nowhere = '127.0.0.1:0';

/**
 * Returns a network filter that decides which connections reach the application before it is dialled; a connection with TLS is decided on when the
 * client has shown its certificate. The cluster has to be one that dials what the client has dialled.
 *
 * @param values kept in their order before the expression is evaluated
 * @param isLetIn expression of CEL; if its evaluation fails, nothing is let in
 * @param reasons format strings, the last of which that is not empty is kept for the access log
 */
export function connectionGate(values: readonly GateValue[], isLetIn: string, reasons: readonly string[]): JsonObject {
  return extension('gate', types.gate, {
    on_downstream_tls_handshake: [
      ...values.map(({ key, text }) => ({ ...kept(key, text), factory_key: 'envoy.string' })),
      kept(dialled, nowhere),
      ...reasons.map((text) => ({
        ...kept(deniedBy, text),
        factory_key: 'envoy.string',
        skip_if_empty: true,
      })),
      { ...kept(dialled, `%CEL((${isLetIn}) ? destination.address : '')%`), skip_if_empty: true },
    ],
  });
}
