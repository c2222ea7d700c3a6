import { undo, type Injector } from '../../../index.ts';
import { asKnown } from '../../../injection/namespace-facts.ts';
import { injectionLabels } from '../../../injection/patch/injection-labels.ts';
import { parseStatus } from '../../../injection/patch/status.ts';
import { withCode } from '../../../injection/policy/reason.ts';
import type { PodNamespace } from '../../../injection/standing.ts';
import { applyToValue } from '../../../json/apply.ts';
import { isObject, member, objectMember, objectsMember, stringMember, type JsonObject } from '../../../json/json.ts';
import { statusAnnotation } from '../../../pod/conventions.ts';
import { viewPod } from '../../../pod/view.ts';
import { stableVariant } from '../../../settings/schema/variant.ts';
import { covers } from './covers.ts';

/** What an injected pod is on, beside what a new one like it would get. */
export interface PodState {
  readonly version: string;
  readonly settingsHash: string;
  /** The variant that its label tells. */
  readonly variant: string;
  /** The variant that a new one would get. Undefined if it would not get a sidecar. */
  readonly wanted: string | undefined;
  /**
   * `current`: a new one would get the same, maybe by other settings. `outdated`: it would get something else. Else why it
   * must not be created anew.
   */
  readonly standing: 'current' | 'outdated' | { readonly keptBecause: string };
}

/** Whether the pod has the injected parts that the status names as a new one would get them. */
function isAsNew(pod: JsonObject, fresh: JsonObject, names: ReadonlySet<string>): boolean {
  const lists = ['initContainers', 'containers', 'volumes'] as const;
  const injected = (object: JsonObject, list: string): readonly JsonObject[] =>
    objectsMember(objectMember(object, 'spec'), list).filter((one) => names.has(stringMember(one, 'name') ?? ''));
  return lists.every((list) => {
    const [stored, wanted] = [injected(pod, list), injected(fresh, list)];
    return stored.length === wanted.length && covers(stored, wanted);
  });
}

/**
 * Compares an injected pod of a cluster with what the injector would make of it now: it undoes the injection and decides
 * anew. Undefined for a pod without a sidecar of ours.
 */
export function stateOf(pod: JsonObject, namespace: PodNamespace, injector: Injector): PodState | undefined {
  const view = viewPod(pod);
  const text = member(view.annotations, statusAnnotation);
  const status = text === undefined ? undefined : parseStatus(text);
  const undone = undo(pod);
  if (status === undefined || undone === undefined) return undefined;
  const { version, settingsHash } = status;
  const variant = stringMember(view.labels, injectionLabels.variant) ?? stableVariant;
  const facts = { version, settingsHash, variant };
  if (undone.problems.length + undone.leftovers.length > 0) {
    const keptBecause = `what was injected cannot be told: ${[...undone.problems, ...undone.leftovers].join('; ')}`;
    return { ...facts, wanted: undefined, standing: { keptBecause } };
  }
  const plain = applyToValue(pod, undone.operations) as JsonObject;
  const decision = injector.decide({ pod: plain, namespace: namespace.name, ...asKnown(namespace) });
  const { outcome, added, reasons, operations } = decision;
  if (outcome !== 'inject' || added === undefined) {
    const what = outcome === 'deny' ? 'would be denied' : 'would not be injected';
    return { ...facts, wanted: undefined, standing: { keptBecause: `${what}: ${withCode(reasons[0])}` } };
  }
  const fresh = applyToValue(plain, operations);
  const now = [...added.initContainers, ...added.containers, ...added.volumes].map(({ name }) => name);
  const names = new Set([...status.initContainers, ...status.containers, ...status.volumes, ...now]);
  return {
    ...facts,
    wanted: added.effective?.variant ?? stableVariant,
    standing: isObject(fresh) && isAsNew(pod, fresh, names) ? 'current' : 'outdated',
  };
}
