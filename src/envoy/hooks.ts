import { ports } from '../settings/constants.ts';
import { compile, type Filling, listed, type Template, type Tree } from './flow-yaml.ts';
import { ownHttp } from './http.ts';
import type { ProxyIntent } from './intent.ts';
import { luaFilter, routeScript } from './lua.ts';

/** Where the admin interface listens when it is no port; the folder is a volume of the proxy alone. */
export const adminSocketFolder = '/var/run/istio-proxy';

/** Filled by `adminFilling`; the cluster `admin` and the interface itself say the same. */
export const adminAddress: Tree = { anchor: 'admin address', content: { hole: 'adminAddress' } };

const addresses: Readonly<Record<ProxyIntent['admin'], Template>> = {
  // Loopback only: what it can do (quit, drain, change log levels) is for the pod alone.
  port: compile({ socket_address: { address: '127.0.0.1', port_value: ports.admin } }),
  // Readable and writable for the proxy's user, and for nobody else.
  socket: compile({ pipe: { path: `${adminSocketFolder}/admin.sock`, mode: 0o600 } }),
};

/** Requests that bash can send where it cannot reach the admin interface: it knows no unix sockets. */
export const hookPaths = { ready: '/ready', drain: '/drain', quit: '/quitquitquit' } as const;

export const drainRequest = '/drain_listeners?graceful&inboundonly';

function on(method: 'GET' | 'POST', path: string, target: string): Template {
  return compile({
    match: { path, headers: [{ name: ':method', string_match: { exact: method } }] },
    route: { cluster: 'admin', prefix_rewrite: target },
  });
}

/** Answers first: a proxy that hands the request on to itself would be gone before the answer. */
const quit = `function envoy_on_request(h)
h:httpCall("admin",{[":method"]="POST",[":path"]="/quitquitquit",[":authority"]="x"},"",1000,true)
h:respond({[":status"]="200"},"OK")
end`;

const routes = {
  ready: on('GET', hookPaths.ready, '/ready'),
  drain: on('POST', hookPaths.drain, drainRequest),
  quit: compile({
    match: { path: hookPaths.quit, headers: [{ name: ':method', string_match: { exact: 'POST' } }] },
    direct_response: { status: 200 },
    typed_per_filter_config: routeScript(quit),
  }),
};

const listener = compile({
  name: 'hooks',
  address: { socket_address: { address: '127.0.0.1', port_value: ports.hooks } },
  ignore_global_conn_limit: true,
  bypass_overload_manager: true,
  filter_chains: [{ filters: [ownHttp('hooks', [{ hole: 'hookFilter' }], { hole: 'hookRoutes' })] }],
});

/**
 * Fillings of the holes for the admin interface and for the listener beside it, which stands where hooks have to be
 * answered: always for an interface that is a socket, and for an application that may ask the proxy to end.
 */
export function adminFilling({ admin, quitHook }: Pick<ProxyIntent, 'admin' | 'quitHook'>): Filling {
  const served = [...(admin === 'socket' ? [routes.ready, routes.drain] : []), ...(quitHook ? [routes.quit] : [])];
  return {
    adminAddress: addresses[admin],
    hookFilter: quitHook ? [...compile(luaFilter), ','] : '',
    hookRoutes: listed(served),
    hookListener: served.length === 0 ? '' : [',', ...listener],
  };
}
