import { decide, selectEntry, type InjectionRequest, type Snapshot } from '../index.ts';
import type { InjectOptions } from './inject.ts';
import { loadSnapshot, readAnnotations, readInput, readLabels } from './input.ts';
import { report, type Io } from './io.ts';
import { writeRewriting } from './output.ts';
import { ownerOf, rewriteInput, type Verdict, type Workload } from './rewriting.ts';

/** Labels that a namespace has beside its own name, as the API server sees them. */
export type NamespaceLabels = Readonly<Record<string, string>>;

/** Namespace that the workload's pods will be created in. */
export function namespaceOf(workload: Workload, fallback: string | undefined): string {
  return workload.namespace ?? fallback ?? 'default';
}

/** Gate 1 for the pods of a workload. */
export function passGate(
  workload: Workload,
  namespace: string,
  labels: NamespaceLabels,
): ReturnType<typeof selectEntry> {
  return selectEntry({ ...labels, 'kubernetes.io/metadata.name': namespace }, workload.pod.value);
}

function judge(
  workload: Workload,
  namespace: string,
  labels: NamespaceLabels | undefined,
  snapshot: Snapshot,
  namespaceAnnotations: InjectionRequest['namespaceAnnotations'],
): Verdict {
  const gate = labels === undefined ? undefined : passGate(workload, namespace, labels);
  if (gate?.called === false) {
    return { outcome: 'pass', reason: `skipped: the API server would not ask for it: ${gate.reasons.join('; ')}` };
  }
  const { value: pod } = workload.pod;
  const decision = decide({ pod, namespace, workload: ownerOf(workload), namespaceAnnotations }, snapshot);
  const reasons = decision.reasons.map(({ code, message }) => `${message} (${code})`);
  if (decision.outcome === 'reject') return { outcome: 'refuse', problems: reasons };
  if (decision.outcome === 'skip') return { outcome: 'pass', reason: `skipped: ${reasons.join('; ')}` };
  const notes = decision.warnings.map((text) => `warning: ${text.replace(/^sidecar-injector: /, '')}`);
  return { outcome: 'change', operations: decision.operations, notes };
}

/** Runs `inject` and returns the exit code. With one refused document nothing is written. */
export async function runInject(options: InjectOptions, io: Io): Promise<number> {
  const read = options.namespaceLabels === undefined ? { labels: undefined } : readLabels(options.namespaceLabels);
  if ('problems' in read) return report(read, io);
  const namespaced = readAnnotations(options.namespaceAnnotations ?? []);
  if ('problems' in namespaced) return report(namespaced, io);
  const loaded = await loadSnapshot(options);
  if ('problems' in loaded) return report(loaded, io);
  const input = await readInput(options, io);
  if ('problems' in input) return report(input, io);
  const rewriting = rewriteInput(input, (workload) =>
    judge(workload, namespaceOf(workload, options.namespace), read.labels, loaded.snapshot, namespaced.annotations),
  );
  return writeRewriting(rewriting, options.output, io);
}
