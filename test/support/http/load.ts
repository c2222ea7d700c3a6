import { randomBytes } from 'node:crypto';
import type { ClusterNamespace } from '../cluster/cluster-namespace.ts';
import { until } from '../waiting.ts';

/** How requests of a load went. */
export interface LoadFigures {
  readonly sent: number;
  /** Number of answers by status code, and of failures by error code. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
}

/** How to load. */
export interface LoadOptions {
  readonly url: string;
  readonly connections?: number;
  readonly perSecond?: number;
  /** Metadata of the pod that asks; default: it is not injected. */
  readonly metadata?: object;
  /** Default: that of the namespace. */
  readonly serviceAccountName?: string;
}

/** A pod that asks. */
export interface Load {
  /** Its name. */
  readonly pod: string;
  /** How many requests it has made by now. */
  sent(): Promise<number>;
  stop(): Promise<LoadFigures>;
}

/** Asks from a pod of the cluster, from the first answer until told to stop; the figures count every request. */
export async function startLoad(
  namespace: ClusterNamespace,
  {
    url,
    connections = 4,
    perSecond = 100,
    metadata = { labels: { 'sidecar.istio.io/inject': 'false' } },
    serviceAccountName = 'default',
  }: LoadOptions,
): Promise<Load> {
  const name = `load-${randomBytes(3).toString('hex')}`;
  const container = {
    name: 'load',
    image: 'cluster.test/workbench:1',
    args: ['load.ts', url, String(connections), String(perSecond)],
  };
  await namespace.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...metadata },
    // Longer than a request may take.
    spec: { serviceAccountName, restartPolicy: 'Never', terminationGracePeriodSeconds: 20, containers: [container] },
  });
  await namespace.untilPod(name);
  await until(`${url} has answered the load`, async () => {
    return (await namespace.kubectl('logs', name, '--container=load')).includes('"sent"') || undefined;
  });
  return {
    pod: name,
    async sent() {
      const line = await namespace.kubectl('logs', name, '--container=load', '--tail=1');
      return (JSON.parse(line) as LoadFigures).sent;
    },
    async stop() {
      // Its last line comes after the signal, so the log is followed from before.
      const log = namespace.kubectl('logs', '-f', name, '--container=load');
      await namespace.kubectl('delete', 'pod', name, '--wait=false');
      const line = (await log).trim().split('\n').at(-1) ?? '';
      return JSON.parse(line) as LoadFigures;
    },
  };
}
