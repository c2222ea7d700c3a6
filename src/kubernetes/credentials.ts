import type { RequestOptions } from 'node:https';
import { ApiError, messageOf } from './api-error.ts';

/** An API server and how to authenticate there. */
export interface Credentials {
  /** Base address; may have a path, as behind a proxy. */
  readonly server: URL;
  /** Adds TLS options and authentication to a request; asked for every request, since tokens are renewed on disk. */
  authorize(options: RequestOptions): Promise<void>;
}

/**
 * Credentials from a kubeconfig file, or without one from the pod's service account. Everything that kubeconfig files
 * can say (exec plugins, client certificates, proxies) is the library's to understand. It is imported here and not at
 * the top, because it costs tens of megabytes that only these callers should pay.
 */
export async function loadCredentials(kubeconfig: string | undefined): Promise<Credentials> {
  const { KubeConfig } = await import('./kube-config.ts');
  const config = new KubeConfig();
  const source = kubeconfig === undefined ? "the pod's service account" : `kubeconfig '${kubeconfig}'`;
  try {
    if (kubeconfig === undefined) config.loadFromCluster();
    else config.loadFromFile(kubeconfig);
  } catch (error) {
    throw new ApiError('credentials', `cannot use ${source}: ${messageOf(error)}`, { cause: error });
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null || config.getCurrentUser() === null) {
    const context = config.getCurrentContext() ?? '';
    const part = cluster === null ? 'cluster' : 'user';
    throw new ApiError('credentials', `cannot use ${source}: its context '${context}' names no known ${part}`);
  }
  // The library builds this address from two environment variables without looking at them.
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
      // The library keeps its agent, and in it the CA and client certificate of the first request, for ever.
      if (!hasProxy) options.agent = false;
    },
  };
}
