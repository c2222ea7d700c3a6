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

/**
 * Returns a network filter that says, before the application is connected, which connections are not let through: they are sent to clusters that
 * do not exist. Of a connection with TLS it knows the client's certificate.
 *
 * @param values kept before the others are asked
 * @param refusals format strings, each empty for connections that are let through
 */
export function connectionGate(values: readonly GateValue[], refusals: readonly string[]): JsonObject {
  return extension('gate', types.gate, {
    on_downstream_tls_handshake: [
      ...values.map(({ key, text }) => ({ ...kept(key, text), factory_key: 'envoy.string' })),
      ...refusals.map((text) => ({ ...kept('envoy.tcp_proxy.cluster', text), skip_if_empty: true })),
    ],
  });
}
