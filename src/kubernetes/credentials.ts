import type { RequestOptions } from 'node:https';
import { delimiter } from 'node:path';
import { ApiError, messageOf } from './api-error.ts';
import type { KubeConfig } from './kube-config.ts';

/** An API server, and the authentication for it. */
export interface Credentials {
  /** Base URL; may have a path if the server is behind a proxy. */
  readonly server: URL;
  /**
   * Adds TLS options and authentication to a request. Call this for every request, because tokens are renewed on disk.
   */
  authorize(options: RequestOptions): Promise<void>;
}

/** Reads kubeconfig files as one: what several have by the same name counts as the first one has it (kubectl's rule). */
function readFiles(config: KubeConfig, files: readonly string[], create: () => KubeConfig): void {
  for (const [index, file] of files.entries()) {
    if (index === 0) {
      config.loadFromFile(file);
      continue;
    }
    const next = create();
    next.loadFromFile(file);
    const isNew = (known: readonly { readonly name: string }[]) => (one: { readonly name: string }) =>
      known.every(({ name }) => name !== one.name);
    next
      .getClusters()
      .filter(isNew(config.getClusters()))
      .forEach((one) => config.addCluster(one));
    next
      .getUsers()
      .filter(isNew(config.getUsers()))
      .forEach((one) => config.addUser(one));
    next
      .getContexts()
      .filter(isNew(config.getContexts()))
      .forEach((one) => config.addContext(one));
    if (!config.getCurrentContext()) config.setCurrentContext(next.getCurrentContext());
  }
}

/**
 * Loads credentials from a kubeconfig file, or from the pod's service account if there is none. The Kubernetes client
 * library interprets the kubeconfig (exec plugins, client certificates, proxies). It is imported here, not at the top
 * of the file, because it takes tens of megabytes of memory.
 *
 * @param context of the kubeconfig; by default the current one
 */
export async function loadCredentials(
  kubeconfig: string | readonly string[] | undefined,
  context?: string,
): Promise<Credentials> {
  const { KubeConfig } = await import('./kube-config.ts');
  const config = new KubeConfig();
  const files = typeof kubeconfig === 'string' ? [kubeconfig] : kubeconfig;
  const source = files === undefined ? "the pod's service account" : `kubeconfig '${files.join(delimiter)}'`;
  try {
    if (files === undefined) config.loadFromCluster();
    else readFiles(config, files, () => new KubeConfig());
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
  if (files === undefined && cluster.server.includes('undefined')) {
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
