import {
  create,
  fromJson,
  toBinary,
  type DescField,
  type DescMessage,
  type JsonValue,
  type Message,
} from '@bufbuild/protobuf';
import { reflect, type ReflectMessage } from '@bufbuild/protobuf/reflect';
import { WireType } from '@bufbuild/protobuf/wire';
import { isObject, type Json, type JsonObject } from '../../json/json.ts';
import type { Violation } from './constraints.ts';
import type { EnvoyTypes } from './envoy-types.ts';

/** A message as bytes, and what Envoy would reject in it. */
export interface EncodedMessage {
  readonly bytes: Uint8Array;
  readonly violations: readonly Violation[];
}

/** Lists what Envoy would reject in a message, apart from what is inside those. */
export type ShallowCheck = (message: ReflectMessage, without: ReadonlySet<Message>) => readonly Violation[];

type ChildField = DescField & ({ fieldKind: 'message' } | { fieldKind: 'list'; listKind: 'message' });

/** A field of a message with the messages in it. */
interface Child {
  readonly field: ChildField;
  readonly values: readonly (readonly [path: string, message: EncodedMessage])[];
}

/** Returns a number as protobuf writes it: seven bits a byte, the lowest first. */
function varint(value: number): readonly number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

/** Returns a field with these bytes. */
function field(number: number, bytes: Uint8Array): readonly Uint8Array[] {
  return [Buffer.from([...varint(number * 8 + WireType.LengthDelimited), ...varint(bytes.length)]), bytes];
}

const any = 'google.protobuf.Any';
/** Fields of that message. */
const anyFields = { type: 1, value: 2 } as const;

/**
 * Creates a function that turns protobuf JSON with the field names of Envoy's API into bytes. What an object became is remembered for
 * as long as the object is there: most of a listener are objects that all listeners have. Fields are in an order that depends on nothing
 * but the content. It throws for JSON that is no such message.
 */
export function createMessageEncoder(
  { registry }: EnvoyTypes,
  check: ShallowCheck,
): (type: DescMessage, json: JsonObject) => EncodedMessage {
  const known = new WeakMap<JsonObject, EncodedMessage & { readonly type: DescMessage }>();
  const fields = new Map<DescMessage, ReadonlyMap<string, ChildField>>();

  /** Fields whose messages are encoded for themselves. Protobuf's own have JSON of other forms; only one of a oneof may be there. */
  function childFields(type: DescMessage): ReadonlyMap<string, ChildField> {
    const found = fields.get(type) ?? new Map(type.fields.filter(isChild).map((field) => [field.name, field]));
    fields.set(type, found);
    return found;
  }

  function encodeAny(json: JsonObject): EncodedMessage | undefined {
    const { '@type': url, ...content } = json;
    if (typeof url !== 'string') return undefined;
    const type = registry.getMessage(url.slice(url.lastIndexOf('/') + 1));
    if (type === undefined || isOfProtobuf(type)) return undefined;
    const { bytes, violations } = encode(type, content);
    const value = bytes.length === 0 ? [] : field(anyFields.value, bytes);
    return { bytes: Buffer.concat([...field(anyFields.type, Buffer.from(url)), ...value]), violations };
  }

  function encodeValue(type: DescMessage, json: Json | undefined): EncodedMessage | undefined {
    if (json === undefined || !isObject(json)) return undefined;
    const last = known.get(json);
    if (last?.type === type) return last;
    const encoded = type.typeName === any ? encodeAny(json) : encode(type, json);
    if (encoded !== undefined) known.set(json, { ...encoded, type });
    return encoded;
  }

  function childOf(field: ChildField, json: Json | undefined): Child | undefined {
    const items = field.fieldKind === 'list' ? json : [json];
    if (!Array.isArray(items)) return undefined;
    const values: (readonly [string, EncodedMessage])[] = [];
    for (const [index, item] of items.entries()) {
      const encoded = encodeValue(field.message, item);
      if (encoded === undefined) return undefined;
      values.push([field.fieldKind === 'list' ? `/${field.name}/${index}` : `/${field.name}`, encoded]);
    }
    return { field, values };
  }

  function encode(type: DescMessage, json: JsonObject): EncodedMessage {
    const of = childFields(type);
    const rest: Record<string, Json | undefined> = {};
    const children: Child[] = [];
    for (const [key, value] of Object.entries(json)) {
      const known = of.get(key);
      const child = known === undefined || hasRival(known, json) ? undefined : childOf(known, value);
      if (child === undefined) rest[key] = value;
      else children.push(child);
    }
    const isEmpty = Object.keys(rest).length === 0;
    const message = isEmpty ? create(type) : fromJson(type, rest as JsonValue, { registry });
    const inOrder = children.toSorted((one, other) => one.field.number - other.field.number);
    const bytes = Buffer.concat([
      ...(isEmpty ? [] : [toBinary(type, message)]),
      ...inOrder.flatMap(({ field: { number }, values }) => values.flatMap(([, value]) => field(number, value.bytes))),
    ]);
    return { bytes, violations: violationsOf(reflect(type, message), inOrder) };
  }

  function violationsOf(message: ReflectMessage, children: readonly Child[]): readonly Violation[] {
    const stands = new Set<Message>();
    for (const { field, values } of children) {
      for (const _ of values) {
        const empty = create(field.message);
        stands.add(empty);
        if (field.fieldKind === 'list') message.get(field).add(reflect(field.message, empty));
        else message.set(field, reflect(field.message, empty));
      }
    }
    const inside = children.flatMap(({ values }) =>
      values.flatMap(([at, { violations }]) =>
        violations.map(({ path, message: text }) => ({ path: at + path, message: text })),
      ),
    );
    return [...check(message, stands), ...inside];
  }

  return encode;
}

function isOfProtobuf({ typeName }: DescMessage): boolean {
  return typeName.startsWith('google.protobuf.');
}

function isChild(field: DescField): field is ChildField {
  const isMessage = field.fieldKind === 'message' || (field.fieldKind === 'list' && field.listKind === 'message');
  return isMessage && (field.message.typeName === any || !isOfProtobuf(field.message));
}

/** Whether another member of the same oneof is there, which the JSON reader reports. */
function hasRival({ oneof, name }: DescField, json: JsonObject): boolean {
  return oneof !== undefined && oneof.fields.some((other) => other.name !== name && Object.hasOwn(json, other.name));
}
