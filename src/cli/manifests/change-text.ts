import { pointerTokens } from '../../json/pointer.ts';
import { applyToValue } from '../../json/apply.ts';
import { findChangedParts, itemsByKey, type Change, type ChangedPart } from '../../manifests/changes.ts';
import { isObject, type Json, type JsonObject } from '../../json/json.ts';
import { describeObject, type ObjectPatch } from './rewriting.ts';

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

function partLines({ kind, name, what, changes }: ChangedPart): string[] {
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

function podOf(object: JsonObject, path: readonly string[]): JsonObject {
  let at: Json | undefined = object;
  for (const token of path) at = isObject(at) ? at[token] : undefined;
  return isObject(at) ? at : {};
}

/** Lines that describe the changes of one object by part and field. None if nothing changes. */
export function changeLines({ object, operations }: ObjectPatch): string[] {
  if (object.pod === undefined || operations.length === 0) return [];
  const path = pointerTokens(object.pod.pointer.slice(object.pointer.length));
  const after = applyToValue(object.object, operations) as JsonObject;
  const parts = findChangedParts(podOf(object.object, path), podOf(after, path));
  const where = object.namespace === undefined ? '' : `, namespace ${object.namespace}`;
  return [`${describeObject(object)}${where}`, ...parts.flatMap(partLines)];
}
