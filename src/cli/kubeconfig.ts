import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Returns the kubeconfig that kubectl would use; undefined inside a pod. */
export function findKubeconfig(given: string | undefined): string | undefined {
  const named = given ?? process.env['KUBECONFIG']?.split(':').find((path) => path !== '');
  if (named !== undefined) return named;
  const usual = join(homedir(), '.kube', 'config');
  return existsSync(usual) ? usual : undefined;
}
