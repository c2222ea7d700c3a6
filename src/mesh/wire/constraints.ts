import type { DescEnum, DescField, DescMessage, DescOneof } from '@bufbuild/protobuf';
import type { ReflectList, ReflectMap, ReflectMessage } from '@bufbuild/protobuf/reflect';
import { anyUnpack, type Any, type Duration } from '@bufbuild/protobuf/wkt';
import { reflect } from '@bufbuild/protobuf/reflect';
import { createRuleReader, nanoseconds, type Rules, type RuleValue } from './constraint-rules.ts';
import type { EnvoyTypes } from './envoy-types.ts';

/** A value that Envoy would reject. */
export interface Violation {
  /** JSON pointer of the value, with the field names of Envoy's API. */
  readonly path: string;
  /** What must hold, such as `must have at least 1 items`. */
  readonly message: string;
}

type Report = (path: string, message: string) => void;
type Test = (value: RuleValue, path: string, report: Report) => void;

/** Makes a test from a rule's value, the other rules beside it, and the enum of the field if it has one. */
type Rule = (limit: RuleValue, beside: Rules, values: DescEnum | undefined) => Test;

function holds(sentence: (limit: RuleValue) => string, test: (value: never, limit: never) => boolean): Rule {
  return (limit) => (value, path, report) => {
    if (!test(value as never, limit as never)) report(path, sentence(limit));
  };
}

const compared = {
  lt: holds(
    (limit) => `must be less than ${String(limit)}`,
    (value: number, limit: number) => value < limit,
  ),
  lte: holds(
    (limit) => `must be at most ${String(limit)}`,
    (value: number, limit: number) => value <= limit,
  ),
  gt: holds(
    (limit) => `must be greater than ${String(limit)}`,
    (value: number, limit: number) => value > limit,
  ),
  gte: holds(
    (limit) => `must be at least ${String(limit)}`,
    (value: number, limit: number) => value >= limit,
  ),
} as const;

const sameAs = holds(
  (limit) => `must be ${String(limit)}`,
  (value: RuleValue, limit: RuleValue) => value === limit,
);

const listed = {
  const: sameAs,
  in: holds(
    (limit) => `must be one of ${String(limit)}`,
    (value: RuleValue, limit: readonly RuleValue[]) => limit.includes(value),
  ),
  not_in: holds(
    (limit) => `must not be one of ${String(limit)}`,
    (value: RuleValue, limit: readonly RuleValue[]) => !limit.includes(value),
  ),
} as const;

