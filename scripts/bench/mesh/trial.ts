import { setTimeout as pause } from 'node:timers/promises';
import { fromJson, toBinary } from '@bufbuild/protobuf';
import { kinds, type Kind } from '../../../src/mesh/resources/kinds.ts';
import { loadEnvoyTypes } from '../../../src/mesh/wire/envoy-types.ts';
import { processMemory, processorTime } from '../dataplane/process-cost.ts';
import { forEach } from '../for-each.ts';
import type { BenchCluster } from './cluster.ts';
import type { Contender } from './contenders.ts';
import type { ChangeName, Cost, MeshEffort, MeshRun } from './figures.ts';
import { clusterOf, namespace, proxyPods, type BenchPod } from './objects.ts';
import { startProxy, type SimulatedProxy } from './simulated-proxy.ts';

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

/** Waits until a condition holds for the first proxy. */
async function untilSome(
  proxies: readonly SimulatedProxy[],
  what: string,
  holds: (proxy: SimulatedProxy) => boolean,
): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!proxies.some(holds)) {
    if (performance.now() > end) throw new Error(`none of ${proxies.length} proxies has got ${what}`);
    await pause(pollMs);
  }
}

function bytesOf(proxies: readonly SimulatedProxy[]): Record<Kind, number> {
  const sums = kinds.map((kind) => [kind, proxies.reduce((sum, { bytes }) => sum + bytes[kind], 0)]);
  return Object.fromEntries(sums) as Record<Kind, number>;
}

function sumOf(bytes: Readonly<Record<Kind, number>>): number {
  return Object.values(bytes).reduce((sum, one) => sum + one, 0);
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
): Promise<MeshRun> {
  const pods = proxyPods(count);
  const tokens = new Map<string, string>();
  await forEach(pods, async (pod) => void tokens.set(pod.name, await cluster.tokenOf(pod, contender.audience)));
  const nodes = pods.map((pod) => nodeOf(contender, pod));
  const server = await contender.start(cluster.access, folder);
  const processor = (): number => Number(processorTime(server.pid)) / 1e6;
  const resident = (): number => processMemory(server.pid).resident;
  const proxies: SimulatedProxy[] = [];

  /** Times from the call on, or from when it has begun to have an effect. */
  async function costOf(
    act: () => Promise<void>,
    isDone: () => Promise<void>,
    hasBegun?: () => Promise<void>,
  ): Promise<Cost> {
    for (const proxy of proxies) proxy.mark();
    const before = { cpu: processor(), bytes: sumOf(bytesOf(proxies)) };
    let startMs = performance.now();
    await act();
    if (hasBegun !== undefined) {
      await hasBegun();
      startMs = performance.now();
    }
    await isDone();
    const lastMs = performance.now() - startMs;
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
    const costs: Record<ChangeName, Cost[]> = { endpoints: [], routes: [], added: [], removed: [], roots: [] };
    for (let turn = 1; turn <= changes; turn++) {
      const name = clusterOf(turn);
      const move = (): Promise<void> => cluster.moveEndpoints(turn, turn);
      costs.endpoints.push(await costOf(move, heard('the endpoints', [['endpoints', name]])));
      const route = (): Promise<void> => cluster.changeRoute(turn);
      costs.routes.push(await costOf(route, heard('the routes', contender.toldOfRoutes(turn))));
      const add = (): Promise<void> => cluster.addService(services);
      costs.added.push(await costOf(add, heard('the new Service', contender.told(services, 'added'))));
      const remove = (): Promise<void> => cluster.removeService(services);
      costs.removed.push(await costOf(remove, heard('the end of a Service', contender.told(services, 'removed'))));
    }
    if (contender.rootOnStream !== undefined) {
      const told = heard('the new root', [contender.rootOnStream]);
      const [kind, name] = contender.rootOnStream;
      const first = (): Promise<void> => untilSome(proxies, 'the new root', (proxy) => proxy.hasHeard(kind, name));
      costs.roots.push(await costOf(() => cluster.replaceRoot(), told, first));
    }
    return {
      sync,
      bytesByKind: Object.fromEntries(byKind) as Record<Kind, number>,
      changes: costs,
      memory: { ready, synced, settled },
      clientCpuMs: (client.user + client.system) / 1_000,
    };
  } finally {
    for (const proxy of proxies) proxy.close();
    await server.stop();
    for (let turn = 1; turn <= changes; turn++) await cluster.moveEndpoints(turn, 0);
    await cluster.forgetRoot();
  }
}
