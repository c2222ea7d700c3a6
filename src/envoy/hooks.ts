import { ports } from '../pod/conventions.ts';
import type { JsonObject } from '../json/json.ts';
import { socketAddress } from './extension.ts';
import { ownHttp } from './http.ts';
import type { Effective } from '../settings/effective.ts';
import { luaFilter, routeScript } from './lua.ts';

/** Where the admin interface listens when it is no port; the folder is a volume of the proxy alone. */
export const adminSocketFolder = '/var/run/istio-proxy';

/** `envoy.config.core.v3.Address` of the admin interface; the cluster `admin` and the interface itself say the same. */
export function adminAddress(admin: Effective['proxy']['admin']): JsonObject {
  // Readable and writable for the proxy's user, and for nobody else.
  if (admin === 'socket') return { pipe: { path: `${adminSocketFolder}/admin.sock`, mode: 0o600 } };
  // Loopback only: what it can do (quit, drain, change log levels) is for the pod alone.
  return socketAddress('127.0.0.1', ports.admin);
}

/** Requests that bash can send where it cannot reach the admin interface: it knows no unix sockets. */
export const hookPaths = { ready: '/ready', drain: '/drain', quit: '/quitquitquit' } as const;

export const drainRequest = '/drain_listeners?graceful&inboundonly';

function match(method: 'GET' | 'POST', path: string): JsonObject {
  return { path, headers: [{ name: ':method', string_match: { exact: method } }] };
}

function toAdmin(method: 'GET' | 'POST', path: string, target: string): JsonObject {
  return { match: match(method, path), route: { cluster: 'admin', prefix_rewrite: target } };
}

/** Answers first: a proxy that hands the request on to itself would be gone before the answer. */
const quit = `function envoy_on_request(h)
h:httpCall("admin",{[":method"]="POST",[":path"]="/quitquitquit",[":authority"]="x"},"",1000,true)
h:respond({[":status"]="200"},"OK")
end`;

const socketRoutes: readonly JsonObject[] = [
  toAdmin('GET', hookPaths.ready, '/ready'),
  toAdmin('POST', hookPaths.drain, drainRequest),
];

const quitRoute: JsonObject = {
  match: match('POST', hookPaths.quit),
  direct_response: { status: 200 },
  typed_per_filter_config: routeScript(quit),
};

/**
 * The listener beside the admin interface, which stands where hooks have to be answered: always for an interface that is
 * a socket, and for an application that may ask the proxy to end.
 */
export function hookListeners({
  admin,
  quitHook,
}: Pick<Effective['proxy'], 'admin' | 'quitHook'>): readonly JsonObject[] {
  const routes = [...(admin === 'socket' ? socketRoutes : []), ...(quitHook ? [quitRoute] : [])];
  if (routes.length === 0) return [];
  return [
    {
      name: 'hooks',
      address: socketAddress('127.0.0.1', ports.hooks),
      ignore_global_conn_limit: true,
      bypass_overload_manager: true,
      filter_chains: [{ filters: [ownHttp('hooks', quitHook ? [luaFilter] : [], routes)] }],
    },
  ];
}
