import * as z from 'zod';
import { quote } from '../../grammar/problem.ts';
import { didYouMean } from '../../grammar/suggestion.ts';
import { isObject, member, objectMember, stringMember, type Json, type JsonObject } from '../../json/json.ts';
import { escapeToken } from '../../json/operation.ts';
import type { Finding } from './finding.ts';
import type { ObjectRef, RuleKind } from './object-ref.ts';
import type { Rule } from './rule.ts';

/** What a schema says of a field, for the documentation, beside its type. */
export interface FieldNote {
  /** Why a field of the API is refused, and what to do instead; undefined for one that is supported. */
  readonly refused?: string;
}

/**
 * A field that the API has and that is refused.
 *
 * @param remedy why, and what to do instead: the end of a sentence
 */
export function refused(remedy: string) {
  return z
    .any()
    .refine((value) => value === undefined, { error: `is not supported: ${remedy}` })
    .optional()
    .meta({ refused: remedy } satisfies FieldNote);
}

function pointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${escapeToken(String(part))}`).join('');
}

/** The names of the fields that a schema takes at a path, for suggestions. */
function fieldsAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let node: unknown = schema;
  const unwrap = (): void => {
    for (let depth = 0; depth < 8; depth++) {
      const { def } = node as { readonly def?: { readonly innerType?: unknown; readonly in?: unknown } };
      const inner = def?.innerType ?? def?.in;
      if (inner === undefined) return;
      node = inner;
    }
  };
  for (const part of path) {
    unwrap();
    const { shape, def } = node as {
      readonly shape?: Readonly<Record<string, unknown>>;
      readonly def?: { readonly element?: unknown; readonly valueType?: unknown };
    };
    node = typeof part === 'number' ? def?.element : (shape?.[String(part)] ?? def?.valueType);
    if (node === undefined) return [];
  }
  unwrap();
  return Object.entries((node as { readonly shape?: Readonly<Record<string, z.ZodType>> }).shape ?? {})
    .filter(([, field]) => (field.meta() as FieldNote | undefined)?.refused === undefined)
    .map(([name]) => name);
}

function valueText(input: unknown): string {
  if (typeof input === 'string') return quote(input);
  return typeof input === 'number' || typeof input === 'boolean' ? String(input) : '';
}

const types: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  number: 'a number',
  object: 'an object',
  record: 'a map',
  string: 'a text',
};

/** Returns what an issue says; where a schema has no sentence of its own, what is allowed. */
function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message;
  if (!issue.message.startsWith('Invalid')) return issue.message;
  if (issue.code === 'invalid_type') return `allowed: ${types[issue.expected] ?? issue.expected}`;
  if (issue.code === 'invalid_value') return `allowed: ${issue.values.map(String).join(', ')}`;
  return issue.message;
}

function findingsOf(error: z.ZodError, schema: z.ZodType): Finding[] {
  return error.issues.flatMap((issue): Finding[] => {
    const path = ['spec', ...issue.path];
    if (issue.input === undefined) {
      const name = String(path.at(-1));
      const sentence = `${quote(name)} is missing; ${messageOf(issue)}`;
      return [{ field: pointer(path.slice(0, -1)), effect: 'refused', code: 'MissingField', sentence }];
    }
    if (issue.code !== 'unrecognized_keys') {
      const value = valueText(issue.input);
      const message = messageOf(issue);
      const code = message.startsWith('is not supported') ? 'UnsupportedField' : 'InvalidValue';
      const sentence = value === '' || message.includes(value) ? message : `${value}: ${message}`;
      return [{ field: pointer(path), effect: 'refused', code, sentence }];
    }
    const known = fieldsAt(schema, issue.path);
    return issue.keys.map((key) => ({
      field: pointer([...path, key]),
      effect: 'refused',
      code: 'UnknownField',
      sentence: `there is no such field${didYouMean(key, known) || `; allowed: ${known.join(', ')}`}`,
    }));
  });
}

/** Returns what an object is called, when it was created, and which version of it this is. */
export function refOf(kind: RuleKind, object: JsonObject): ObjectRef {
  const metadata = objectMember(object, 'metadata');
  const created = Date.parse(stringMember(metadata, 'creationTimestamp') ?? '');
  return {
    kind,
    namespace: stringMember(metadata, 'namespace') ?? 'default',
    name: stringMember(metadata, 'name') ?? '',
    uid: stringMember(metadata, 'uid') ?? '',
    generation: Number(member(metadata, 'generation') ?? 0),
    // A manifest has no age: it counts as the youngest.
    createdMs: Number.isNaN(created) ? Number.MAX_SAFE_INTEGER : created,
  };
}

const topLevel: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata', 'spec', 'status']);

type Path = readonly PropertyKey[];

/**
 * Returns what no schema looks at: a member `__proto__` of a map, of which schemas take no notice, and texts that cannot be written as UTF-8, so that no
 * proxy can get them.
 */
function unreadable(value: Json | undefined, path: Path): readonly (readonly [path: Path, sentence: string])[] {
  if (typeof value === 'string') {
    return value.isWellFormed() ? [] : [[path, 'has half of a character; write whole ones']];
  }
  if (Array.isArray(value)) return value.flatMap((one: Json, index) => unreadable(one, [...path, index]));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, one]) => {
    const at = [...path, key];
    if (key === '__proto__') return [[at, '"__proto__" cannot be a name here; take it out'] as const];
    return [...unreadable(key, at), ...unreadable(one, at)];
  });
}

/** Returns what stands beside the `spec`, where nothing is read, and what stands in it where nothing can be read. */
function checkNames(object: JsonObject): readonly Finding[] {
  const beside = Object.keys(object).filter((key) => !topLevel.has(key));
  return [
    ...beside.map((key): Finding => ({
      field: pointer([key]),
      effect: 'refused',
      code: 'UnknownField',
      sentence: `there is no such field${didYouMean(key, ['spec']) || '; fields of this kind stand in spec'}`,
    })),
    ...unreadable(member(object, 'spec'), ['spec']).map(([path, sentence]): Finding => ({
      field: pointer(path),
      effect: 'refused',
      code: 'InvalidValue',
      sentence,
    })),
  ];
}

/**
 * Reads the `spec` of an object. Every field is known and has a value that is allowed, or the object is refused.
 *
 * @param check what a schema cannot say: findings about fields that contradict each other, or have no effect
 */
export function readRule<S>(
  kind: RuleKind,
  object: JsonObject,
  schema: z.ZodType<S>,
  check: (spec: S) => readonly Finding[] = () => [],
): Rule<S> {
  const ref = refOf(kind, object);
  const names = checkNames(object);
  const result = schema.safeParse(member(object, 'spec') ?? {}, { reportInput: true });
  if (!result.success) return { ref, spec: undefined, findings: [...names, ...findingsOf(result.error, schema)] };
  // What stands elsewhere was meant, too, so that nothing can be said of the rest.
  const findings = names.length > 0 ? names : check(result.data);
  return { ref, spec: findings.some(({ effect }) => effect === 'refused') ? undefined : result.data, findings };
}

/** Reads an object with a function that may fail on what nobody has thought of: then the object is refused, like any other one. */
export function readSafely<S>(kind: RuleKind, object: JsonObject, read: (object: JsonObject) => Rule<S>): Rule<S> {
  try {
    return read(object);
  } catch (error) {
    const sentence = `it cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    return {
      ref: refOf(kind, object),
      spec: undefined,
      findings: [{ field: '', effect: 'refused', code: 'Unreadable', sentence }],
    };
  }
}
