import { asKnown, type PodNamespace } from '../../../injection/namespace-facts.ts';
import { createInjector, selectEntry, type Injector, type JsonObject, type EntrySelectors } from '../../../index.ts';
import { withCode, type Reason } from '../../../injection/policy/reason.ts';
import { applyToValue } from '../../../json/apply.ts';
import type { ApiClient } from '../../../kubernetes/client.ts';
import { findChangedParts } from '../../../manifests/changes.ts';
import { partLines } from '../../manifests/change-text.ts';
import type { Workload } from '../../manifests/workload.ts';
import { askCluster, askClusterAlone, type Answer } from './answer.ts';
import { newPodOf } from './new-pod.ts';

/** What is known here of the cluster's injector, and the namespace. */
export interface Expectation {
  readonly injector: Injector;
  readonly entries: readonly EntrySelectors[];
  readonly namespace: PodNamespace;
}

/** Whether webhook and settings agree about one workload. */
export interface Comparison {
  readonly isSame: boolean;
  /** What both do, or the differences: from what the settings say to what the webhook does. */
  readonly lines: readonly string[];
}

/** What the settings say of the pod, as the API server would then store it. */
async function expectedOf(
  client: ApiClient,
  pod: JsonObject,
  { injector, entries, namespace }: Expectation,
): Promise<{ readonly answer: Answer; readonly what: string; readonly denial?: Reason }> {
  const { name, labels, annotations } = namespace;
  const selected = selectEntry({ ...labels, 'kubernetes.io/metadata.name': name }, pod, entries);
  if (!selected.called) {
    return { answer: await askClusterAlone(client, name, pod), what: 'not injected: nothing selects it' };
  }
  // Of its own, because the pods of one workload are alike, and remembered decisions belong to one namespace.
  const decision = createInjector(injector.snapshot).decide({
    pod,
    namespace: name,
    ...asKnown({ labels, annotations }),
  });
  const [first] = decision.reasons;
  if (decision.outcome === 'deny') {
    return { answer: { refusal: withCode(first) }, what: `denied: ${withCode(first)}`, denial: first };
  }
  const changed = applyToValue(pod, decision.operations) as JsonObject;
  const what = decision.outcome === 'inject' ? 'injected' : `not injected: ${withCode(first)}`;
  return { answer: await askClusterAlone(client, name, changed), what };
}

/** Compares what the webhook does to the pods of a workload with what the settings say. Rejects with an `ApiError`. */
export async function compare(client: ApiClient, workload: Workload, expectation: Expectation): Promise<Comparison> {
  const pod = newPodOf(workload, expectation.namespace.name);
  const expected = await expectedOf(client, pod, expectation);
  const live = await askCluster(client, expectation.namespace.name, pod);
  if ('refusal' in live) {
    const isSame =
      expected.denial === undefined ? 'refusal' in expected.answer : live.refusal.includes(expected.denial.code);
    return {
      isSame,
      lines: isSame ? [`refused: ${live.refusal}`] : [`here: ${expected.what}`, `the cluster: ${live.refusal}`],
    };
  }
  if ('refusal' in expected.answer) {
    return { isSame: false, lines: [`here: ${expected.answer.refusal}`, 'the cluster: the pod is created'] };
  }
  const parts = findChangedParts(expected.answer.pod, live.pod);
  return parts.length === 0
    ? { isSame: true, lines: [expected.what] }
    : { isSame: false, lines: parts.flatMap(partLines).map((line) => line.replace(/^ {2}/, '')) };
}
