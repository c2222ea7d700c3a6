import { z } from 'zod';
import type { ClusterAccess } from './control-plane.ts';

const variable = 'SIDECAR_INJECTOR_TEST_CLUSTER';
const clusterAccess = z.object({
  url: z.string(),
  ca: z.string(),
  token: z.string(),
  kubeconfig: z.string(),
  folder: z.string(),
});
const stopper = Symbol.for('sidecar-injector.test.stop');

/** Tells the test files, which run in other processes, where the cluster of this run is. */
export function shareCluster({ url, ca, token, kubeconfig, folder }: ClusterAccess): void {
  process.env[variable] = JSON.stringify({ url, ca, token, kubeconfig, folder } satisfies ClusterAccess);
}

/** The cluster that the tier's global set-up started, with the injector installed and running. */
export function sharedCluster(): ClusterAccess {
  const text = process.env[variable];
  if (text === undefined) throw new Error('no cluster was set up: run these tests with `make test-apiserver`');
  return clusterAccess.parse(JSON.parse(text));
}

/** Keeps for the global tear-down, which Jest loads by itself, how to stop what the set-up started. */
export function keepStop(stop: () => Promise<void>): void {
  Object.defineProperty(globalThis, stopper, { value: stop, configurable: true });
}

/** Stops what the set-up started, if it came that far. */
export async function stopShared(): Promise<void> {
  const stop: unknown = Object.getOwnPropertyDescriptor(globalThis, stopper)?.value;
  if (typeof stop === 'function') await stop();
}
