import { applyShared } from '../json/apply.ts';
import { isObject, objectMember, objectsMember, stringMember, type JsonObject } from '../json/json.ts';
import { stableVariant } from '../settings/schema/variant.ts';
import { covers } from './covers.ts';
import { hashInputs } from './inputs.ts';
import type { Injector } from './injector.ts';
import { asKnown, type PodNamespace } from './namespace-facts.ts';
import type { InjectionStatus } from './patch/status.ts';
import { undo } from './patch/undo.ts';
import { withCode, type Reasons } from './policy/reason.ts';
import { selectEntry, type EntrySelectors } from './policy/registration.ts';

/** What would become of an injected pod if it were created anew. */
export type Renewal =
  /** It would get the same parts, maybe by other settings or another version; or others. */
  | {
      readonly as: 'current' | 'outdated';
      /** Variant of the built-in sidecar that it would get. */
      readonly variant: string;
    }
  /** It would be refused, so that it would be gone. */
  | { readonly as: 'denied'; readonly reasons: Reasons }
  /** It would come without a sidecar, or what it has cannot be compared. */
  | { readonly as: 'uninjected' | 'unknown'; readonly because: string };

/** Returns the pod before its injection, or why there is none: anybody may have written the record. */
function undone(pod: JsonObject): JsonObject | string {
  const made = undo(pod);
  if (made?.pod !== undefined) return made.pod;
  const problems = made === undefined ? ['it has no record'] : [...made.problems, ...made.leftovers];
  return `what was injected cannot be told: ${problems.join('; ')}`;
}

/**
 * Whether the pod has the injected parts of these names as a new one would get them.
 *
 * @param decisive what of a part has to be the same
 */
function isAsNew(
  pod: JsonObject,
  fresh: JsonObject,
  names: ReadonlySet<string>,
  decisive: (part: JsonObject) => JsonObject,
): boolean {
  const lists = ['initContainers', 'containers', 'volumes'] as const;
  const injected = (object: JsonObject, list: string): readonly JsonObject[] =>
    objectsMember(objectMember(object, 'spec'), list).filter((one) => names.has(stringMember(one, 'name') ?? ''));
  return lists.every((list) => {
    const [stored, wanted] = [injected(pod, list), injected(fresh, list)];
    return stored.length === wanted.length && covers(stored, wanted.map(decisive));
  });
}

const whole = (part: JsonObject): JsonObject => part;
const itsName = (part: JsonObject): JsonObject => ({ name: stringMember(part, 'name') ?? '' });

/**
 * Undoes the injection of a stored pod, decides anew and compares. Hashes of settings and versions say nothing about this: one
 * changes with settings that do not concern the pod, and neither with the labels and annotations of its namespace. But if nothing at
 * all that decides has changed, others have changed the parts: webhooks that rewrite images or resources do so with every
 * new pod as well.
 *
 * @param status of the pod
 * @param entries of the registration in force
 */
export function renewalOf(
  pod: JsonObject,
  status: InjectionStatus,
  namespace: PodNamespace,
  entries: readonly EntrySelectors[],
  injector: Injector,
): Renewal {
  const plain = undone(pod);
  if (typeof plain === 'string') return { as: 'unknown', because: plain };
  const asked = selectEntry({ ...namespace.labels, 'kubernetes.io/metadata.name': namespace.name }, plain, entries);
  if (!asked.called) {
    const why = asked.reasons[0] ?? 'no webhook is registered';
    return { as: 'uninjected', because: `a new pod would not be injected: ${why}` };
  }
  const request = { pod: plain, namespace: namespace.name, ...asKnown(namespace) };
  const { outcome, added, reasons, operations } = injector.decide(request);
  if (outcome === 'deny') return { as: 'denied', reasons };
  if (outcome !== 'inject' || added === undefined) {
    return { as: 'uninjected', because: `a new pod would not be injected: ${withCode(reasons[0])}` };
  }
  const fresh = applyShared(plain, operations);
  const now = [...added.initContainers, ...added.containers, ...added.volumes].map(({ name }) => name);
  const names = new Set([...status.initContainers, ...status.containers, ...status.volumes, ...now]);
  const isByOthers = status.inputs === hashInputs(request, injector.snapshot);
  const isCurrent = isObject(fresh) && isAsNew(pod, fresh, names, isByOthers ? itsName : whole);
  return {
    as: isCurrent ? 'current' : 'outdated',
    variant: added.effective?.variant ?? stableVariant,
  };
}
