import { metadataKey, trafficMetadata } from '../../../src/envoy/traffic-metadata.ts';
import { serveMesh, type MeshOptions, type RunningMesh } from '../../../src/runtime/mesh.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { renderKustomization } from '../../../scripts/manifests/install.ts';
import { findProgram } from '../../harness/tools/kubernetes.ts';
import { proxyIntent } from '../builders/proxy-intent.ts';
import { writeServiceAccountKubeconfig } from '../cluster/installation.ts';
import { kubectl } from '../cluster/kubectl.ts';
import { findFreePort } from '../http/free-port.ts';
import { openTestCluster, type TestCluster } from '../processes/test-cluster.ts';
import type { ClusterAccess } from '../processes/control-plane.ts';
import { until } from '../waiting.ts';
import { injectedParts } from './injected-parts.ts';
import { openProbe, type DiscoveryProbe } from './discovery-probe.ts';

/** Audience of the tokens of proxies. */
export const audience = 'sidecar-injector-mesh';

const system = 'sidecar-injector-system';
const serverName = `sidecar-injector-mesh.${system}.svc`;
const metadata = { [metadataKey]: trafficMetadata(proxyIntent()) };

/** A cluster with the shipped manifest of the control plane, and pods that have the address of this machine. */
export interface MeshCluster {
  readonly cluster: TestCluster;
  /** Namespace of the pods. */
  readonly namespace: string;
  /** What all control planes have logged. */
  readonly log: () => string;
  /** Starts a control plane with the shipped rights. */
  start(more?: Partial<MeshOptions>): Promise<MeshReplica>;
  createPod(name: string): Promise<{ readonly uid: string }>;
  deletePod(name: string): Promise<void>;
  tokenOf(pod: string, uid: string, audiences?: readonly string[]): Promise<string>;
  /** Root certificate of the control plane, as it was published. */
  roots(): Promise<string>;
  /** Closes clients, and stops what was started. */
  close(): Promise<void>;
}

/** A control plane of the test. */
export interface MeshReplica extends RunningMesh {
  /** Port at which the API server can ask about traffic rules. */
  readonly rulesPort: number;
  readonly metricsPort: number;
  open(token: string): DiscoveryProbe;
  /** A stream that has been let in. */
  letIn(token: string): Promise<DiscoveryProbe>;
  /** Why a stream was refused, or that it was not. */
  endingOf(token: string): Promise<string>;
  /** Answer of the port for probes or of that for metrics. */
  ask(port: 'health' | 'metrics', path: string): Promise<{ readonly status: number; readonly text: string }>;
}

/** Applies the manifest. Whoever opens it closes it. */
export async function openMeshCluster(access: ClusterAccess): Promise<MeshCluster> {
  const cluster = openTestCluster(access);
  // It is that of install.yaml, and here already if that is.
  await cluster.api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: system } });
  await kubectl(
    access.kubeconfig,
    ['apply', '-f', '-'],
    await renderKustomization('mesh', findProgram('kubectl', process.env)),
  );
  const namespace = await cluster.createNamespace();
  const cleanups: (() => unknown)[] = [() => cluster.api.close()];
  let log = '';

  async function roots(): Promise<string> {
    const { body } = await cluster.api.get<{ data?: Record<string, string>; metadata: object }>(
      `/api/v1/namespaces/${system}/configmaps/sidecar-injector-mesh-roots`,
    );
    return body.data?.['root.pem'] ?? '';
  }

  async function start(more: Partial<MeshOptions> = {}): Promise<MeshReplica> {
    const ports = {
      streams: await findFreePort(),
      rules: await findFreePort(),
      metrics: await findFreePort(),
      health: await findFreePort(),
    };
    const at = (port: number) => ({ host: '127.0.0.1', port });
    const running = await serveMesh(
      {
        listen: at(ports.streams),
        rulesListen: at(ports.rules),
        metricsListen: at(ports.metrics),
        healthListen: at(ports.health),
        kubeconfig: await writeServiceAccountKubeconfig(access, 'sidecar-injector-mesh'),
        namespace: system,
        service: 'sidecar-injector-mesh',
        clusterDomain: 'cluster.local',
        trustDomain: 'cluster.local',
        rootNamespace: 'istio-system',
        audience,
        maxStreams: 100,
        stopped: new Promise(() => undefined),
        ...more,
      },
      createLog('trace', { write: (line) => void (log += line) }),
    );
    cleanups.push(() => running.stop());
    const known = await roots();
    const open = (token: string): DiscoveryProbe => {
      const probe = openProbe(`127.0.0.1:${running.port}`, known, token, serverName);
      cleanups.push(() => probe.close());
      probe.subscribe('cluster', [], metadata);
      return probe;
    };
    return {
      ...running,
      rulesPort: ports.rules,
      metricsPort: ports.metrics,
      open,
      letIn: (token) =>
        until('the stream to be let in', async () => {
          const probe = open(token);
          const isIn = await until('an answer', () => (probe.responses.length > 0 ? true : probe.ending() && false));
          return isIn ? probe : undefined;
        }),
      async endingOf(token) {
        const probe = open(token);
        return until(
          'an answer',
          () => probe.ending()?.text ?? (probe.responses.length > 0 ? 'it was let in' : undefined),
        );
      },
      async ask(port, path) {
        const answer = await fetch(`http://127.0.0.1:${ports[port]}${path}`);
        return { status: answer.status, text: await answer.text() };
      },
    };
  }

  return {
    cluster,
    namespace,
    log: () => log,
    start,
    roots,
    async createPod(name) {
      const { body, status } = await cluster.createPod(namespace, {
        metadata: { name, labels: { app: name, 'security.istio.io/tlsMode': 'istio' } },
        spec: {
          serviceAccountName: 'default',
          ...injectedParts(audience),
        },
      });
      const patched = await cluster.api.patch(`/api/v1/namespaces/${namespace}/pods/${name}/status`, {
        status: { phase: 'Running', podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] },
      });
      if (status !== 201 || patched.status !== 200) throw new Error(`no pod ${name}: ${status}, ${patched.status}`);
      return { uid: body.metadata.uid ?? '' };
    },
    async deletePod(name) {
      await cluster.api.delete(`/api/v1/namespaces/${namespace}/pods/${name}?gracePeriodSeconds=0`);
    },
    async tokenOf(pod, uid, audiences = [audience]) {
      const { body } = await cluster.api.create<{ status: { token: string }; metadata: object }>(
        `/api/v1/namespaces/${namespace}/serviceaccounts/default/token`,
        {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: {
            audiences,
            expirationSeconds: 600,
            boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: pod, uid },
          },
        },
      );
      return body.status.token;
    },
    async close() {
      for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
    },
  };
}
