import { withCode } from '../../../injection/policy/reason.ts';
import { createInjector, type Decision, type Injector } from '../../../index.ts';
import type { InjectOptions } from './options.ts';
import { readInput } from '../../manifests/input.ts';
import { readKnownNamespace, type KnownNamespace } from '../../manifests/known-namespace.ts';
import { loadSnapshot } from '../../manifests/snapshot.ts';
import { report, type Io } from '../../io.ts';
import { checkRewriting, writeRewriting } from '../../manifests/output.ts';
import { namespaceOf, passGate } from '../../manifests/gate.ts';
import { ownerOf, rewriteInput, type Verdict, type Workload } from '../../manifests/rewriting.ts';

/** What `inject` decides by, beside the workload. */
interface Judgement extends KnownNamespace {
  readonly injector: Injector;
  readonly fallback: string | undefined;
}

/** Both gates for the pods of a workload; text when the API server would not even ask. */
function decideFor(workload: Workload, judgement: Judgement): Decision | string {
  const namespace = namespaceOf(workload, judgement.fallback);
  const { labels, annotations, injector } = judgement;
  const gate = labels === undefined ? undefined : passGate(workload, namespace, labels);
  if (gate?.called === false) return `the API server would not ask for it: ${gate.reasons.join('; ')}`;
  const { value: pod } = workload.pod;
  return injector.decide({ pod, namespace, workload: ownerOf(workload), namespaceAnnotations: annotations });
}

function judge(workload: Workload, judgement: Judgement): Verdict {
  const decision = decideFor(workload, judgement);
  if (typeof decision === 'string') return { outcome: 'pass', reason: `skipped: ${decision}` };
  const reasons = decision.reasons.map(withCode);
  if (decision.outcome === 'reject') return { outcome: 'refuse', problems: reasons };
  if (decision.outcome === 'skip') return { outcome: 'pass', reason: `skipped: ${reasons.join('; ')}` };
  const notes = decision.warnings.map((text) => `warning: ${text.replace(/^sidecar-injector: /, '')}`);
  return { outcome: 'change', operations: decision.operations, notes };
}

/** Runs `inject` and returns the exit code. With one refused document nothing is written. */
export async function runInject(options: InjectOptions, io: Io): Promise<number> {
  const known = readKnownNamespace(options);
  if ('problems' in known) return report(known, io);
  const loaded = await loadSnapshot(options);
  if ('problems' in loaded) return report(loaded, io);
  const input = await readInput(options, io);
  if ('problems' in input) return report(input, io);
  const judgement: Judgement = {
    injector: createInjector(loaded.snapshot),
    fallback: options.namespace,
    ...known,
  };
  if (options.summary === true) {
    const { summarise } = await import('./summary.ts');
    return summarise(input, (workload) => decideFor(workload, judgement), options, io);
  }
  const rewriting = rewriteInput(input, (workload) => judge(workload, judgement));
  return options.check === true ? checkRewriting(rewriting, io) : writeRewriting(rewriting, options.output, io);
}
