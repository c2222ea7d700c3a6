import { undo, version, type Decision, type JsonObject, type Operation } from '../../index.ts';
import { injectionLabels } from '../../injection/patch/injection-labels.ts';
import { parseStatus } from '../../injection/patch/status.ts';
import { withCode } from '../../injection/policy/reason.ts';
import { applyToValue } from '../../json/apply.ts';
import { withField } from '../../json/field.ts';
import { isObject, isSame, member, objectMember, type Json } from '../../json/json.ts';
import { escapeToken } from '../../json/operation.ts';
import { findChangedParts } from '../../manifests/changes.ts';
import { statusAnnotation } from '../../pod/conventions.ts';

/** The decision about a pod, or a text if the API server would not call the webhook. */
export type Decide = (pod: JsonObject) => Decision | string;

/** A pod of a manifest that the injector has injected before, beside what it would make of it now. */
export type PreviousInjection =
  | { readonly state: 'unknown'; readonly problems: readonly string[] }
  | {
      readonly state: 'known';
      /** Operations that undo the injection. */
      readonly undo: readonly Operation[];
      /** The decision about the pod without the injection. */
      readonly decision: Decision | string;
      /** What is different now, as a sentence. Undefined if nothing is. */
      readonly outdated: string | undefined;
    };

const mostParts = 4;

/** The pod without what says by which settings and version it was injected. */
function withoutStatus(pod: JsonObject): JsonObject {
  const plain = withField(pod, `/metadata/annotations/${escapeToken(statusAnnotation)}`, null);
  const labels = objectMember(objectMember(plain, 'metadata'), 'labels');
  const told: readonly string[] = Object.values(injectionLabels);
  const others = Object.entries(labels ?? {}).filter(([key]) => !told.includes(key));
  return labels === undefined ? plain : withField(plain, '/metadata/labels', Object.fromEntries(others));
}

function differences(present: JsonObject, fresh: JsonObject): string[] {
  const [left, right] = [withoutStatus(present), withoutStatus(fresh)];
  if (isSame(left, right)) return [];
  const names = findChangedParts(left, right).map(({ kind, name }) => `${kind} ${name}`.trimEnd());
  if (names.length === 0) return ['the order of its parts'];
  return names.length > mostParts ? [...names.slice(0, mostParts), `${names.length - mostParts} more`] : names;
}

function outdatedText(
  status: { readonly settingsHash: string; readonly version: string },
  present: JsonObject,
  fresh: Json,
  decision: Decision | string,
): string | undefined {
  if (typeof decision === 'string') return `was injected, and would not be now: ${decision}`;
  const reasons = decision.reasons.map(withCode).join('; ');
  if (decision.outcome === 'deny') return `was injected, and would be denied now: ${reasons}`;
  if (decision.outcome === 'skip') return `was injected, and would not be now: ${reasons}`;
  const how = [
    ...(status.settingsHash === decision.settingsHash
      ? []
      : [`with other settings (${status.settingsHash} then, ${decision.settingsHash} now; OtherSettings)`]),
    ...(status.version === version ? [] : [`by version ${status.version} (this is ${version})`]),
  ];
  const parts = isObject(fresh) ? differences(present, fresh) : [];
  if (how.length === 0 && parts.length === 0) return undefined;
  const changes = parts.length === 0 ? 'nothing else would change' : `would change: ${parts.join(', ')}`;
  return how.length === 0
    ? `is not as it would be injected now; ${changes}`
    : `was injected ${how.join(' and ')}; ${changes}`;
}

/**
 * Compares a pod that was injected before with what the injector would make of it now: it undoes the injection and
 * decides anew. Undefined for a pod without a status annotation of ours.
 */
export function findPreviousInjection(pod: JsonObject, decide: Decide): PreviousInjection | undefined {
  const text = member(objectMember(objectMember(pod, 'metadata'), 'annotations'), statusAnnotation);
  const status = text === undefined ? undefined : parseStatus(text);
  const undone = undo(pod);
  if (status === undefined || undone === undefined) return undefined;
  const plain = undone.pod;
  if (plain === undefined) return { state: 'unknown', problems: [...undone.problems, ...undone.leftovers] };
  const decision = decide(plain);
  const operations = typeof decision === 'string' ? [] : decision.operations;
  const outdated = outdatedText(status, pod, applyToValue(plain, operations), decision);
  return { state: 'known', undo: undone.operations, decision, outdated };
}
