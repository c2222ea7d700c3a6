import type { JsonObject } from '../json/json.ts';
import { extension, typed } from './extension.ts';

const types = {
  http: 'envoy.extensions.filters.http.rbac.v3.RBAC',
  route: 'envoy.extensions.filters.http.rbac.v3.RBACPerRoute',
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
