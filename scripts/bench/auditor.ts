import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createSnapshot } from '../../src/injection/build-snapshot.ts';
import { createInjector } from '../../src/injection/injector.ts';
import { run } from '../../test/harness/tools/command.ts';
import { prepareKubernetes } from '../../test/harness/tools/kubernetes.ts';
import { joinEnvironments } from '../../test/harness/tools/tool.ts';
import { root } from '../checkout.ts';
import { openPodCluster } from './auditor/cluster.ts';
import type { AuditorEffort } from './auditor/figures.ts';
import { auditorNotRun, writeAuditorSection } from './auditor/section.ts';
import { runTrial } from './auditor/trial.ts';
import type { Effort } from './effort.ts';
import { describeMachine } from './machine.ts';
import type { Section } from './page-parts.ts';

const efforts: Readonly<Record<Effort['name'], AuditorEffort>> = {
  full: { labelled: 90, unlabelled: 10, owners: 10, pods: 10, missed: 20, rounds: 3, changes: 5, restSeconds: 60 },
  quick: { labelled: 8, unlabelled: 2, owners: 5, pods: 4, missed: 2, rounds: 2, changes: 1, restSeconds: 5 },
};

/** Measures the auditor before a real API server full of pods, or says what this machine lacks for it. */
export async function benchAuditor(effort: Effort, say: (line: string) => void): Promise<Section> {
  const kubernetes = await prepareKubernetes();
  if (kubernetes.state === 'missing') return auditorNotRun(kubernetes.needs);
  Object.assign(process.env, joinEnvironments([kubernetes]));
  const build = [process.execPath, '--disable-warning=ExperimentalWarning', 'scripts/build.ts'] as const;
  if ((await run(build, { cwd: root, output: 'ignore' })) !== 0) throw new Error('the bundle could not be built');
  const made = createSnapshot();
  if ('problems' in made) throw new Error('the built-in settings are not valid');
  const machine = describeMachine();
  const size = efforts[effort.name];
  const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-bench-'));
  try {
    say(`an API server with ${(size.labelled + size.unlabelled) * size.owners * size.pods} pods …`);
    const cluster = await openPodCluster(size, folder, createInjector(made.snapshot));
    try {
      return writeAuditorSection({ effort: size, run: await runTrial(cluster, folder, size, say), machine });
    } finally {
      await cluster.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
