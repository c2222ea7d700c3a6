import path from 'node:path';
import { root } from '../../../scripts/checkout.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { until } from '../waiting.ts';
import { clusterKubeconfig, createClusterNamespace, type ClusterNamespace } from './cluster-namespace.ts';
import { kubectl } from './kubectl.ts';
import { system } from './system-namespace.ts';
import { idlePod, leavingTemplate, servingObjects, servingTemplate } from './workbench.ts';
import { injected } from '../processes/test-cluster.ts';

/** Labels of a pod that takes part in the mesh. */
export const inMesh = { 'sidecar-injector.io/profile': 'mesh' };

/** Lets a proxy ask for little: the pods of other tests have to fit beside these. */
export const modest = { 'sidecar.istio.io/proxyCPU': '10m' };

/** A namespace of a cluster with the control plane: `web` in the mesh, `plain` with a standalone proxy. */
export interface MeshOfCluster {
  readonly namespace: ClusterNamespace;
  /** Replaces or deletes (null) labels of the template of `web`, and waits until its new pods serve. */
  rollWeb(labels: JsonObject): Promise<void>;
  remove(): Promise<void>;
}

/** The control plane, and definitions of traffic rules. */
const manifests = ['deploy/mesh-crds.yaml', 'deploy/mesh.yaml'].flatMap((file) => ['-f', path.join(root, file)]);

function withLabels(template: JsonObject, more: JsonObject): JsonObject {
  const metadata = template['metadata'] as { labels: JsonObject; annotations?: JsonObject };
  const annotations = { ...metadata.annotations, ...modest };
  return { ...template, metadata: { ...metadata, labels: { ...metadata.labels, ...more }, annotations } };
}

/** Installs the control plane from its two files, and makes the namespace. Whoever opens it removes it. */
export async function openMeshOfCluster(): Promise<MeshOfCluster> {
  await kubectl(clusterKubeconfig(), ['apply', ...manifests]);
  await system.kubectl('rollout', 'status', 'deployment/sidecar-injector-mesh', '--timeout=90s');
  const namespace = await createClusterNamespace(injected);
  const applyClient = async (): Promise<true | undefined> => {
    try {
      await namespace.apply(idlePod('client', { labels: inMesh, annotations: modest }));
      return true;
    } catch (error) {
      if (!String(error).includes('MeshNotReady')) throw error;
      return undefined;
    }
  };
  await until('the injector knows the control plane', applyClient, 150_000);
  await namespace.apply(
    idlePod('standalone', { annotations: modest }),
    ...servingObjects('web', withLabels(leavingTemplate('web'), inMesh)),
    ...servingObjects('plain', withLabels(servingTemplate('plain'), {})),
  );
  await Promise.all([
    namespace.rollOut('deployment/web'),
    namespace.rollOut('deployment/plain'),
    namespace.untilPod('client'),
    namespace.untilPod('standalone'),
  ]);
  return {
    namespace,
    async rollWeb(labels) {
      const patch = JSON.stringify({ spec: { template: { metadata: { labels } } } });
      await namespace.kubectl('patch', 'deployment/web', '--type=merge', `--patch=${patch}`);
      await namespace.rollOut('deployment/web');
    },
    async remove() {
      await namespace.remove();
      await kubectl(clusterKubeconfig(), ['delete', ...manifests, '--wait=false']);
    },
  };
}
