import { asKnown } from '../../../injection/namespace-facts.ts';
import {
  explainCapture,
  type Added,
  type Decision,
  type Injector,
  type JsonObject,
  type Reason,
  type EntrySelectors,
} from '../../../index.ts';
import { findPreviousInjection } from '../../manifests/previous-injection.ts';
import { passGate } from '../../manifests/webhook-selectors.ts';
import type { KnownNamespace } from '../../manifests/known-namespace.ts';
import { ownerOf, type Workload } from '../../manifests/workload.ts';
import { settingOrigins, type SettingOrigin } from './setting-origins.ts';

/**
 * Result of the webhook selectors, which the API server evaluates. Not evaluated if the namespace's labels are unknown.
 */
export type SelectorsAnswer =
  | { readonly asked: false }
  | { readonly asked: true; readonly called: true; readonly entry: string }
  | { readonly asked: true; readonly called: false; readonly reasons: readonly string[] };

/** Result of the injection policy, the injector's own policy, and what is added because of it. */
export interface DecisionAnswer {
  readonly outcome: 'inject' | 'skip' | 'deny';
  readonly reasons: readonly Reason[];
  readonly warnings: readonly string[];
  readonly added: Added | undefined;
  readonly capture: ReturnType<typeof explainCapture> | undefined;
  /** PodSettings settings of the pod, with the caps applied. Empty if the pod is not injected. */
  readonly settings: readonly SettingOrigin[];
}

/** What happens to the pods of one object, and why. */
export interface Explanation {
  readonly object: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly namespace: string;
  };
  /** JSON Pointer of the pod template in the object, if the object has several. */
  readonly template?: string;
  /** File and line of the object, or `live`. */
  readonly where: string;
  /** Remarks besides selectors and policy, such as the state of a live pod, or that an object does not create pods. */
  readonly notes: readonly string[];
  readonly webhookSelectors: SelectorsAnswer | undefined;
  /** Undefined if the API server would not call the webhook, or if there is no pod. */
  readonly decision: DecisionAnswer | undefined;
}

function decideWith(
  workload: Workload,
  namespace: string,
  context: KnownNamespace & { readonly injector: Injector },
): (pod: JsonObject) => Decision {
  return (pod) => context.injector.decide({ pod, namespace, workload: ownerOf(workload), ...asKnown(context) });
}

function previousNotes(workload: Workload, decide: (pod: JsonObject) => Decision): string[] {
  const previous = findPreviousInjection(workload.pod.value, decide);
  if (previous?.state !== 'known' || previous.outdated === undefined) return [];
  return [`outdated: ${previous.outdated}; inject --refresh renders it anew`];
}

/** Evaluates webhook selectors and injection policy for the pods of a workload. */
export function explainWorkload(
  workload: Workload,
  context: KnownNamespace & {
    readonly injector: Injector;
    readonly namespace: string;
    readonly where: string;
    readonly notes: readonly string[];
    /** Entries of the cluster's registration; the shipped ones if left out. */
    readonly entries?: readonly EntrySelectors[];
  },
): Explanation {
  const { namespace, labels, injector, where, entries } = context;
  const { apiVersion, kind, name } = workload;
  const object = { apiVersion, kind, name, namespace };
  const several = workload.pods.length > 1;
  const template = several ? { template: workload.pod.pointer.slice(workload.pointer.length) } : {};
  const webhookSelectors: SelectorsAnswer =
    labels === undefined ? { asked: false } : { asked: true, ...passGate(workload, namespace, labels, entries) };
  const decide = decideWith(workload, namespace, context);
  const notes = [...context.notes, ...previousNotes(workload, decide)];
  if (webhookSelectors.asked && !webhookSelectors.called) {
    return { object, ...template, where, notes, webhookSelectors, decision: undefined };
  }
  const decided = decide(workload.pod.value);
  const { outcome, reasons, warnings, added, capture } = decided;
  const rows = capture === undefined ? undefined : explainCapture(capture);
  const settings = added?.effective === undefined ? [] : settingOrigins(added.effective, injector.snapshot, context);
  const decision = { outcome, reasons, warnings, added, capture: rows, settings };
  return { object, ...template, where, notes, webhookSelectors, decision };
}
