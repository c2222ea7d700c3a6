import { setTimeout as pause } from 'node:timers/promises';
import { fromJson, toBinary } from '@bufbuild/protobuf';
import { kinds, type Kind } from '../../../src/mesh/resources/kinds.ts';
import { loadEnvoyTypes } from '../../../src/mesh/wire/envoy-types.ts';
import { processMemory, processorTime } from '../dataplane/process-cost.ts';
import { spreadOf, type Spread } from '../statistics.ts';
import { forEach, type BenchCluster } from './cluster.ts';
import type { Contender } from './contenders.ts';
import { clusterOf, namespace, proxyPods, type BenchPod } from './objects.ts';
import { startProxy, type SimulatedProxy } from './simulated-proxy.ts';

/** What one thing has cost. */
export interface Cost {
  /** Milliseconds until the last proxy has it and has said so. */
  readonly lastMs: number;
  /** Processor time of the control plane, milliseconds. */
  readonly cpuMs: number;
  /** Bytes of responses, for each proxy. */
  readonly bytes: number;
}

/** The same thing several times. */
export type CostSpread = Readonly<Record<keyof Cost, Spread>>;

/** What one control plane came to. */
export interface MeshFigures {
  readonly name: string;
  readonly sync: Cost;
  /** Bytes of the first sync, for each proxy. */
  readonly bytesByKind: Readonly<Record<Kind, number>>;
  readonly endpoints: CostSpread;
  readonly added: CostSpread;
  readonly removed: CostSpread;
  /** Resident memory, bytes. */
  readonly memory: { readonly ready: number; readonly synced: number; readonly settled: number };
  /** Processor time of all simulated proxies during the first sync, milliseconds. */
  readonly clientCpuMs: number;
  /** Streams that the control plane has ended. */
  readonly refusals: number;
}

/** How much. */
export interface MeshEffort {
  readonly services: number;
  readonly proxies: number;
  /** Changes of each sort. */
  readonly changes: number;
  /** Until the memory is read again. */
  readonly settleMs: number;
}

const types = loadEnvoyTypes();
const nodeType = types.message('envoy.config.core.v3.Node');

function nodeOf(contender: Contender, pod: BenchPod): Buffer {
  const node = {
    id: `sidecar~${pod.address}~${pod.name}.${namespace}~${namespace}.svc.cluster.local`,
    cluster: `${pod.name}.${namespace}`,
    metadata: contender.metadata(pod),
    user_agent_name: 'envoy',
    user_agent_build_version: { version: { major_number: 1, minor_number: 40, patch: 0 } },
  };
  // Its metadata is JSON, whatever the types of its parts say.
  return Buffer.from(toBinary(nodeType, fromJson(nodeType, JSON.parse(JSON.stringify(node)))));
}

const pollMs = 2;
const patienceMs = 600_000;

/** Waits until a condition holds for every proxy; those for which it held are not asked again. */
async function untilAll(
  proxies: readonly SimulatedProxy[],
  what: string,
  holds: (proxy: SimulatedProxy) => boolean,
): Promise<void> {
  const end = performance.now() + patienceMs;
  for (let left = proxies; ; await pause(pollMs)) {
    left = left.filter((proxy) => !holds(proxy));
    if (left.length === 0) return;
    if (performance.now() < end) continue;
    const [why = 'no stream was ended'] = left.flatMap(({ refusals }) => refusals.slice(-1));
    throw new Error(`${left.length} of ${proxies.length} proxies have not got ${what}; ${why}`);
  }
}

function bytesOf(proxies: readonly SimulatedProxy[]): Record<Kind, number> {
  const sums = kinds.map((kind) => [kind, proxies.reduce((sum, { bytes }) => sum + bytes[kind], 0)]);
  return Object.fromEntries(sums) as Record<Kind, number>;
}

function sumOf(bytes: Readonly<Record<Kind, number>>): number {
  return Object.values(bytes).reduce((sum, one) => sum + one, 0);
}

