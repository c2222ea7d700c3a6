import { fieldAt } from '../../json/field.ts';
import { applyToValue } from '../../json/apply.ts';
import { findChangedParts, itemsByKey, type Change, type ChangedPart } from '../../manifests/changes.ts';
import { isObject, type Json, type JsonObject } from '../../json/json.ts';
import type { WorkloadPatch } from './rewriting.ts';
import { describeWorkload } from './workload.ts';

const longestValue = 96;

/** Formats a value on one line. A long value is cut, and its length is given. */
function valueText(value: Json): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const line = text.replaceAll(/[^\S\uFEFF]+/g, ' ');
  return line.length <= longestValue ? line : `${line.slice(0, longestValue)}… (${text.length} characters)`;
}

/** Every scalar and empty value inside, with its path. */
function fields(path: string, value: Json): [string, Json][] {
  if (Array.isArray(value)) {
    const items = itemsByKey(path.split('.').at(-1) ?? '', value as readonly Json[]);
    return items?.flatMap(([key, item]) => fields(`${path}[${key}]`, item)) ?? [[path, value]];
  }
  if (!isObject(value) || Object.keys(value).length === 0) return [[path, value]];
  return Object.entries(value).flatMap(([name, item]) => (item === undefined ? [] : fields(`${path}.${name}`, item)));
}

function fieldLines(change: Change, whole: boolean): string[] {
  const added = whole ? ' ' : '+';
  switch (change.what) {
    case 'added':
      return fields(change.path, change.after).map(
        ([path, value]) => `${added} ${path.replace(/^\./, '')}: ${valueText(value)}`,
      );
    case 'removed':
      return fields(change.path, change.before).map(
        ([path, value]) => `- ${path.replace(/^\./, '')}: ${valueText(value)}`,
      );
    case 'changed':
      return [`~ ${change.path}: ${valueText(change.before)} -> ${valueText(change.after)}`];
  }
}

const marks = { added: '+', removed: '-', changed: '~' } as const;

/** Lines that describe the changes of one part: a container, a volume, a label. */
export function partLines({ kind, name, what, changes }: ChangedPart): string[] {
  const [only] = changes;
  // A label or annotation is a single value, which fits on this line.
  if (only?.path === '') {
    const value = only.what === 'removed' ? only.before : only.after;
    const shown = only.what === 'changed' ? `${valueText(only.before)} -> ${valueText(value)}` : valueText(value);
    return [`  ${marks[what]} ${kind} ${name}: ${shown}`];
  }
  const lines = changes.flatMap((change) => fieldLines(change, what === 'added'));
  return [`  ${marks[what]} ${`${kind} ${name}`.trimEnd()}`, ...lines.map((line) => `      ${line}`)];
}

function objectAt(root: JsonObject, pointer: string): JsonObject {
  const value = fieldAt(root, pointer);
  return isObject(value) ? value : {};
}

/** Lines that describe the changes of one pod or pod template by part and field. None if nothing changes. */
export function changeLines({ workload, operations }: WorkloadPatch): string[] {
  if (operations.length === 0) return [];
  const pointer = workload.pod.pointer.slice(workload.pointer.length);
  const after = applyToValue(workload.object, operations) as JsonObject;
  const parts = findChangedParts(objectAt(workload.object, pointer), objectAt(after, pointer));
  const where = workload.namespace === undefined ? '' : `, namespace ${workload.namespace}`;
  return [`${describeWorkload(workload)}${where}`, ...parts.flatMap(partLines)];
}
