import type { Json, JsonObject } from '../json/json.ts';
import { isObject, member, objectMember, stringMember } from '../json/json.ts';
import { escapeToken, type Operation } from '../json/operation.ts';
import { describeProblem } from '../grammar/problem.ts';
import { readManifests, type Manifest } from '../manifests/manifest.ts';
import { rewriteManifest } from '../manifests/rewrite.ts';
import { findObjects } from '../manifests/workloads.ts';
import { createValuePrinter } from '../yaml/value-printer.ts';
import { apiVersion } from '../settings/schema/object.ts';

/** A change of one key in the text of the manifest or of the settings. */
export type Edit =
  | {
      readonly of: 'pods';
      readonly list: 'annotations' | 'labels';
      readonly name: string;
      /** Undefined removes the key. */
      readonly value: string | undefined;
    }
  | {
      readonly of: 'settings';
      /** Path below `spec`, such as `proxy.logLevel`. */
      readonly path: string;
      /** Undefined removes the key. A text stays text; anything else is read as YAML. */
      readonly value: { readonly text: string; readonly isText: boolean } | undefined;
    };

/** The text after the change, or what keeps it from being changed. */
export type Edited = { readonly text: string } | { readonly problems: readonly string[] };

/** Returns the operations that set or remove the value at `keys` below the object `root`, which is at `pointer`. */
function operationsAt(
  root: JsonObject,
  pointer: string,
  keys: readonly string[],
  value: Json | undefined,
): Operation[] {
  const [key, ...rest] = keys;
  if (key === undefined) return [];
  const path = `${pointer}/${escapeToken(key)}`;
  const present = member(root, key);
  if (value === undefined) {
    if (present === undefined) return [];
    if (rest.length === 0) return [{ op: 'remove', path }];
    return isObject(present) ? operationsAt(present, path, rest, undefined) : [];
  }
  if (rest.length > 0 && isObject(present)) return operationsAt(present, path, rest, value);
  const whole = rest.reduceRight<Json>((inner, name) => ({ [name]: inner }), value);
  return [{ op: present === undefined ? 'add' : 'replace', path, value: whole }];
}

/** Rewrites every document of a text; what does not change keeps its bytes. */
function rewriteDocuments(name: string, text: string, change: (value: Json) => readonly Operation[]): Edited {
  const manifests: Manifest[] = [];
  const problems: string[] = [];
  for (const manifest of readManifests({ name, text })) {
    if ('message' in manifest) problems.push(describeProblem(manifest));
    else manifests.push(manifest);
  }
  if (problems.length > 0) return { problems };
  const printer = createValuePrinter();
  const texts = manifests.map((manifest) => {
    const operations = manifest.content.format === 'empty' ? [] : change(manifest.content.value);
    return operations.length === 0 ? manifest.text : rewriteManifest(manifest, operations, printer).text;
  });
  return { text: texts.join('') };
}

function isSettings(value: Json): value is JsonObject {
  return isObject(value) && stringMember(value, 'kind') === 'InjectorConfiguration';
}

const emptySettings = `apiVersion: ${apiVersion}\nkind: InjectorConfiguration\nspec: {}\n`;

function readValue({ text, isText }: { readonly text: string; readonly isText: boolean }): { value: Json } | Edited {
  if (isText) return { value: text };
  const [manifest] = readManifests({ name: 'value', text });
  if (manifest === undefined || 'message' in manifest) {
    return { problems: [manifest === undefined ? 'value: is missing' : describeProblem(manifest)] };
  }
  return { value: manifest.content.format === 'empty' ? null : manifest.content.value };
}

function editSettings(text: string, { path, value }: Extract<Edit, { of: 'settings' }>): Edited {
  const keys = ['spec', ...path.split('.')];
  const read = value === undefined ? { value: undefined } : readValue(value);
  if (!('value' in read)) return read;
  let isThere = false;
  const edited = rewriteDocuments('settings', text, (document) => {
    if (isThere || !isSettings(document)) return [];
    isThere = true;
    return operationsAt(document, '', keys, read.value);
  });
  if (isThere || 'problems' in edited || value === undefined) return edited;
  const others = text.trim() === '' ? '' : `---\n${text}`;
  return editSettings(`${emptySettings}${others}`, { of: 'settings', path, value });
}

/** Sets or removes one key in every pod of a manifest, or in the settings. What the change does not touch keeps its bytes. */
export function editText(text: string, edit: Edit): Edited {
  if (edit.of === 'settings') return editSettings(text, edit);
  let count = 0;
  const edited = rewriteDocuments('manifest', text, (document) =>
    findObjects(document).flatMap(({ pods }) =>
      pods.flatMap(({ pointer, value }) => {
        count++;
        return operationsAt(value, pointer, ['metadata', edit.list, edit.name], edit.value);
      }),
    ),
  );
  if ('problems' in edited || count > 0) return edited;
  return { problems: ['the manifest: has no pod whose annotations or labels could be set; write one first'] };
}

/** One annotation or label of the manifest's pods, or one of the settings that are written. */
export interface SetKey {
  readonly kind: 'annotation' | 'label' | 'setting';
  readonly name: string;
  readonly value: string;
}

function leaves(value: Json, path: string): SetKey[] {
  if (isObject(value) && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([key, inner = null]) => leaves(inner, path === '' ? key : `${path}.${key}`));
  }
  return path === ''
    ? []
    : [{ kind: 'setting', name: path, value: typeof value === 'string' ? value : JSON.stringify(value) }];
}

/** Lists what is set in the pods of the manifest and in the settings. Texts that cannot be read have nothing. */
export function listSetKeys(manifestText: string, settingsText: string): SetKey[] {
  const valuesOf = (text: string): Json[] =>
    [...readManifests({ name: '', text })].flatMap((one) =>
      'message' in one || one.content.format === 'empty' ? [] : [one.content.value],
    );
  const pods = valuesOf(manifestText).flatMap((value) => findObjects(value).flatMap((object) => object.pods));
  const ofPods = pods.flatMap(({ value }) =>
    (['annotations', 'labels'] as const).flatMap((list) =>
      Object.entries(objectMember(objectMember(value, 'metadata'), list) ?? {}).map(([name, text]): SetKey => ({
        kind: list === 'labels' ? 'label' : 'annotation',
        name,
        value: typeof text === 'string' ? text : JSON.stringify(text),
      })),
    ),
  );
  const unique = [...new Map(ofPods.map((key) => [`${key.kind} ${key.name} ${key.value}`, key])).values()];
  return [
    ...unique,
    ...valuesOf(settingsText)
      .filter(isSettings)
      .flatMap((value) => leaves(objectMember(value, 'spec') ?? {}, '')),
  ];
}
