import path from 'node:path';
import { root } from '../../scripts/checkout.ts';
import { clusterKubeconfig } from '../support/cluster/cluster-namespace.ts';
import { kubectl } from '../support/cluster/kubectl.ts';
import { conformancePrograms } from '../support/cluster/conformance.ts';

/** Installs Gateway API's kinds, and injector and control plane so that pods of labelled namespaces are in the mesh. */
export default async function setUp(): Promise<void> {
  const startMs = Date.now();
  const call = (...args: readonly string[]) => kubectl(clusterKubeconfig(), args);
  const system = (...args: readonly string[]) => call('--namespace=sidecar-injector-system', ...args);
  await call('apply', '--server-side', '-f', path.join(conformancePrograms(), 'kinds.yaml'));
  await call('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s');
  await call('apply', '-k', path.join(root, 'deploy/overlays/mesh'));
  await system('rollout', 'status', 'deployment/sidecar-injector-mesh', '--timeout=120s');
  // The kubelet brings the injector the root certificate within two minutes, and a new pod at once.
  await system('rollout', 'restart', 'deployment/sidecar-injector');
  await system('rollout', 'status', 'deployment/sidecar-injector', '--timeout=120s');
  process.stderr.write(`installed and ready after ${Date.now() - startMs} ms\n`);
}
