/** Kind of handler that the kubelet runs; the value is the last segment of the redirect's path. */
export type ProbeKind = 'readyz' | 'livez' | 'startupz' | 'prestopz' | 'poststartz';

/**
 * The probe that the application expects, with named ports resolved. `host` replaces the Host header that the kubelet
 * sends; without it, that header is passed on. The connection always goes to the pod's own address.
 */
export type ProbeAction =
  | {
      readonly type: 'http';
      readonly scheme: 'HTTP' | 'HTTPS';
      readonly port: number;
      readonly path: string;
      readonly host?: string;
    }
  | { readonly type: 'tcp'; readonly port: number }
  | { readonly type: 'grpc'; readonly port: number; readonly service?: string };

/** One probe of the application that the kubelet sends to the proxy's status port instead. */
export interface ProbeRedirect {
  /** Path on the status port: `/app-health/<container>/<kind>` or `/app-lifecycle/<container>/<kind>`. */
  readonly path: string;
  readonly container: string;
  readonly kind: ProbeKind;
  readonly action: ProbeAction;
  /** 0 means no time limit, as for lifecycle hooks. */
  readonly timeoutSeconds: number;
  readonly periodSeconds: number;
}
