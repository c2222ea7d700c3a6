import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { until } from '../../../test/support/waiting.ts';
import { startAuditor, type AuditorProcess } from './auditor-process.ts';
import type { PodCluster } from './cluster.ts';
import type { AuditorEffort, AuditorRun, Look, Period, Requests } from './figures.ts';
import { injectedLabels, ownersOf, unlabelledNames } from './objects.ts';

const askMs = 250;
/** Whatever the auditor still does after a change. */
const quietMs = 2_000;
const patienceMs = 600_000;

/** Settings that give a proxy other resources, so that every injected pod is outdated. */
const otherSettings = 'spec: { proxy: { resources: { requests: { cpu: 77m } } } }';

function settingsText(spec: string): string {
  return `apiVersion: sidecar-injector.io/v1alpha1\nkind: InjectorConfiguration\n${spec}\n`;
}

function difference(after: Requests, before: Requests): Requests {
  const all = [...after].map(([what, count]) => [what, count - (before.get(what) ?? 0)] as const);
  return new Map(all.filter(([, count]) => count > 0));
}

async function listPlainly(kubeconfig: string, podCount: number): Promise<Look> {
  const program = path.join(import.meta.dirname, 'plain-list.ts');
  const words = ['--disable-warning=ExperimentalWarning', program, kubeconfig];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  const { pods, ...look }: Look & { readonly pods: number } = JSON.parse(stdout);
  if (pods !== podCount) throw new Error(`the official client has read ${pods} of ${podCount} pods`);
  return look;
}

/** Lets both read all pods in turn, and then changes what pods are judged by. */
export async function runTrial(
  cluster: PodCluster,
  folder: string,
  effort: AuditorEffort,
  say: (line: string) => void,
): Promise<AuditorRun> {
  const settings = path.join(folder, 'settings.yaml');
  await writeFile(settings, settingsText('spec: {}'));
  const { kubeconfig, podCount } = cluster;
  const missed = effort.missed * effort.pods;
  const injected = ownersOf(effort).filter(({ isInjected }) => isInjected).length * effort.pods;
  const plain: Look[] = [];
  const first: Look[] = [];

  async function begin(): Promise<AuditorProcess> {
    const auditor = await startAuditor(kubeconfig, settings, folder);
    first.push({ ms: auditor.lookedMs, cpuMs: auditor.cpuMs(), peakBytes: auditor.peakBytes() });
    const found = { missed: await auditor.found('missed'), outdated: await auditor.found('outdated') };
    if (found.missed !== missed || found.outdated !== 0) {
      throw new Error(`${missed} pods are missed and none is outdated, but found is ${JSON.stringify(found)}`);
    }
    return auditor;
  }

  async function periodOf(auditor: AuditorProcess, act: () => Promise<void>): Promise<Period> {
    const before = { requests: await cluster.requests(), cpuMs: auditor.cpuMs() };
    const startMs = performance.now();
    await act();
    const ms = performance.now() - startMs;
    await pause(quietMs);
    const requests = difference(await cluster.requests(), before.requests);
    return { ms, cpuMs: auditor.cpuMs() - before.cpuMs, requests, events: requests.get('create events') ?? 0 };
  }

  async function untilFound(
    auditor: AuditorProcess,
    count: number,
    finding: string,
    namespace?: string,
  ): Promise<void> {
    const end = performance.now() + patienceMs;
    while ((await auditor.found(finding, namespace)) !== count) {
      if (performance.now() > end) throw new Error(`waited in vain for ${count} pods that are ${finding}`);
      await pause(askMs);
    }
  }

  for (let round = 1; round < effort.rounds; round++) {
    say(`round ${round} of ${effort.rounds}: all pods are read …`);
    plain.push(await listPlainly(kubeconfig, podCount));
    await (await begin()).stop();
  }
  plain.push(await listPlainly(kubeconfig, podCount));
  const asked = await cluster.requests();
  const auditor = await begin();
  try {
    const told = async (): Promise<Requests> => difference(await cluster.requests(), asked);
    // What was missed is told at once, as far as the pace of Events allows it.
    await until(
      'Events about what was missed',
      async () => ((await told()).get('create events') ?? 0) >= Math.min(effort.missed, 20) || undefined,
      patienceMs,
    );
    const requests = await told();
    const [look = { ms: 0, cpuMs: 0 }] = first.slice(-1);
    const start = { ...look, requests, events: requests.get('create events') ?? 0 };
    const labelled: Period[] = [];
    const unlabelled: Period[] = [];
    for (const name of unlabelledNames(effort).slice(0, effort.changes)) {
      say(`the label of ${name} changes …`);
      const count = effort.owners * effort.pods;
      for (const [periods, labels, wanted] of [
        [labelled, injectedLabels, count],
        [unlabelled, null, 0],
      ] as const) {
        const act = async (): Promise<void> => {
          await cluster.label(name, labels);
          await untilFound(auditor, wanted, 'missed', name);
        };
        periods.push(await periodOf(auditor, act));
      }
    }
    say(`${effort.restSeconds} s of rest …`);
    const rest = await periodOf(auditor, () => pause(effort.restSeconds * 1_000));
    say('the settings change …');
    const anew = await periodOf(auditor, async () => {
      await writeFile(settings, settingsText(otherSettings));
      await untilFound(auditor, injected, 'outdated');
    });
    const peakBytes = auditor.peakBytes();
    return {
      pods: podCount,
      listBytes: cluster.listBytes,
      plain,
      first,
      start,
      labelled,
      unlabelled,
      rest,
      anew,
      peakBytes,
    };
  } finally {
    await auditor.stop();
  }
}
