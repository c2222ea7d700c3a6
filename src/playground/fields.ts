import * as z from 'zod';
import { annotationSubjects } from '../settings/annotation-table.ts';
import { injectorConfiguration } from '../settings/schema/configuration.ts';

/** Something that the form can set, with what its help says. */
export interface Field {
  /** Key of an annotation or label, or path of a setting. */
  readonly name: string;
  readonly kind: 'annotation' | 'label' | 'setting';
  /** Heading under which the documentation has it. */
  readonly subject: string;
  /** What it does, or why it does nothing. */
  readonly doc: string;
  /** The allowed values in words. */
  readonly allowed: string;
  readonly defaultText: string;
  /** Values to complete, if there are only some. */
  readonly values: readonly string[];
}

/** Single words between commas are all that is allowed: a list such as `true, false`. */
function valuesIn(allowed: string): string[] {
  const words = allowed.split(', ');
  return words.length > 1 && words.every((word) => /^[\w*-]+$/.test(word)) ? words : [];
}

/** Every annotation and label that a pod may set, in the order of the documentation. */
function podFields(): Field[] {
  return annotationSubjects.flatMap(({ title, rows }) =>
    rows.flatMap(({ name, kind, doc, allowed, defaultText, support }): Field[] => {
      if (kind === 'namespace label') return [];
      const effect = support === 'supported' ? doc : `${support === 'denied' ? 'Denied' : 'No effect here'}: ${doc}`;
      return [{ name, kind, subject: title, doc: effect, allowed, defaultText, values: valuesIn(allowed) }];
    }),
  );
}

/** A field of a schema, as JSON Schema has it. */
interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

function allowedIn({ type, enum: values, anyOf, minimum, maximum }: Schema): string {
  if (values !== undefined) return values.map(String).join(', ');
  if (anyOf !== undefined) return [...new Set(anyOf.map(allowedIn))].join(' or ');
  if (type === 'boolean') return 'true, false';
  const from = minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER ? '' : ` from ${minimum}`;
  const to = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? '' : ` to ${maximum}`;
  const words: Readonly<Record<string, string>> = {
    array: 'a list',
    object: 'a map',
    string: 'a text',
    integer: 'an integer',
    number: 'a number',
  };
  return `${words[type ?? ''] ?? 'a value'}${from}${to}`;
}

function fieldsBelow(schema: Schema, path: string): Field[] {
  const { properties, description = '' } = schema;
  if (properties !== undefined && Object.keys(properties).length > 0) {
    return Object.entries(properties).flatMap(([key, inner]) =>
      fieldsBelow(inner, path === '' ? key : `${path}.${key}`),
    );
  }
  const allowed = allowedIn(schema);
  const defaultText = schema.default === undefined ? 'none' : JSON.stringify(schema.default);
  const subject = path.split('.')[0] ?? '';
  return [{ name: path, kind: 'setting', subject, doc: description, allowed, defaultText, values: valuesIn(allowed) }];
}

/** What annotations say that take the place of a setting, by the path of the setting. */
function docsOfSettings(fields: readonly Field[]): ReadonlyMap<string, string> {
  return new Map(
    fields.flatMap(({ defaultText, doc }): [string, string][] => {
      const path = /^setting `([^`]+)`/.exec(defaultText)?.[1];
      return path === undefined ? [] : [[path, doc]];
    }),
  );
}

/** Every setting of an InjectorConfiguration by its path below `spec`, from the schema that reads it. */
function settingFields(docs: ReadonlyMap<string, string>): Field[] {
  const schema = z.toJSONSchema(injectorConfiguration, { io: 'input', unrepresentable: 'any' }) as Schema;
  return fieldsBelow(schema.properties?.['spec'] ?? {}, '').map((field) => ({
    ...field,
    doc: field.doc === '' ? (docs.get(field.name) ?? '') : field.doc,
  }));
}

/** Everything that the form can set. */
export function listFields(): Field[] {
  const ofPods = podFields();
  return [...ofPods, ...settingFields(docsOfSettings(ofPods))];
}