function spreadCosts(costs: readonly Cost[]): CostSpread {
  const of = (key: keyof Cost): Spread => spreadOf(costs.map((cost) => cost[key]));
  return { lastMs: of('lastMs'), cpuMs: of('cpuMs'), bytes: of('bytes') };
}

// Whatever a control plane still does after its start or after a change.
const quietMs = 1_000;
const startMs = 5_000;

/** Runs one control plane before the cluster, with all proxies. */
export async function runTrial(
  contender: Contender,
  cluster: BenchCluster,
  folder: string,
  { services, proxies: count, changes, settleMs }: MeshEffort,
): Promise<MeshFigures> {
  const pods = proxyPods(count);
  const tokens = new Map<string, string>();
  await forEach(pods, async (pod) => void tokens.set(pod.name, await cluster.tokenOf(pod, contender.audience)));
  const nodes = pods.map((pod) => nodeOf(contender, pod));
  const server = await contender.start(cluster.access, folder);
  const processor = (): number => Number(processorTime(server.pid)) / 1e6;
  const resident = (): number => processMemory(server.pid).resident;
  const proxies: SimulatedProxy[] = [];

  async function costOf(act: () => Promise<void>, isDone: () => Promise<void>): Promise<Cost> {
    for (const proxy of proxies) proxy.mark();
    const before = { cpu: processor(), bytes: sumOf(bytesOf(proxies)), at: performance.now() };
    await act();
    await isDone();
    const lastMs = performance.now() - before.at;
    await pause(quietMs);
    return { lastMs, cpuMs: processor() - before.cpu, bytes: (sumOf(bytesOf(proxies)) - before.bytes) / count };
  }

  const heard = (what: string, names: readonly (readonly [Kind, string])[]) => (): Promise<void> =>
    untilAll(proxies, what, (proxy) => names.every(([kind, name]) => proxy.hasHeard(kind, name)));

  function connectAll(): Promise<void> {
    const { port } = server;
    const { wantsSecrets } = contender;
    for (const [index, { name, address }] of pods.entries()) {
      const node = nodes[index] ?? Buffer.alloc(0);
      proxies.push(startProxy({ port, address, token: tokens.get(name) ?? '', node, wantsSecrets }));
    }
    return Promise.resolve();
  }

  try {
    await pause(startMs);
    const ready = resident();
    const clientBefore = process.cpuUsage();
    const sync = await costOf(connectAll, () => untilAll(proxies, 'their first state', (proxy) => proxy.isSynced()));
    const client = process.cpuUsage(clientBefore);
    const synced = resident();
    const byKind = Object.entries(bytesOf(proxies)).map(([kind, bytes]) => [kind, bytes / count]);
    await pause(settleMs);
    const settled = resident();
    const costs = { endpoints: [] as Cost[], added: [] as Cost[], removed: [] as Cost[] };
    for (let turn = 1; turn <= changes; turn++) {
      const name = clusterOf(turn);
      const move = (): Promise<void> => cluster.moveEndpoints(turn, turn);
      costs.endpoints.push(await costOf(move, heard('the endpoints', [['endpoints', name]])));
      const add = (): Promise<void> => cluster.addService(services);
      costs.added.push(await costOf(add, heard('the new Service', contender.told(services, 'added'))));
      const remove = (): Promise<void> => cluster.removeService(services);
      costs.removed.push(await costOf(remove, heard('the end of a Service', contender.told(services, 'removed'))));
    }
    return {
      name: contender.name,
      sync,
      bytesByKind: Object.fromEntries(byKind) as Record<Kind, number>,
      endpoints: spreadCosts(costs.endpoints),
      added: spreadCosts(costs.added),
      removed: spreadCosts(costs.removed),
      memory: { ready, synced, settled },
      clientCpuMs: (client.user + client.system) / 1_000,
      refusals: proxies.reduce((sum, { refusals }) => sum + refusals.length, 0),
    };
  } finally {
    for (const proxy of proxies) proxy.close();
    await server.stop();
    for (let turn = 1; turn <= changes; turn++) await cluster.moveEndpoints(turn, 0);
  }
}
