import * as z from 'zod';

/** A field of an object, as JSON Schema has it, with what the schemas of rules say beside. */
export interface FieldSchema {
  readonly type?: string | readonly string[];
  /** Name of a grammar that a text has, such as `duration`. */
  readonly title?: string;
  readonly description?: string;
  /** Why the field is refused, and what to do instead. */
  readonly refused?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly FieldSchema[];
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
  readonly items?: FieldSchema;
  readonly additionalProperties?: FieldSchema | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Returns what users may write, from the schema that reads it. */
export function fieldSchema(schema: z.ZodType): FieldSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as FieldSchema;
}

/** Returns a schema without the alternative `null`, which stands for a field that is left out. */
export function withoutNull(schema: FieldSchema): FieldSchema {
  const others = schema.anyOf?.filter(({ type }) => type !== 'null') ?? [];
  const [only] = others;
  if (only === undefined || others.length !== 1) return schema;
  const { anyOf: _alternatives, ...rest } = schema;
  return { ...only, ...rest };
}

/** Returns the type of a field without `null`, which stands for a field that is left out. */
export function typeOf({ type }: FieldSchema): string | undefined {
  return typeof type === 'string' ? type : type?.find((name) => name !== 'null');
}

/** Returns the values that a field may have, if there are only some. */
export function valuesOf({ enum: values, const: only, anyOf = [] }: FieldSchema): readonly unknown[] {
  if (values !== undefined) return values;
  return only === undefined ? anyOf.flatMap(valuesOf) : [only];
}
