/**
 * Ports, ids and loopback source addresses of an injected pod. Capture rules and the proxy's bootstrap both read this
 * table: if they disagreed about one of these, traffic would loop between the rules and the proxy forever.
 */
export const ports = {
  /** Envoy's admin interface, loopback only. */
  admin: 15000,
  /** Listener for captured outbound connections. */
  outbound: 15001,
  /** The part of the admin interface that the proxy's hooks and, optionally, the application may use; loopback only. */
  hooks: 15004,
  /** Listener for captured inbound connections. */
  inbound: 15006,
  /** Istio's tunnel port (HBONE); never captured, so that a mesh can use it. */
  tunnel: 15008,
  /** Merged metrics, and the application's probes. */
  status: 15020,
  /** The proxy's own health, `/healthz/ready`. */
  health: 15021,
  /** Envoy's own metrics, `/stats/prometheus`. */
  metrics: 15090,
} as const;

/** Ports that the proxy uses or reserves, whatever the status port is. */
export const reservedPorts: ReadonlySet<number> = new Set([
  ports.admin,
  ports.outbound,
  ports.hooks,
  ports.inbound,
  ports.tunnel,
  ports.health,
  ports.metrics,
]);

/** User and group of the proxy process; capture rules exempt both. */
export interface ProxyIdentity {
  readonly uid: number;
  readonly gid: number;
}

/** The default identity of the proxy. */
export const proxyUser = { uid: 1337, gid: 1337 } as const satisfies ProxyIdentity;

/**
 * Source addresses of the proxy's connections to the application. Capture rules exempt them, so that these connections
 * do not return to the proxy. Rules for exactly `127.0.0.1` and `::1` do not mean them; those for all of 127.0.0.0/8 do
 * (`docs/decisions/inbound-source-address.md`). The init container adds `::6` to the
 * loopback interface (`docs/decisions/loopback-source.md`).
 */
export const loopbackSource = { v4: '127.0.0.6', v6: '::6' } as const;

/** Comment of capture rules that are neither in one of our chains nor jump to one. */
export const captureComment = 'ISTIO_CAPTURE';

/** Istio's marks and routing table for interception mode TPROXY. */
export const transparentProxy = { inboundMark: 1337, outboundMark: 1338, routeTable: 133 } as const;

/** Names of injected containers and volumes, and of the injector's namespace. */
export const names = {
  initContainer: 'istio-init',
  checkContainer: 'istio-validation',
  proxyContainer: 'istio-proxy',
  logsVolume: 'istio-logs',
  podInfoVolume: 'istio-podinfo',
  tokenMaskVolume: 'istio-token-mask',
  adminVolume: 'istio-admin',
  meshTokenVolume: 'istio-mesh-token',
  namespace: 'sidecar-injector-system',
} as const;

/**
 * Path at which the ServiceAccount admission plug-in mounts a pod's API token (DefaultAPITokenMountPath in
 * kubernetes/plugin/pkg/admission/serviceaccount). It skips a path that is already mounted, so our own mount keeps the
 * token out of a container.
 */
export const tokenPath = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Where the proxy of a mesh finds the token that it shows to the control plane. */
export const meshToken = { folder: '/var/run/secrets/sidecar-injector', file: 'token' } as const;

/** Annotation that records an injection; `uninject` and reinvocations read only this. */
export const statusAnnotation = 'sidecar.istio.io/status';
