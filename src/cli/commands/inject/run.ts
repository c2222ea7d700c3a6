import { createInjector } from '../../../index.ts';
import { deciderFor, type DecisionContext } from './decider.ts';
import type { InjectOptions } from './options.ts';
import { readInput } from '../../manifests/input.ts';
import { readKnownNamespace } from '../../manifests/known-namespace.ts';
import { loadSnapshot } from '../../manifests/snapshot.ts';
import { report, type Io } from '../../io.ts';
import { checkRewriting, writeRewriting } from '../../manifests/output.ts';
import type { Decide } from '../../manifests/previous-injection.ts';
import type { Workload } from '../../manifests/workload.ts';
import { rewriteInput } from '../../manifests/rewriting.ts';
import { decideRewrite, summaryWords } from './rewrite-decision.ts';

/** Runs `inject` and returns the exit code. If one pod is denied, nothing is written. */
export async function runInject(options: InjectOptions, io: Io): Promise<number> {
  const known = readKnownNamespace(options);
  if ('problems' in known) return report(known, io);
  const loaded = await loadSnapshot(options);
  if ('problems' in loaded) return report(loaded, io);
  const input = await readInput(options, io);
  if ('problems' in input) return report(input, io);
  const context: DecisionContext = {
    injector: createInjector(loaded.snapshot),
    fallback: options.namespace,
    ...known,
  };
  const decider = (workload: Workload): Decide => deciderFor(workload, context);
  if (options.summary === true) {
    const { summarise } = await import('./summary.ts');
    return summarise(input, decider, options, io);
  }
  const rewriting = rewriteInput(input, summaryWords(options), (workload) =>
    decideRewrite(workload, decider(workload), options),
  );
  return options.check === true
    ? checkRewriting(rewriting, options, io)
    : writeRewriting(rewriting, options.output, options, io);
}