const bytesOf = new TextEncoder();
const headerName = { 1: /^:?[0-9a-zA-Z!#$%&'*+\-.^_|~`]+$/, 2: /^[^\0-\b\n-\x1f\x7f]*$/ } as const;
const noBreaks = /^[^\0\n\r]*$/;

const texts: Readonly<Record<string, Rule>> = {
  ...listed,
  min_len: holds(
    (limit) => `must have at least ${String(limit)} characters`,
    (value: string, limit: bigint) => BigInt([...value].length) >= limit,
  ),
  max_bytes: holds(
    (limit) => `must have at most ${String(limit)} bytes`,
    (value: string, limit: bigint) => BigInt(bytesOf.encode(value).length) <= limit,
  ),
  pattern: holds(
    (limit) => `must match ${String(limit)}`,
    (value: string, limit: string) => new RegExp(limit, 'u').test(value),
  ),
  prefix: holds(
    (limit) => `must begin with ${String(limit)}`,
    (value: string, limit: string) => value.startsWith(limit),
  ),
  suffix: holds(
    (limit) => `must end with ${String(limit)}`,
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
    (limit) => `must have at least ${String(limit)} bytes`,
    (value: Uint8Array, limit: bigint) => BigInt(value.length) >= limit,
  ),
  max_len: holds(
    (limit) => `must have at most ${String(limit)} bytes`,
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

function scalarTests(rules: Rules, values: DescEnum | undefined): readonly Test[] {
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

function countTests({ repeated, map }: Rules): readonly ((size: number) => string | undefined)[] {
  const given = { ...(repeated as Rules | undefined), ...(map as Rules | undefined) };
  const least = Number(given['min_items'] ?? given['min_pairs'] ?? 0);
  const most = Number(given['max_items'] ?? given['max_pairs'] ?? Infinity);
  return [
    (size) => (size < least ? `must have at least ${least} items` : undefined),
    (size) => (size > most ? `must have at most ${most} items` : undefined),
  ];
}

type Checker = (message: ReflectMessage, path: string, report: Report) => void;

/** Returns a function that lists what Envoy would reject in a message (`Proto constraint validation failed`). */
export function createConstraintCheck(types: EnvoyTypes): (message: ReflectMessage) => readonly Violation[] {
  const reader = createRuleReader(types);
  const compiled = new Map<string, Checker>();

  function fieldChecker(field: DescField): Checker | undefined {
    const rules = reader.field(field) ?? {};
    if ((rules['message'] as Rules | undefined)?.['skip'] === true) return undefined;
    switch (field.fieldKind) {
      case 'list':
        return listChecker(field, rules);
      case 'map':
        return mapChecker(field, rules);
      case 'message':
        return messageChecker(field, rules);
      default: {
        const tests = scalarTests(rules, field.fieldKind === 'enum' ? field.enum : undefined);
        if (tests.length === 0) return undefined;
        // A member of a oneof that is not chosen has no value; other fields without a value have their default.
        const isOptional = field.oneof !== undefined || field.presence === 1;
        return (message, path, report) => {
          if (isOptional && !message.isSet(field)) return;
          for (const test of tests) test(message.get(field) as RuleValue, `${path}/${field.name}`, report);
        };
      }
    }
  }

  function listChecker(field: DescField & { fieldKind: 'list' }, rules: Rules): Checker | undefined {
    const repeated = (rules['repeated'] ?? {}) as Rules;
    const counts = countTests(rules);
    const tests = scalarTests((repeated['items'] ?? {}) as Rules, field.listKind === 'enum' ? field.enum : undefined);
    const inner = field.listKind === 'message' ? nested(field.message) : undefined;
    return (message, path, report) => {
      const list = message.get(field) as ReflectList;
      const at = `${path}/${field.name}`;
      for (const count of counts) {
        const sentence = count(list.size);
        if (sentence !== undefined) report(at, sentence);
      }
      if (repeated['unique'] === true && new Set(list).size < list.size) report(at, 'must have no item twice');
      if (inner === undefined && tests.length === 0) return;
      let index = 0;
      for (const item of list) {
        inner?.(item as ReflectMessage, `${at}/${index}`, report);
        for (const test of tests) test(item as RuleValue, `${at}/${index}`, report);
        index += 1;
      }
    };
  }

  function mapChecker(field: DescField & { fieldKind: 'map' }, rules: Rules): Checker | undefined {
    const given = (rules['map'] ?? {}) as Rules;
    const counts = countTests(rules);
    const keyTests = scalarTests((given['keys'] ?? {}) as Rules, undefined);
    const inner = field.mapKind === 'message' ? nested(field.message) : undefined;
    return (message, path, report) => {
      const map = message.get(field) as ReflectMap;
      const at = `${path}/${field.name}`;
      for (const count of counts) {
        const sentence = count(map.size);
        if (sentence !== undefined) report(at, sentence);
      }
      for (const [key, value] of map) {
        for (const test of keyTests) test(key as RuleValue, `${at}/${String(key)}`, report);
        inner?.(value as ReflectMessage, `${at}/${String(key)}`, report);
      }
    };
  }

  function messageChecker(field: DescField & { fieldKind: 'message' }, rules: Rules): Checker {
    const isRequired = Object.values(rules).some((given) => (given as Rules)['required'] === true);
    const tests = scalarTests(rules, undefined);
    const isDuration = field.message.typeName === 'google.protobuf.Duration';
    const isWrapper = /^google\.protobuf\.\w+Value$/.test(field.message.typeName);
    const inner = nested(field.message);
    return (message, path, report) => {
      const at = `${path}/${field.name}`;
      if (!message.isSet(field)) {
        // Of a oneof, only the chosen member has a value.
        if (isRequired && field.oneof === undefined) report(at, 'must be set');
        return;
      }
      const value = message.get(field) as ReflectMessage;
      if (tests.length > 0) {
        const plain = isDuration ? nanoseconds(value.message as unknown as Duration) : wrapped(value, isWrapper);
        for (const test of tests) test(plain as RuleValue, at, report);
      }
      inner(value, at, report);
    };
  }

  /** The value in one of protobuf's wrapper messages, which reflection may have unwrapped. */
  function wrapped(value: unknown, isWrapper: boolean): unknown {
    if (!isWrapper || typeof value !== 'object' || value === null || !('message' in value)) return value;
    return (value.message as { value: unknown }).value;
  }

  /** Messages contain each other, so that a check is compiled when it is first needed. */
  function nested(message: DescMessage): Checker {
    if (message.typeName === 'google.protobuf.Any') {
      return (value, path, report) => {
        const any = value.message as unknown as Any;
        const inside = anyUnpack(any, types.registry);
        if (inside === undefined) return;
        const type = types.message(inside.$typeName);
        checkerOf(type)(reflect(type, inside), path, report);
      };
    }
    if (message.typeName.startsWith('google.protobuf.')) return () => undefined;
    return (value, path, report) => checkerOf(message)(value, path, report);
  }

  function oneofChecker(oneof: DescOneof): Checker | undefined {
    if (!reader.isRequired(oneof)) return undefined;
    const names = oneof.fields.map(({ name }) => name).join(', ');
    return (message, path, report) => {
      if (message.oneofCase(oneof) === undefined) report(path, `must have one of ${names}`);
    };
  }

  function checkerOf(message: DescMessage): Checker {
    const known = compiled.get(message.typeName);
    if (known !== undefined) return known;
    const checkers = [...message.fields.map(fieldChecker), ...message.oneofs.map(oneofChecker)].filter(
      (checker) => checker !== undefined,
    );
    const all: Checker = (value, path, report) => {
      for (const checker of checkers) checker(value, path, report);
    };
    compiled.set(message.typeName, all);
    return all;
  }

  return (message) => {
    const found: Violation[] = [];
    checkerOf(message.desc)(message, '', (path, sentence) => found.push({ path, message: sentence }));
    return found;
  };
}
