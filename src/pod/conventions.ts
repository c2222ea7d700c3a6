/**
 * Ports, ids and loopback source addresses of an injected pod. Capture rules and the proxy's bootstrap both read this
 * table and nothing else: when they disagree about one of them, traffic loops between the rules and the proxy for ever.
 */
export const ports = {
  /** Envoy's admin interface, loopback only. */
  admin: 15000,
  /** Where captured outbound connections arrive. */
  outbound: 15001,
  /** What the proxy's hooks and, if wanted, the application may ask of the proxy; loopback only. */
  hooks: 15004,
  /** Where captured inbound connections arrive. */
  inbound: 15006,
  /** Istio's tunnel port (HBONE); never captured, so that a mesh may use it. */
  tunnel: 15008,
  /** Merged metrics and the application's probes. */
  status: 15020,
  /** The proxy's own health, `/healthz/ready`. */
  health: 15021,
  /** Envoy's own metrics, `/stats/prometheus`. */
  metrics: 15090,
} as const;

/** Ports that the proxy listens on or must not take, whatever the status port is. */
export const reservedPorts: ReadonlySet<number> = new Set([
  ports.admin,
  ports.outbound,
  ports.hooks,
  ports.inbound,
  ports.tunnel,
  ports.health,
  ports.metrics,
]);

/** User and group of the proxy process; the rules exempt both from capture. */
export interface ProxyIdentity {
  readonly uid: number;
  readonly gid: number;
}

/** Those of a pod that does not say otherwise. */
export const proxyUser = { uid: 1337, gid: 1337 } as const satisfies ProxyIdentity;

/**
 * Source addresses of the proxy's connections to the application: the rules let them pass by, so they do not come back
 * to the proxy. Neither is an address that an application takes for localhost; the init container adds `::6` to the
 * loopback interface (`docs/decisions/loopback-source.md`).
 */
export const loopbackSource = { v4: '127.0.0.6', v6: '::6' } as const;

/** Comment of capture rules that neither stand in a chain of ours nor lead to one. */
export const captureComment = 'ISTIO_CAPTURE';

/** Marks and routing table of interception mode TPROXY, Istio's. */
export const transparentProxy = { inboundMark: 1337, outboundMark: 1338, routeTable: 133 } as const;

/** Names of what is injected. */
export const names = {
  initContainer: 'istio-init',
  proxyContainer: 'istio-proxy',
  logsVolume: 'istio-logs',
  podInfoVolume: 'istio-podinfo',
  tokenMaskVolume: 'istio-token-mask',
  adminVolume: 'istio-admin',
  namespace: 'sidecar-injector-system',
} as const;

/**
 * Where the ServiceAccount plug-in mounts a pod's API token (kubernetes/plugin/pkg/admission/serviceaccount,
 * DefaultAPITokenMountPath). It leaves a path alone that is taken, so a mount of ours keeps the token out.
 */
export const tokenPath = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Annotation that says what was done; `uninject` and a second injection read nothing else. */
export const statusAnnotation = 'sidecar.istio.io/status';
