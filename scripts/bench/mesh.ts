import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '../../test/harness/tools/command.ts';
import { prepareIstiod } from '../../test/harness/tools/istiod.ts';
import { prepareKubernetes } from '../../test/harness/tools/kubernetes.ts';
import { joinEnvironments, type Tool } from '../../test/harness/tools/tool.ts';
import { root } from '../checkout.ts';
import type { Effort } from './effort.ts';
import { describeMachine } from './machine.ts';
import { openBenchCluster } from './mesh/cluster.ts';
import { istiod, ours, type Contender } from './mesh/contenders.ts';
import { figuresOf, type MeshEffort, type MeshRun } from './mesh/figures.ts';
import { meshNotRun, writeMeshSection, type MeshComparison } from './mesh/section.ts';
import { runTrial } from './mesh/trial.ts';
import type { Section } from './page-parts.ts';

const efforts: Readonly<Record<Effort['name'], MeshEffort>> = {
  full: { services: 1_000, proxies: 100, changes: 5, rounds: 2, settleMs: 30_000 },
  quick: { services: 100, proxies: 10, changes: 2, rounds: 2, settleMs: 2_000 },
};

function sizes({ proxies }: MeshEffort): readonly number[] {
  const wanted = process.env['MESH_PROXIES'] ?? String(proxies);
  return wanted.split(',').map((text) => {
    const count = Number(text);
    // Addresses of this machine are given to 10,000 at most.
    if (!Number.isInteger(count) || count < 1 || count > 10_000)
      throw new Error(`MESH_PROXIES=${wanted}: "${text}" is not a number from 1 to 10000`);
    return count;
  });
}

function theirs({ env }: Extract<Tool, { state: 'ready' }>): Contender {
  return istiod(path.join(env?.['ISTIOD_PROGRAMS'] ?? '', 'pilot-discovery'));
}

/** Measures the control plane of the mesh beside Istio's, or says what this machine lacks for it. */
export async function benchMesh(effort: Effort, say: (line: string) => void): Promise<Section> {
  const kubernetes = await prepareKubernetes();
  if (kubernetes.state === 'missing') return meshNotRun(kubernetes.needs);
  Object.assign(process.env, joinEnvironments([kubernetes]));
  const reference = await prepareIstiod();
  if (reference.state === 'broken') throw new Error(reference.problem);
  const build = [process.execPath, '--disable-warning=ExperimentalWarning', 'scripts/build.ts'] as const;
  if ((await run(build, { cwd: root, output: 'ignore' })) !== 0) throw new Error('the bundle could not be built');
  const machine = describeMachine();
  const comparisons: MeshComparison[] = [];
  for (const proxies of sizes(efforts[effort.name])) {
    const size = { ...efforts[effort.name], proxies };
    const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-bench-'));
    say(`an API server with ${size.services} Services …`);
    const cluster = await openBenchCluster(size);
    const contenders: readonly Contender[] = [ours, ...(reference.state === 'ready' ? [theirs(reference)] : [])];
    const runs = contenders.map((contender) => ({ contender, found: [] as MeshRun[] }));
    try {
      for (let round = 0; round < size.rounds; round++) {
        for (const { contender, found } of round % 2 === 0 ? runs : runs.toReversed()) {
          say(`${contender.name}, ${proxies} proxies, round ${round + 1} of ${size.rounds} …`);
          found.push(await runTrial(contender, cluster, folder, size));
        }
      }
      const [own, other] = runs.map(({ found }) => figuresOf(found));
      if (own === undefined) throw new Error('nothing was measured');
      const found = other ?? (reference.state === 'missing' ? reference.needs : '');
      comparisons.push({ effort: size, ours: own, reference: found });
    } finally {
      await cluster.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }
  return writeMeshSection({ comparisons, machine });
}
