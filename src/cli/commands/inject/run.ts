import { withCode } from '../../../injection/policy/reason.ts';
import { createInjector, type Decision, type Injector } from '../../../index.ts';
import type { InjectOptions } from './options.ts';
import { readInput } from '../../manifests/input.ts';
import { readKnownNamespace, type KnownNamespace } from '../../manifests/known-namespace.ts';
import { loadSnapshot } from '../../manifests/snapshot.ts';
import { report, type Io } from '../../io.ts';
import { checkRewriting, writeRewriting } from '../../manifests/output.ts';
import { namespaceOf, passGate } from '../../manifests/webhook-selectors.ts';
import { ownerOf, rewriteInput, type RewriteDecision, type Workload } from '../../manifests/rewriting.ts';

/** What decisions depend on besides the workload. */
interface DecisionContext extends KnownNamespace {
  readonly injector: Injector;
  /** Namespace of objects that do not name one. */
  readonly fallback: string | undefined;
}

/** Evaluates webhook selectors and injection policy for the pods of a workload. Returns a text if the API server would not call the webhook. */
function decideFor(workload: Workload, context: DecisionContext): Decision | string {
  const namespace = namespaceOf(workload, context.fallback);
  const { labels, annotations, injector } = context;
  const gate = labels === undefined ? undefined : passGate(workload, namespace, labels);
  if (gate?.called === false) return `the API server would not ask for it: ${gate.reasons.join('; ')}`;
  const { value: pod } = workload.pod;
  return injector.decide({ pod, namespace, workload: ownerOf(workload), namespaceAnnotations: annotations });
}

function decideRewrite(workload: Workload, context: DecisionContext): RewriteDecision {
  const decision = decideFor(workload, context);
  if (typeof decision === 'string') return { outcome: 'skip', reason: `skipped: ${decision}` };
  const reasons = decision.reasons.map(withCode);
  if (decision.outcome === 'deny') return { outcome: 'deny', problems: reasons };
  if (decision.outcome === 'skip') return { outcome: 'skip', reason: `skipped: ${reasons.join('; ')}` };
  const notes = decision.warnings.map((text) => `warning: ${text.replace(/^sidecar-injector: /, '')}`);
  return { outcome: 'change', operations: decision.operations, notes };
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
  if (options.summary === true) {
    const { summarise } = await import('./summary.ts');
    return summarise(input, (workload) => decideFor(workload, context), options, io);
  }
  const rewriting = rewriteInput(input, (workload) => decideRewrite(workload, context));
  return options.check === true ? checkRewriting(rewriting, io) : writeRewriting(rewriting, options.output, io);
}
