import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { connect, type ApiClient } from '../kubernetes/client.ts';
import type { ClusterOptions } from './options.ts';

/** Returns the kubeconfig files that kubectl would read as one; undefined inside a pod. */
function findKubeconfig(given: string | undefined): readonly string[] | undefined {
  if (given !== undefined) return [given];
  const named = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  // Of several, those that do not exist are left out.
  const existing = named.filter((path) => existsSync(path));
  if (named.length > 0) return existing.length > 0 ? existing : named;
  const usual = join(homedir(), '.kube', 'config');
  return existsSync(usual) ? [usual] : undefined;
}

/** Loads the credentials that kubectl would use with these options. Rejects with an `ApiError` if there are none. */
export function connectAs({ kubeconfig, context }: ClusterOptions): Promise<ApiClient> {
  const found = findKubeconfig(kubeconfig);
  return connect({
    ...(found === undefined ? {} : { kubeconfig: found }),
    ...(context === undefined ? {} : { context }),
  });
}
