import { getOption, hasOption, type DescExtension, type DescField, type DescOneof } from '@bufbuild/protobuf';
import { reflect, type ReflectMessage } from '@bufbuild/protobuf/reflect';
import type { EnvoyTypes } from './envoy-types.ts';

/** A value of a rule: a number, a text, a list of them, or rules of the items. */
export type RuleValue = number | bigint | boolean | string | Uint8Array | readonly RuleValue[] | Rules;

/** Rules of one field by their names in `validate.proto`, such as `{ string: { min_len: 1n } }`. */
export interface Rules {
  readonly [name: string]: RuleValue;
}

/** Reads the rules that Envoy's API states for its fields, and which Envoy enforces when it reads a message. */
export interface RuleReader {
  /** Returns the rules of a field, or undefined if it has none. */
  field(field: DescField): Rules | undefined;
  /** Returns whether one member of the oneof must be set. */
  isRequired(oneof: DescOneof): boolean;
}

function extensionOf({ registry }: EnvoyTypes, name: string): DescExtension {
  const found = registry.getExtension(name);
  if (found === undefined) throw new Error(`Envoy's API has no option ${name}`);
  return found;
}

/** Nanoseconds, so that durations compare as numbers do. */
export function nanoseconds({ seconds, nanos }: { readonly seconds: bigint; readonly nanos: number }): bigint {
  return seconds * 1_000_000_000n + BigInt(nanos);
}

function plainMessage(message: ReflectMessage): RuleValue {
  if (message.desc.typeName === 'google.protobuf.Duration') {
    return nanoseconds(message.message as unknown as { seconds: bigint; nanos: number });
  }
  const plain: Record<string, RuleValue> = {};
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    const value = message.get(field);
    if (field.fieldKind === 'list') {
      plain[field.name] = [...(value as Iterable<RuleValue>)].map((item) =>
        field.listKind === 'message' ? plainMessage(item as unknown as ReflectMessage) : item,
      );
    } else {
      plain[field.name] = field.fieldKind === 'message' ? plainMessage(value as ReflectMessage) : (value as RuleValue);
    }
  }
  return plain;
}

/** Returns a reader of the rules in these descriptors. */
export function createRuleReader(types: EnvoyTypes): RuleReader {
  const rules = extensionOf(types, 'validate.rules');
  const required = extensionOf(types, 'validate.required');
  const type = types.message('validate.FieldRules');
  return {
    field(field) {
      if (!hasOption(field, rules)) return undefined;
      return plainMessage(reflect(type, getOption(field, rules) as never)) as Rules;
    },
    isRequired: (oneof) => getOption(oneof, required) === true,
  };
}
