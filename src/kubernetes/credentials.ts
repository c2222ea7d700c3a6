import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { delimiter } from 'node:path';
import { ApiError, messageOf } from './api-error.ts';
import { whyUnusable, withExecInfo } from './exec-plugin.ts';
import type { KubeConfig } from './kube-config.ts';
import { readKubeconfigUser } from './kubeconfig-user.ts';

/** An API server, and the authentication for it. */
export interface Credentials {
  /** Base URL; may have a path if the server is behind a proxy. */
  readonly server: URL;
  /** How messages name it: host and port, and those of the proxy on the way. */
  readonly address: string;
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

/** What is wrong with the context that is to be used; undefined if there is one of its name. */
function contextProblem(config: KubeConfig): string | undefined {
  const known = config.getContexts().map(({ name }) => name);
  const wanted = config.getCurrentContext();
  if (known.includes(wanted)) return undefined;
  if (known.length === 0) return 'it has no context';
  return wanted
    ? `it has no context '${wanted}', but ${known.join(', ')}`
    : `it has no current context; name one with --context: ${known.join(', ')}`;
}

/** The server's URL, if requests can go there as it stands. Throws an `ApiError`. */
function serverUrl(source: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new ApiError('credentials', `cannot use ${source}: its server '${text}' is not a URL with https or http`);
  if (url.username !== '' || url.password !== '')
    throw new ApiError('credentials', `cannot use ${source}: its server must not have a user name in its URL`);
  return url;
}

/** Host and port of a proxy, without its user name and password. Throws an `ApiError`. */
function proxyHost(source: string, text: string): string {
  if (URL.canParse(text)) return new URL(text).host;
  throw new ApiError('credentials', `cannot use ${source}: its proxy-url is not a URL`);
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
  if (context !== undefined) config.setCurrentContext(context);
  const unknown = contextProblem(config);
  if (unknown !== undefined) throw new ApiError('credentials', `cannot use ${source}: ${unknown}`);
  const cluster = config.getCurrentCluster();
  const user = config.getCurrentUser();
  if (cluster === null || user === null) {
    const part = cluster === null ? 'cluster' : 'user';
    const name = config.getCurrentContext();
    throw new ApiError('credentials', `cannot use ${source}: its context '${name}' names no known ${part}`);
  }
  // The library builds this URL from two environment variables without checking that they are set.
  if (files === undefined && cluster.server.includes('undefined')) {
    const missing = 'KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set';
    throw new ApiError('credentials', `cannot use ${source}: ${missing}; outside a cluster give a kubeconfig file`);
  }
  const server = serverUrl(source, cluster.server);
  const proxy = cluster.proxyUrl ? proxyHost(source, cluster.proxyUrl) : undefined;
  const { tokenFile } = files === undefined ? {} : await readKubeconfigUser(files, user.name);
  config.users = config.users.map((one) => (one === user ? withExecInfo(user, cluster) : one));
  return {
    server,
    address: proxy === undefined ? server.host : `${server.host} through proxy ${proxy}`,
    async authorize(options) {
      try {
        await config.applyToHTTPSOptions(options);
        if (tokenFile !== undefined) {
          const token = (await readFile(tokenFile, 'utf8')).trim();
          options.headers = Object.assign({}, options.headers, { Authorization: `Bearer ${token}` });
        }
      } catch (error) {
        throw new ApiError('credentials', `cannot use ${source}: ${whyUnusable(user, error)}`, { cause: error });
      }
      // The library's agent would keep the CA and client certificate of the first request forever.
      if (proxy === undefined) options.agent = false;
    },
  };
}
