import { asKnown } from '../../../injection/namespace-facts.ts';
import { createInjector, type Injector, type JsonObject } from '../../../index.ts';
import type { InjectOptions } from './options.ts';
import { readInput } from '../../manifests/input.ts';
import { readKnownNamespace, type KnownNamespace } from '../../manifests/known-namespace.ts';
import { loadSnapshot } from '../../manifests/snapshot.ts';
import { report, type Io } from '../../io.ts';
import { checkRewriting, writeRewriting } from '../../manifests/output.ts';
import type { Decide } from '../../manifests/previous-injection.ts';
import { namespaceOf, passGate } from '../../manifests/webhook-selectors.ts';
import { ownerOf, type Workload } from '../../manifests/workload.ts';
import { rewriteInput } from '../../manifests/rewriting.ts';
import { decideRewrite, summaryWords } from './rewrite-decision.ts';

/** What decisions depend on besides the workload. */
interface DecisionContext extends KnownNamespace {
  readonly injector: Injector;
  /** Namespace of objects that do not name one. */
  readonly fallback: string | undefined;
}

/** Returns how webhook selectors and injection policy decide about the pod of this workload, in any state. */
function deciderFor(workload: Workload, context: DecisionContext): Decide {
  const namespace = namespaceOf(workload, context.fallback);
  const { labels, injector } = context;
  return (pod: JsonObject) => {
    const asked = { ...workload, pod: { ...workload.pod, value: pod } };
    const gate = labels === undefined ? undefined : passGate(asked, namespace, labels);
    if (gate?.called === false) return `the API server would not ask for it: ${gate.reasons.join('; ')}`;
    return injector.decide({ pod, namespace, workload: ownerOf(workload), ...asKnown(context) });
  };
}

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
