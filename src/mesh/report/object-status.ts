import { isObject, objectMember, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import { controllerName, type Condition, type ParentStatus } from '../plan/gateway-parents.ts';
import { describeFinding } from '../rules/finding.ts';
import { isSecurityKind } from '../rules/rule-kinds.ts';
import type { Progress } from './progress.ts';
import type { Standing, Verdict } from './standing.ts';

/** Type of the condition in the status of Istio's kinds. */
export const conditionType = 'sidecar-injector.io/InForce';

/** A condition that is to be written. */
export type Written = Omit<Condition, 'type'> & { readonly type: string };

const reasons: Readonly<Record<Verdict, string>> = {
  'in-force': 'InForce',
  'without-effect': 'WithoutEffect',
  refused: 'Refused',
  'earlier-in-force': 'EarlierVersionInForce',
};

/** Longest message of a condition in Kubernetes. */
const longest = 32_768;

/** Returns why an object stands as it does, in sentences. */
function explain({ verdict, findings }: Standing): string {
  const said = findings.map(describeFinding).join('; ');
  if (said !== '') return said;
  return verdict === 'without-effect' ? 'nothing that exists is called by it' : '';
}

/**
 * Whether it is too early to say that an object is in force. One that protects pods is not before the last proxy that is connected has it: whoever
 * reads that it is in force relies on it.
 *
 * @param doOthersHold whether the proxies of the other replicas have it
 */
export function isSpreading(
  { ref, verdict }: Standing,
  { proxies, holding }: Progress,
  doOthersHold: boolean,
): boolean {
  return isSecurityKind(ref.kind) && verdict === 'in-force' && (holding < proxies || !doOthersHold);
}

/** Returns what is written about an object. The count is that of one replica of the control plane, which is named. */
export function conditionOf(standing: Standing, progress: Progress, doOthersHold: boolean, replica: string): Written {
  const isToCome = isSpreading(standing, progress, doOthersHold);
  const { verdict, ref } = standing;
  const { proxies, holding } = progress;
  const isUsed = verdict === 'in-force' || verdict === 'earlier-in-force';
  const count = `held by ${holding} of ${proxies} proxies of ${replica}`;
  const why = explain(standing);
  return {
    type: conditionType,
    status: verdict === 'in-force' && !isToCome ? 'True' : 'False',
    reason: isToCome ? 'Spreading' : reasons[verdict],
    message: (isUsed ? [count, ...(why === '' ? [] : [why])].join('; ') : why).slice(0, longest),
    observedGeneration: ref.generation,
  };
}

/** Returns the text by which two reports of replicas are the same, although each counts its own proxies. */
export function textOf(standing: Standing): string {
  const { verdict, ref } = standing;
  return [ref.uid, ref.generation, reasons[verdict], explain(standing)].join('\n');
}

function withTime(condition: Written, before: readonly JsonObject[], now: Date): JsonObject {
  const last = before.find((one) => stringMember(one, 'type') === condition.type);
  const isSame = last !== undefined && stringMember(last, 'status') === condition.status;
  const since = isSame ? stringMember(last, 'lastTransitionTime') : undefined;
  return { ...condition, lastTransitionTime: since ?? `${now.toISOString().slice(0, 19)}Z` };
}

function withoutCount(message: string): string {
  return message.replace(/^held by \d+ of \d+ proxies of [^;]*(; )?/, '');
}

/** Whether an object says of a condition already what would be written. */
function isSaid(condition: Written, before: readonly JsonObject[]): boolean {
  const last = before.find((one) => stringMember(one, 'type') === condition.type);
  if (last === undefined) return false;
  const generation = last['observedGeneration'];
  const isOfSame = Number(generation) === condition.observedGeneration;
  // Another replica has found already that the proxies of all have it.
  if (condition.reason === 'Spreading' && stringMember(last, 'status') === 'True' && isOfSame) return true;
  return (
    stringMember(last, 'status') === condition.status &&
    stringMember(last, 'reason') === condition.reason &&
    withoutCount(stringMember(last, 'message') ?? '') === withoutCount(condition.message) &&
    // Definitions of older versions of the kinds do not keep it.
    (generation === undefined || isOfSame)
  );
}

/** Returns a JSON Patch that sets a member of the status, if the object is still as it was read. */
function patchOf(object: JsonObject, name: string, value: readonly JsonObject[]): readonly JsonObject[] {
  const version = stringMember(objectMember(object, 'metadata'), 'resourceVersion') ?? '';
  const isThere = isObject(object['status']);
  return [
    { op: 'test', path: '/metadata/resourceVersion', value: version },
    isThere ? { op: 'add', path: `/status/${name}`, value } : { op: 'add', path: '/status', value: { [name]: value } },
  ];
}

/** Returns a patch that says a condition in the status of an object of Istio's; undefined if it is said already. */
export function patchCondition(object: JsonObject, condition: Written, now: Date): readonly JsonObject[] | undefined {
  const before = objectsMember(objectMember(object, 'status'), 'conditions');
  if (isSaid(condition, before)) return undefined;
  const others = before.filter((one) => stringMember(one, 'type') !== condition.type);
  return patchOf(object, 'conditions', [...others, withTime(condition, before, now)]);
}

/** Returns a patch that says what has become of a route's parents; entries of other controllers stay. Undefined if all is said. */
export function patchParents(
  object: JsonObject,
  statuses: readonly ParentStatus[],
  now: Date,
): readonly JsonObject[] | undefined {
  const before = objectsMember(objectMember(object, 'status'), 'parents');
  const isOurs = (one: JsonObject): boolean => stringMember(one, 'controllerName') === controllerName;
  const ours = before.filter(isOurs);
  const found = statuses.map(({ parentRef, conditions }) => {
    const reference: JsonObject = JSON.parse(JSON.stringify(parentRef));
    const last = ours.find((one) => isSameParent(objectMember(one, 'parentRef'), reference));
    return { reference, conditions, said: objectsMember(last, 'conditions'), isThere: last !== undefined };
  });
  const isAllSaid = found.every(
    ({ conditions, said, isThere }) =>
      isThere && said.length === conditions.length && conditions.every((one) => isSaid(one, said)),
  );
  if (isAllSaid && ours.length === found.length) return undefined;
  return patchOf(object, 'parents', [
    ...before.filter((one) => !isOurs(one)),
    ...found.map(({ reference, conditions, said }) => ({
      parentRef: reference,
      controllerName,
      conditions: conditions.map((one) => withTime(one, said, now)),
    })),
  ]);
}

function isSameParent(one: JsonObject | undefined, other: JsonObject): boolean {
  return ['group', 'kind', 'namespace', 'name', 'sectionName', 'port'].every((name) => one?.[name] === other[name]);
}
