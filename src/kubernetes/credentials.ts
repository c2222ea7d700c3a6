import type { RequestOptions } from 'node:https';
import { ApiError, messageOf } from './api-error.ts';

/** An API server, and the authentication for it. */
export interface Credentials {
  /** Base URL; may have a path if the server is behind a proxy. */
  readonly server: URL;
  /**
   * Adds TLS options and authentication to a request. Call this for every request, because tokens are renewed on disk.
   */
  authorize(options: RequestOptions): Promise<void>;
}

/**
 * Loads credentials from a kubeconfig file, or from the pod's service account if there is none. The Kubernetes client
 * library interprets the kubeconfig (exec plugins, client certificates, proxies). It is imported here, not at the top
 * of the file, because it takes tens of megabytes of memory.
 *
 * @param context of the kubeconfig; by default the current one
 */
export async function loadCredentials(kubeconfig: string | undefined, context?: string): Promise<Credentials> {
  const { KubeConfig } = await import('./kube-config.ts');
  const config = new KubeConfig();
  const source = kubeconfig === undefined ? "the pod's service account" : `kubeconfig '${kubeconfig}'`;
  try {
    if (kubeconfig === undefined) config.loadFromCluster();
    else config.loadFromFile(kubeconfig);
  } catch (error) {
    throw new ApiError('credentials', `cannot use ${source}: ${messageOf(error)}`, { cause: error });
  }
  if (context !== undefined) {
    const known = config.getContexts().map(({ name }) => name);
    if (!known.includes(context))
      throw new ApiError(
        'credentials',
        `cannot use ${source}: it has no context '${context}', but ${known.join(', ')}`,
      );
    config.setCurrentContext(context);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null || config.getCurrentUser() === null) {
    const context = config.getCurrentContext() ?? '';
    const part = cluster === null ? 'cluster' : 'user';
    throw new ApiError('credentials', `cannot use ${source}: its context '${context}' names no known ${part}`);
  }
  // The library builds this URL from two environment variables without checking that they are set.
  if (kubeconfig === undefined && cluster.server.includes('undefined')) {
    const missing = 'KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set';
    throw new ApiError('credentials', `cannot use ${source}: ${missing}; outside a cluster give a kubeconfig file`);
  }
  if (!URL.canParse(cluster.server)) {
    throw new ApiError('credentials', `cannot use ${source}: its server '${cluster.server}' is not a URL`);
  }
  const hasProxy = cluster.proxyUrl !== undefined && cluster.proxyUrl !== '';
  return {
    server: new URL(cluster.server),
    async authorize(options) {
      try {
        await config.applyToHTTPSOptions(options);
      } catch (error) {
        throw new ApiError('credentials', `cannot use ${source}: ${messageOf(error)}`, { cause: error });
      }
      // The library's agent would keep the CA and client certificate of the first request forever.
      if (!hasProxy) options.agent = false;
    },
  };
}
