import { deciderFor } from '../cli/commands/inject/decider.ts';
import { decideRewrite, summaryWords } from '../cli/commands/inject/rewrite-decision.ts';
import { explainWorkload, type Explanation } from '../cli/commands/explain/explanation.ts';
import { readLabels } from '../cli/manifests/known-namespace.ts';
import { namespaceOf } from '../cli/manifests/webhook-selectors.ts';
import { rewriteInput } from '../cli/manifests/rewriting.ts';
import { describeWorkload, findWorkloads, ownerOf, type Workload } from '../cli/manifests/workload.ts';
import type { CaptureRow } from '../capture/words.ts';
import { createInjector } from '../index.ts';
import { asKnown } from '../injection/namespace-facts.ts';
import { markLines, type MarkedLine } from './marked-lines.ts';
import { findTooLong, type Question } from './question.ts';
import { readSnapshot } from './settings-text.ts';
import { findTraffic, type Traffic } from './traffic.ts';

/** What becomes of the pods of one object. */
export interface Verdict {
  /** Kind and name of the object. */
  readonly title: string;
  /** Line of the manifest. */
  readonly where: string;
  /** `none`: the object makes no pods, as far as is known. */
  readonly outcome: 'inject' | 'skip' | 'deny' | 'none';
  readonly reasons: readonly { readonly code: string; readonly message: string }[];
  readonly warnings: readonly string[];
  /** What is captured and why, in words; empty if nothing is. */
  readonly capture: readonly CaptureRow[];
  /** Who talks to whom; undefined for a pod that is not injected. */
  readonly traffic: Traffic | undefined;
  /** Settings of the pod that are not the built-in ones. */
  readonly settings: readonly { readonly name: string; readonly value: string; readonly from: string }[];
}

/** The answer to a question. Without a result, `problems` says why. */
export interface Answer {
  /** What keeps the question, or a part of it, from being answered. */
  readonly problems: readonly string[];
  /** Warnings and notes that the command line would tell beside the result. */
  readonly remarks: readonly string[];
  readonly verdicts: readonly Verdict[];
  /** The manifest as `sidecar-injector inject` writes it; undefined if it cannot be read. */
  readonly result: string | undefined;
  readonly lines: readonly MarkedLine[];
}

function refusal(problems: readonly string[]): Answer {
  return { problems, remarks: [], verdicts: [], result: undefined, lines: [] };
}

function reasonsOf({ decision, webhookSelectors }: Explanation): Verdict['reasons'] {
  if (decision !== undefined) return decision.reasons;
  const why = webhookSelectors?.asked === true && !webhookSelectors.called ? webhookSelectors.reasons : [];
  return why.map((reason) => ({ code: 'NotAsked', message: `the API server does not ask for this pod: ${reason}` }));
}

/**
 * Answers a question with the same functions as the command line: `result` has the bytes that `inject` writes, and the
 * verdicts say what `explain` says.
 */
export function answer(question: Question): Answer {
  const tooLong = findTooLong(question);
  if (tooLong.length > 0) return refusal(tooLong);
  const read = readLabels(question.namespaceLabels, 'labels of the namespace');
  if ('problems' in read) return refusal(read.problems);
  const built = readSnapshot(question.settings);
  if ('problems' in built) return refusal(built.problems);
  const injector = createInjector(built.snapshot);
  const fallback = question.namespace === '' ? undefined : question.namespace;
  const known = { labels: read.labels, annotations: {} };
  const input = { sources: [{ name: 'manifest', text: question.manifest }], paths: new Map(), unread: [] };

  const verdictOf = (workload: Workload, where: string): Verdict => {
    const namespace = namespaceOf(workload, fallback);
    const explanation = explainWorkload(workload, { ...known, injector, namespace, where, notes: [] });
    const { decision } = explanation;
    const traffic =
      decision?.outcome === 'inject'
        ? findTraffic(
            injector.decide({ pod: workload.pod.value, namespace, workload: ownerOf(workload), ...asKnown(known) }),
            workload.pod.value,
          )
        : undefined;
    return {
      title: describeWorkload(workload),
      where,
      outcome: decision?.outcome ?? 'skip',
      reasons: reasonsOf(explanation),
      warnings: [...(decision?.warnings ?? []), ...explanation.notes],
      capture: decision?.capture ?? [],
      traffic,
      settings: (decision?.settings ?? [])
        .filter(({ from }) => from !== 'default')
        .map(({ name, value, from }) => ({ name, value: JSON.stringify(value), from })),
    };
  };

  const { objects } = findWorkloads(input);
  const verdicts = objects.flatMap(({ object, workloads, where }): Verdict[] => {
    if (workloads.length > 0) return workloads.map((workload) => verdictOf(workload, where));
    const reasons = [{ code: 'NoPods', message: object.without?.reason ?? '' }];
    const title = `${object.kind}/${object.name}`;
    return [{ title, where, outcome: 'none', reasons, warnings: [], capture: [], traffic: undefined, settings: [] }];
  });
  const rewriting = rewriteInput(input, summaryWords({}), (workload) =>
    decideRewrite(workload, deciderFor(workload, { injector, fallback, ...known }), {}),
  );
  const documents = rewriting.sources.flatMap((source) => source.documents);
  const told = [...rewriting.telling.said.values()];
  return {
    problems: [...rewriting.unread, ...rewriting.problems],
    remarks: told.filter(({ always }) => always).map(({ text }) => text),
    verdicts,
    result: rewriting.sources.length === 0 ? undefined : documents.map(({ after }) => after).join(''),
    lines: markLines(documents),
  };
}
