import type { DescField, DescMessage, DescOneof, Message } from '@bufbuild/protobuf';
import type { ReflectMessage } from '@bufbuild/protobuf/reflect';
import { anyUnpack, FeatureSet_FieldPresence, type Any, type Duration } from '@bufbuild/protobuf/wkt';
import { reflect } from '@bufbuild/protobuf/reflect';
import { createRuleReader, nanoseconds, type Rules, type RuleValue } from './constraint-rules.ts';
import { scalarTests, type Report } from './constraint-tests.ts';
import type { EnvoyTypes } from './envoy-types.ts';

/** A value that Envoy would reject. */
export interface Violation {
  /** JSON pointer of the value, with the field names of Envoy's API. */
  readonly path: string;
  /** What must hold, such as `must have at least 1 items`. */
  readonly message: string;
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

/**
 * Returns a function that lists what Envoy would reject in a message (`Proto constraint validation failed`). It does not look into those
 * messages inside that it is told to leave out.
 */
export function createConstraintCheck(
  types: EnvoyTypes,
): (message: ReflectMessage, without?: ReadonlySet<Message>) => readonly Violation[] {
  const reader = createRuleReader(types);
  const compiled = new Map<string, Checker>();
  let leftOut: ReadonlySet<Message> = new Set();

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
      case 'enum':
      case 'scalar': {
        const tests = scalarTests(rules, field.fieldKind === 'enum' ? field.enum : undefined);
        if (tests.length === 0) return undefined;
        // A member of a oneof that is not chosen has no value; other fields without a value have their default.
        const isOptional = field.oneof !== undefined || field.presence === FeatureSet_FieldPresence.EXPLICIT;
        return (message, path, report) => {
          if (isOptional && !message.isSet(field)) return;
          for (const test of tests) test(message.get(field), `${path}/${field.name}`, report);
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
      const list = message.get(field);
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
      const map = message.get(field);
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
      const value = message.get(field);
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
    return (value, path, report) => {
      if (!leftOut.has(value.message)) checkerOf(message)(value, path, report);
    };
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

  return (message, without = new Set()) => {
    const found: Violation[] = [];
    leftOut = without;
    checkerOf(message.desc)(message, '', (path, sentence) => found.push({ path, message: sentence }));
    return found;
  };
}
