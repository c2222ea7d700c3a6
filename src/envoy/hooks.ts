import { ports } from '../pod/conventions.ts';
import type { JsonObject } from '../json/json.ts';
import { socketAddress } from './extension.ts';
import { ownHttp } from './http.ts';
import type { PodSettings } from '../settings/effective.ts';
import { luaFilter, routeScript } from './lua.ts';

/** Folder of the admin interface's Unix socket, on a volume that only the proxy mounts. */
export const adminSocketFolder = '/var/run/istio-proxy';

/** Returns the `envoy.config.core.v3.Address` of the admin interface, also used by the cluster `admin`. */
export function adminAddress(admin: PodSettings['proxy']['admin']): JsonObject {
  // Readable and writable for the proxy's user only.
  if (admin === 'socket') return { pipe: { path: `${adminSocketFolder}/admin.sock`, mode: 0o600 } };
  // Loopback only: its commands (quit, drain, log levels) are for the pod alone.
  return socketAddress('127.0.0.1', ports.admin);
}

/**
 * Paths of the hook listener: `ready` and `drain` for hooks in bash, which does not support Unix sockets, and `quit`
 * for the application.
 */
export const hookPaths = { ready: '/ready', drain: '/drain', quit: '/quitquitquit' } as const;

/**
 * Returns the path of Envoy's admin interface that drains inbound listeners gracefully: responses ask clients to close
 * their connections, and new connections are refused after the drain time, or never without one (`skip_exit`).
 */
export function drainRequest({ drainSeconds }: Pick<PodSettings['proxy'], 'drainSeconds'>): string {
  return `/drain_listeners?graceful&inboundonly${drainSeconds === undefined ? '&skip_exit' : ''}`;
}

function match(method: 'GET' | 'POST', path: string): JsonObject {
  return { path, headers: [{ name: ':method', string_match: { exact: method } }] };
}

function toAdmin(method: 'GET' | 'POST', path: string, target: string): JsonObject {
  return { match: match(method, path), route: { cluster: 'admin', prefix_rewrite: target } };
}

/**
 * Responds after handing the request to the admin interface without waiting: a proxy that forwarded the request would
 * be gone before it could respond.
 */
const quit = `function envoy_on_request(h)
h:httpCall("admin",{[":method"]="POST",[":path"]="/quitquitquit",[":authority"]="x"},"",1000,true)
h:respond({[":status"]="200"},"OK")
end`;

function socketRoutes(proxy: Pick<PodSettings['proxy'], 'drainSeconds'>): readonly JsonObject[] {
  return [toAdmin('GET', hookPaths.ready, '/ready'), toAdmin('POST', hookPaths.drain, drainRequest(proxy))];
}

const quitRoute: JsonObject = {
  match: match('POST', hookPaths.quit),
  direct_response: { status: 200 },
  typed_per_filter_config: routeScript(quit),
};

/**
 * Returns the listener for hooks. It exists if the admin interface is a socket, and if the application may ask the
 * proxy to quit.
 */
export function hookListeners(
  proxy: Pick<PodSettings['proxy'], 'admin' | 'quitHook' | 'drainSeconds'>,
): readonly JsonObject[] {
  const { admin, quitHook } = proxy;
  const routes = [...(admin === 'socket' ? socketRoutes(proxy) : []), ...(quitHook ? [quitRoute] : [])];
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
