/** Which handler of a container the kubelet runs; the value is the last segment of the redirect's path. */
export type ProbeKind = 'readyz' | 'livez' | 'startupz' | 'prestopz' | 'poststartz';

/**
 * What the application expects to be asked, with named ports already resolved. `host` replaces the Host header that the
 * kubelet sends; without it that header is passed on. Whatever the host, the pod's own address is dialled.
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
  /** 0 is no limit, as for lifecycle hooks. */
  readonly timeoutSeconds: number;
  readonly periodSeconds: number;
}
