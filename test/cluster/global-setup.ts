import path from 'node:path';
import { root } from '../../scripts/checkout.ts';
import { clusterKubeconfig } from '../support/cluster/cluster-namespace.ts';
import { kubectl } from '../support/cluster/kubectl.ts';

/** Installs the injector from the one file, as an administrator does. */
export default async function setUp(): Promise<void> {
  const startMs = Date.now();
  const kubeconfig = clusterKubeconfig();
  await kubectl(kubeconfig, ['apply', '-f', path.join(root, 'deploy/install.yaml')]);
  const status = ['rollout', 'status', 'deployment/sidecar-injector', '--timeout=120s'];
  await kubectl(kubeconfig, ['--namespace=sidecar-injector-system', ...status]);
  process.stderr.write(`installed and ready after ${Date.now() - startMs} ms\n`);
}
