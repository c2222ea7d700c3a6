import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { connect, type ApiClient } from '../kubernetes/client.ts';
import type { ClusterOptions } from './options.ts';

/** Returns the kubeconfig that kubectl would use; undefined inside a pod. */
function findKubeconfig(given: string | undefined): string | undefined {
  const named = given ?? process.env['KUBECONFIG']?.split(':').find((path) => path !== '');
  if (named !== undefined) return named;
  const usual = join(homedir(), '.kube', 'config');
  return existsSync(usual) ? usual : undefined;
}

/** Loads the credentials that kubectl would use with these options. Rejects with an `ApiError` if there are none. */
export function connectAs({ kubeconfig, context }: ClusterOptions): Promise<ApiClient> {
  const found = findKubeconfig(kubeconfig);
  return connect({
    ...(found === undefined ? {} : { kubeconfig: found }),
    ...(context === undefined ? {} : { context }),
  });
}
