import { startAgent, type Agent } from './agent.ts';
import { addresses } from './pod-namespace.ts';
import { startPod, type PodOptions, type RunningPod } from './running-pod.ts';

export type Family = 'v4' | 'v6';

export const families: readonly Family[] = ['v4', 'v6'];

/** A running pod, its application (uid 1000) and the rest of the cluster, which plays kubelet, clients and servers. */
export interface Scene {
  readonly pod: RunningPod;
  readonly app: Agent;
  readonly outside: Agent;
  stop(): Promise<void>;
}

export async function openScene(options: PodOptions): Promise<Scene> {
  const pod = await startPod(options);
  const app = await startAgent(pod.namespace.name.pod, 1000);
  const outside = await startAgent(pod.namespace.name.cluster);
  return {
    pod,
    app,
    outside,
    async stop() {
      await app.stop();
      await outside.stop();
      await pod.remove();
    },
  };
}

export function url(host: string, port: number, path = '/', scheme = 'http'): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
}

/** Who talks to whom: `inbound` is a client in the cluster and a server in the pod, `outbound` the other way round. */
export type Direction = 'inbound' | 'outbound';

export const directions: readonly Direction[] = ['inbound', 'outbound'];

/** Whose address the receiving side of a direction has. */
export function destination(direction: Direction, family: Family): string {
  return addresses[direction === 'inbound' ? 'pod' : 'cluster'][family];
}

/** An address as a socket of both families tells it. */
export function asSocket(family: Family, address: string): string {
  return family === 'v4' ? `::ffff:${address}` : address;
}

/** The address that the server sees: the proxy's own inbound, the pod's outbound. */
export function seenSource(direction: Direction, family: Family): string {
  const source = { inbound: { v4: '127.0.0.6', v6: '::6' }, outbound: addresses.pod }[direction][family];
  return asSocket(family, source);
}
