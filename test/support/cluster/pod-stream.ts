import { setTimeout as pause } from 'node:timers/promises';
import { openApiClient, type ApiClient, type Pod } from '../http/api-client.ts';
import { clusterKubeconfig } from './cluster-namespace.ts';
import { kubectl } from './kubectl.ts';
import { until } from '../waiting.ts';

/** What became of pods that were created one after the other. */
export interface Creations {
  readonly created: number;
  /** Messages of refusals, with their number. */
  readonly refused: Readonly<Record<string, number>>;
  /** Created without a proxy. */
  readonly bare: number;
  /** From the first refusal to the last, in milliseconds; 0 without any. */
  readonly refusedForMs: number;
}

/** Creates pods (as dry runs, so that the node need not run them) until it is told to stop. */
export interface PodStream {
  /** May be called again, for the same answer. */
  stop(): Promise<Creations>;
}

/**
 * Creates pods in the namespace, each as soon as the last was answered, with a pause between them. It begins to count with
 * the first one that was injected: new replicas are ready some moments before the node sends them anything.
 */
export async function startPodStream(namespace: string, pauseMs = 20): Promise<PodStream> {
  const api = await openEditor(namespace);
  const refused: Record<string, number> = {};
  let [created, bare, firstMs, lastMs] = [0, 0, 0, 0];
  let going = true;
  const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
  const pod = {
    metadata: { generateName: 'stream-' },
    spec: { containers: [{ name: 'app', image: 'registry.example/app:1' }] },
  };
  await until('a pod is injected', async () => {
    const { status, body } = await api.create<Pod>(path, pod);
    return (status === 201 && body.spec.initContainers !== undefined) || undefined;
  });
  const run = async () => {
    while (going) {
      const answer = await api.create<Pod>(path, pod).catch((error: unknown) => ({ status: 0, body: error as Error }));
      if (answer.status === 201) {
        created += 1;
        if (!('spec' in answer.body) || answer.body.spec.initContainers === undefined) bare += 1;
      } else {
        const message = `${answer.status} ${answer.body.message}`.replaceAll(/\d+\.\d+\.\d+\.\d+(:\d+)?/g, 'ADDRESS');
        refused[message] = (refused[message] ?? 0) + 1;
        lastMs = Date.now();
        if (firstMs === 0) firstMs = lastMs;
      }
      await pause(pauseMs);
    }
  };
  const running = run();
  return {
    async stop() {
      going = false;
      await running;
      api.close();
      return { created, bare, refused, refusedForMs: lastMs - firstMs };
    },
  };
}

/** Creates pods while something is done, whether that succeeds or not; answers what became of them. */
export async function createPodsDuring(namespace: string, act: () => Promise<unknown>): Promise<Creations> {
  const stream = await startPodStream(namespace);
  try {
    await act();
  } finally {
    await stream.stop();
  }
  return stream.stop();
}

/** The API server, as an account of the namespace that may create pods in it. */
async function openEditor(namespace: string): Promise<ApiClient> {
  const call = (...args: string[]) => kubectl(clusterKubeconfig(), [`--namespace=${namespace}`, ...args]);
  const text = await call('config', 'view', '--raw', '--flatten', '--minify', '-o=json');
  const { clusters } = JSON.parse(text) as {
    clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  };
  const [entry] = clusters;
  if (entry === undefined) throw new Error('the kubeconfig names no cluster');
  const binding = ['rolebinding', 'editor', '--clusterrole=edit', `--serviceaccount=${namespace}:default`];
  await kubectl(
    clusterKubeconfig(),
    ['apply', '-f', '-'],
    await call('create', ...binding, '--dry-run=client', '-o=json'),
  );
  const token = (await call('create', 'token', 'default', '--duration=2h')).trim();
  const ca = Buffer.from(entry.cluster['certificate-authority-data'], 'base64').toString('utf8');
  return openApiClient({ url: entry.cluster.server, ca, token });
}
