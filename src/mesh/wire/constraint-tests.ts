import type { DescEnum } from '@bufbuild/protobuf';
import type { Rules, RuleValue } from './constraint-rules.ts';

/** Takes the JSON pointer of a value, and what must hold for it. */
export type Report = (path: string, message: string) => void;
/** Reports what a value breaks. */
export type Test = (value: RuleValue, path: string, report: Report) => void;

/** Makes a test from a rule's value, the other rules beside it, and the enum of the field if it has one. */
type Rule = (limit: RuleValue, beside: Rules, values: DescEnum | undefined) => Test;

/** Returns a rule's value for people. */
function text(limit: RuleValue): string {
  if (Array.isArray(limit)) return (limit as readonly RuleValue[]).map(text).join(', ');
  return typeof limit === 'object' ? JSON.stringify(limit) : String(limit);
}

function holds(sentence: (limit: RuleValue) => string, test: (value: never, limit: never) => boolean): Rule {
  return (limit) => (value, path, report) => {
    if (!test(value as never, limit as never)) report(path, sentence(limit));
  };
}

const compared = {
  lt: holds(
    (limit) => `must be less than ${text(limit)}`,
    (value: number, limit: number) => value < limit,
  ),
  lte: holds(
    (limit) => `must be at most ${text(limit)}`,
    (value: number, limit: number) => value <= limit,
  ),
  gt: holds(
    (limit) => `must be greater than ${text(limit)}`,
    (value: number, limit: number) => value > limit,
  ),
  gte: holds(
    (limit) => `must be at least ${text(limit)}`,
    (value: number, limit: number) => value >= limit,
  ),
} as const;

const sameAs = holds(
  (limit) => `must be ${text(limit)}`,
  (value: RuleValue, limit: RuleValue) => value === limit,
);

const listed = {
  const: sameAs,
  in: holds(
    (limit) => `must be one of ${text(limit)}`,
    (value: RuleValue, limit: readonly RuleValue[]) => limit.includes(value),
  ),
  not_in: holds(
    (limit) => `must not be one of ${text(limit)}`,
    (value: RuleValue, limit: readonly RuleValue[]) => !limit.includes(value),
  ),
} as const;

const bytesOf = new TextEncoder();
// Control characters are what a header must not have.
// oxlint-disable-next-line no-control-regex
const headerName = { 1: /^:?[0-9a-zA-Z!#$%&'*+\-.^_|~`]+$/, 2: /^[^\0-\b\n-\x1f\x7f]*$/ } as const;
// oxlint-disable-next-line no-control-regex
const noBreaks = /^[^\0\n\r]*$/;

const texts: Readonly<Record<string, Rule>> = {
  ...listed,
  min_len: holds(
    (limit) => `must have at least ${text(limit)} characters`,
    (value: string, limit: bigint) => BigInt(Array.from(value).length) >= limit,
  ),
  max_len: holds(
    (limit) => `must have at most ${text(limit)} characters`,
    (value: string, limit: bigint) => BigInt(Array.from(value).length) <= limit,
  ),
  max_bytes: holds(
    (limit) => `must have at most ${text(limit)} bytes`,
    (value: string, limit: bigint) => BigInt(bytesOf.encode(value).length) <= limit,
  ),
  pattern: holds(
    (limit) => `must match ${text(limit)}`,
    (value: string, limit: string) => new RegExp(limit, 'u').test(value),
  ),
  prefix: holds(
    (limit) => `must begin with ${text(limit)}`,
    (value: string, limit: string) => value.startsWith(limit),
  ),
  suffix: holds(
    (limit) => `must end with ${text(limit)}`,
    (value: string, limit: string) => value.endsWith(limit),
  ),
  // 1 is a header name, 2 is a header value. Rules that are not strict only forbid what ends a header.
  well_known_regex: (limit, { strict }) => {
    const pattern = strict === false ? noBreaks : headerName[limit as 1 | 2];
    const what = `must be valid in a header${limit === 1 ? "'s name" : ''}`;
    return (value, path, report) => {
      if (!pattern.test(value as string)) report(path, what);
    };
  },
};

const bytes: Readonly<Record<string, Rule>> = {
  min_len: holds(
    (limit) => `must have at least ${text(limit)} bytes`,
    (value: Uint8Array, limit: bigint) => BigInt(value.length) >= limit,
  ),
  max_len: holds(
    (limit) => `must have at most ${text(limit)} bytes`,
    (value: Uint8Array, limit: bigint) => BigInt(value.length) <= limit,
  ),
};

const enums: Readonly<Record<string, Rule>> = {
  ...listed,
  defined_only: (_, __, values) => (value, path, report) => {
    if (values?.value[value as number] === undefined) report(path, 'must be a value of the enum');
  },
};

const numbers: Readonly<Record<string, Rule>> = { ...listed, ...compared };

const scalars: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  string: texts,
  bytes,
  enum: enums,
  duration: numbers,
  bool: listed,
  float: numbers,
  double: numbers,
  int32: numbers,
  int64: numbers,
  uint32: numbers,
  uint64: numbers,
};

/** Rules that change how others are read, or that are about presence. */
const modifiers = new Set(['strict', 'ignore_empty', 'required', 'skip']);

/** Returns the tests of a scalar. Throws for a rule that is not known here. */
export function scalarTests(rules: Rules, values: DescEnum | undefined): readonly Test[] {
  return Object.entries(rules).flatMap(([type, given]) => {
    const known = scalars[type];
    if (known === undefined) return [];
    const beside = given as Rules;
    const tests = Object.entries(beside).flatMap(([name, limit]) => {
      if (modifiers.has(name)) return [];
      const rule = known[name];
      if (rule === undefined) throw new Error(`the rule ${type}.${name} of Envoy's API is not known`);
      return [rule(limit, beside, values)];
    });
    if (beside['ignore_empty'] !== true) return tests;
    return tests.map((test): Test => (value, path, report) => {
      if (value !== '') test(value, path, report);
    });
  });
}
