import type * as z from 'zod';
import { withIstioGate } from './schema/istio/gate.ts';
import type { Problem } from '../grammar/problem.ts';
import { captureFile, type CaptureFile } from './schema/capture-file.ts';
import { injectorConfiguration, type Settings } from './schema/configuration.ts';
import { apiVersion } from './schema/object.ts';
import { templateTest, type TemplateTest } from './schema/template-test.ts';
import { sidecarTemplate, type SidecarTemplate } from './schema/template.ts';
import { didYouMean } from '../grammar/suggestion.ts';

export type Read<T> = { readonly value: T } | { readonly problems: readonly Problem[] };

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('');
}

/** The keys that the schema defines at a path, for suggestions. */
function knownKeys(schema: unknown, path: readonly PropertyKey[]): string[] {
  let node: unknown = schema;
  const unwrap = (): void => {
    for (let depth = 0; depth < 8; depth++) {
      const definition = (node as { def?: { innerType?: unknown; in?: unknown; out?: unknown } }).def;
      // A preprocessed schema is a pipe that starts with a transform.
      const isPrepared = (definition?.in as { def?: { type?: string } } | undefined)?.def?.type === 'transform';
      const inner = definition?.innerType ?? (isPrepared ? definition?.out : definition?.in);
      if (inner === undefined) return;
      node = inner;
    }
  };
  for (const part of path) {
    unwrap();
    const holder = node as { shape?: Record<string, unknown>; def?: { element?: unknown; valueType?: unknown } };
    node = typeof part === 'number' ? holder.def?.element : (holder.shape?.[String(part)] ?? holder.def?.valueType);
    if (node === undefined) return [];
  }
  unwrap();
  return Object.keys((node as { shape?: object }).shape ?? {});
}

/** Which types an alternative wants, and what was there instead; the library says of a union only that it does not fit. */
function unionMessage({ errors, input }: z.core.$ZodIssueInvalidUnion): string {
  const expected = new Set(
    errors.flatMap((issues) =>
      issues.flatMap((inner) => {
        if (inner.code === 'invalid_type') return [inner.expected === 'record' ? 'object' : inner.expected];
        return inner.code === 'invalid_value' ? inner.values.map((value) => JSON.stringify(value)) : [];
      }),
    ),
  );
  if (expected.size === 0) return 'Invalid input';
  const received = input === null ? 'null' : Array.isArray(input) ? 'array' : typeof input;
  return `Invalid input: expected ${[...expected].join(' or ')}, received ${received}`;
}

function problemsOf(error: z.ZodError, schema: unknown): Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    if (issue.code === 'invalid_union' && issue.message === 'Invalid input') {
      return [{ where: pathText(issue.path), message: unionMessage(issue) }];
    }
    if (issue.code !== 'unrecognized_keys') return [{ where: pathText(issue.path), message: issue.message }];
    const known = knownKeys(schema, issue.path);
    return issue.keys.map((key) => ({
      where: pathText([...issue.path, key]),
      message: `unknown key${didYouMean(key, known) || (known.length === 0 ? '' : `; allowed: ${known.join(', ')}`)}`,
    }));
  });
}

function read<T>(schema: z.ZodType<T>, input: unknown): Read<T> {
  const result = schema.safeParse(input, { reportInput: true });
  return result.success ? { value: result.data } : { problems: problemsOf(result.error, schema) };
}

/** Reads the settings from a parsed `InjectorConfiguration` and applies all defaults; undefined gives the defaults alone. */
export function readSettings(input: unknown): Read<Settings> {
  const object = input ?? { apiVersion, kind: 'InjectorConfiguration' };
  const result = read(injectorConfiguration, object);
  return 'problems' in result ? result : { value: withIstioGate(result.value.spec) };
}

/** Reads a sidecar template from a parsed `SidecarTemplate`. */
export function readTemplate(input: unknown): Read<SidecarTemplate> {
  return read(sidecarTemplate, input);
}

/** Reads capture rules without a pod from a parsed file with the field names of `istio-iptables`, all of them optional. */
export function readCaptureFile(input: unknown): Read<CaptureFile> {
  return read(captureFile, input);
}

/** Reads a test case of a template from a parsed `TemplateTest`. */
export function readTemplateTest(input: unknown): Read<TemplateTest> {
  return read(templateTest, input);
}
