import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { proxyIntent } from '../../../test/support/builders/proxy-intent.ts';
import { secretNames } from '../../../src/envoy/mesh-tls.ts';
import { trafficMetadata, metadataKey } from '../../../src/envoy/traffic-metadata.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import type { Kind } from '../../../src/mesh/resources/kinds.ts';
import { listenerName } from '../../../src/mesh/resources/names.ts';
import { findFreePort } from '../../../test/support/http/free-port.ts';
import { startProgram, type BackgroundProgram } from '../../../test/support/processes/background-program.ts';
import type { ClusterAccess } from '../../../test/support/processes/control-plane.ts';
import { until } from '../../../test/support/waiting.ts';
import { fromImage } from '../server-process.ts';
import { account, audience, clusterOf, namespace, serviceAddress, type BenchPod } from './objects.ts';

/** A control plane that can be measured. */
export interface Contender {
  readonly name: string;
  readonly audience: string;
  readonly wantsSecrets: boolean;
  /** `node.metadata` of the proxy of a pod. */
  metadata(pod: BenchPod): JsonObject;
  /** Resources that a proxy is told of when a Service comes or goes. */
  told(service: number, change: 'added' | 'removed'): readonly (readonly [Kind, string])[];
  /** Resources that a proxy is told of when the VirtualService of a Service changes. */
  toldOfRoutes(service: number): readonly (readonly [Kind, string])[];
  /** The resource with the roots that the proxies trust, where it comes on this stream. */
  readonly rootOnStream?: readonly [Kind, string];
  start(cluster: ClusterAccess, folder: string): Promise<RunningContender>;
}

/** A control plane that runs. */
export interface RunningContender {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

/** Namespaces in which the control planes have their own objects. */
export const systemNamespace = { ours: 'sidecar-injector-system', istiod: 'istio-system' } as const;

/** The Secret of the authority that signs for workloads. */
export const rootSecret = 'sidecar-injector-mesh-root';

/** Objects that the control planes expect in a cluster, with the path to create each at. */
export const systemObjects: readonly (readonly [path: string, object: JsonObject])[] = [
  ...Object.values(systemNamespace).map((name) => ['/api/v1/namespaces', { metadata: { name } }] as const),
  ...['sidecar-injector-mesh-control-plane', rootSecret].map(
    (name) => [`/api/v1/namespaces/${systemNamespace.ours}/secrets`, { metadata: { name }, type: 'Opaque' }] as const,
  ),
  [`/api/v1/namespaces/${systemNamespace.ours}/configmaps`, { metadata: { name: 'sidecar-injector-mesh-roots' } }],
];

const readyWithinMs = 120_000;

async function runningOnce(program: BackgroundProgram, port: number, url: string): Promise<RunningContender> {
  const isReady = async () => {
    if (!program.isRunning()) throw new Error(`${program.name} has ended:\n${(await program.readLog()).slice(-4_000)}`);
    const answer = await fetch(url).catch(() => undefined);
    return answer?.status === 200 || undefined;
  };
  await until(`${program.name} to become ready`, isReady, readyWithinMs);
  return {
    pid: program.pid ?? 0,
    port,
    async stop() {
      await program.stop('SIGTERM');
    },
  };
}

const local = (flag: string, port: number): string => `--${flag}=127.0.0.1:${port}`;

/** The control plane of this project: the bundle, started as the image does. */
export const ours: Contender = {
  name: 'sidecar-injector',
  audience: audience.ours,
  wantsSecrets: true,
  metadata: ({ name }) => ({ [metadataKey]: trafficMetadata(proxyIntent({ workload: name })) }),
  told: (service) => [
    ['cluster', clusterOf(service)],
    ['listener', listenerName(serviceAddress(service), 80)],
  ],
  toldOfRoutes: (service) => [['routes', clusterOf(service)]],
  rootOnStream: ['secret', secretNames.roots],
  async start({ kubeconfig }, folder) {
    const { nodeOptions, program, environment } = await fromImage();
    const [port, health, metrics] = [await findFreePort(), await findFreePort(), await findFreePort()];
    const addresses = [local('listen', port), local('health-listen', health), local('metrics-listen', metrics)];
    const started = startProgram(
      ours.name,
      [process.execPath, ...nodeOptions, program, 'mesh', ...addresses, `--kubeconfig=${kubeconfig}`],
      { logFile: path.join(folder, 'sidecar-injector.log'), env: { ...process.env, ...environment } },
    );
    return runningOnce(started, port, `http://127.0.0.1:${health}/readyz`);
  },
};

/** Istio's control plane with its own defaults, without its webhooks. */
export function istiod(binary: string): Contender {
  return {
    name: 'istiod',
    audience: audience.istiod,
    wantsSecrets: false,
    metadata: ({ name, address }) => ({
      NAME: name,
      NAMESPACE: namespace,
      SERVICE_ACCOUNT: account,
      CLUSTER_ID: 'Kubernetes',
      INSTANCE_IPS: address,
      INTERCEPTION_MODE: 'REDIRECT',
      ISTIO_VERSION: '1.32.0',
      LABELS: { app: name },
      MESH_ID: 'cluster.local',
    }),
    told: (service, change) => [
      ['cluster', clusterOf(service)],
      ['routes', '80'],
      ...(change === 'added' ? ([['endpoints', clusterOf(service)]] as const) : []),
    ],
    toldOfRoutes: () => [['routes', '80']],
    async start({ kubeconfig }, folder) {
      // It leaves files where it runs.
      const cwd = path.join(folder, 'istiod');
      await mkdir(cwd, { recursive: true });
      const [port, plain, http] = [await findFreePort(), await findFreePort(), await findFreePort()];
      const addresses = [
        local('secureGRPCAddr', port),
        local('grpcAddr', plain),
        local('httpAddr', http),
        local('monitoringAddr', await findFreePort()),
        '--httpsAddr=',
        '--ctrlz_port=0',
      ];
      const cluster = [`--kubeconfig=${kubeconfig}`, '--registries=Kubernetes', '--domain=cluster.local'];
      const started = startProgram(
        'istiod',
        [
          'env',
          `--chdir=${cwd}`,
          binary,
          'discovery',
          ...addresses,
          ...cluster,
          `--namespace=${systemNamespace.istiod}`,
        ],
        {
          logFile: path.join(folder, 'istiod.log'),
          env: {
            ...process.env,
            REVISION: 'default',
            CLUSTER_ID: 'Kubernetes',
            PILOT_CERT_PROVIDER: 'istiod',
            POD_NAME: 'istiod',
            POD_NAMESPACE: systemNamespace.istiod,
            SERVICE_ACCOUNT: 'istiod',
            INJECT_ENABLED: 'false',
            VALIDATION_WEBHOOK_CONFIG_NAME: '',
            PILOT_ENABLE_GATEWAY_API: 'false',
          },
        },
      );
      return runningOnce(started, port, `http://127.0.0.1:${http}/ready`);
    },
  };
}
