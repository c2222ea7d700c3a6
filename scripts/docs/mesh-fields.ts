import type * as z from 'zod';
import { destinationRuleSpec } from '../../src/mesh/rules/destination-rule.ts';
import { grpcRouteSpec, httpRouteSpec } from '../../src/mesh/rules/gateway-route.ts';
import { referenceGrantSpec } from '../../src/mesh/rules/reference-grant.ts';
import { authorizationPolicySpec } from '../../src/mesh/rules/security/authorization-policy.ts';
import { peerAuthenticationSpec } from '../../src/mesh/rules/security/peer-authentication.ts';
import { rateLimitSpec } from '../../src/mesh/rules/security/rate-limit.ts';
import { virtualServiceSpec } from '../../src/mesh/rules/virtual-service.ts';
import { fieldSchema, typeOf, valuesOf, withoutNull, type FieldSchema } from '../field-schema.ts';

/** One kind of objects, with the schema that reads its `spec`. */
interface DescribedKind {
  readonly kind: string;
  readonly versions: string;
  readonly schema: z.ZodType;
}

/** All kinds that the page describes, in its order. */
const kinds: readonly DescribedKind[] = [
  { kind: 'VirtualService', versions: 'networking.istio.io: v1, v1beta1, v1alpha3', schema: virtualServiceSpec },
  { kind: 'DestinationRule', versions: 'networking.istio.io: v1, v1beta1, v1alpha3', schema: destinationRuleSpec },
  { kind: 'HTTPRoute', versions: 'gateway.networking.k8s.io: v1, v1beta1', schema: httpRouteSpec },
  { kind: 'GRPCRoute', versions: 'gateway.networking.k8s.io: v1', schema: grpcRouteSpec },
  { kind: 'ReferenceGrant', versions: 'gateway.networking.k8s.io: v1, v1beta1', schema: referenceGrantSpec },
  { kind: 'PeerAuthentication', versions: 'security.istio.io: v1, v1beta1', schema: peerAuthenticationSpec },
  { kind: 'AuthorizationPolicy', versions: 'security.istio.io: v1, v1beta1', schema: authorizationPolicySpec },
  { kind: 'RateLimit', versions: 'mesh.sidecar-injector.io: v1alpha1', schema: rateLimitSpec },
];

/** What is written in a cell of the table. */
export interface FieldRow {
  /** Path from the object, with `[]` for entries of lists, and `*` for keys of maps. */
  readonly path: string;
  readonly type: string;
  /** Why it is refused; undefined if it is supported. */
  readonly refused: string | undefined;
  readonly effect: string;
}

function typeText(schema: FieldSchema): string {
  const values = valuesOf(schema);
  if (values.length > 0) return values.map((value) => `\`${String(value)}\``).join(', ');
  const type = typeOf(schema);
  if (type === 'array') return `list of ${schema.items === undefined ? 'values' : typeText(schema.items)}`;
  if (type === 'integer' && schema.maximum !== undefined && schema.maximum < 2 ** 31 - 1) {
    return `${schema.minimum}-${schema.maximum}`;
  }
  const names = { string: 'text', integer: 'whole number', boolean: 'boolean', number: 'number' } as const;
  if (schema.title !== undefined) return schema.title;
  if (type === 'object') return schema.properties === undefined ? 'map' : 'object';
  return names[type as keyof typeof names] ?? '';
}

/** The fields right below a schema, with their paths. */
function membersOf(
  { properties = {}, items, additionalProperties }: FieldSchema,
  path: string,
): (readonly [string, FieldSchema])[] {
  return [
    ...Object.entries(properties).map(([name, field]) => [`${path}.${name}`, withoutNull(field)] as const),
    ...(items === undefined ? [] : membersOf(items, `${path}[]`)),
    ...(typeof additionalProperties === 'object' ? membersOf(additionalProperties, `${path}.*`) : []),
  ];
}

/**
 * Returns the rows of all fields below a schema. Where the members of an object are the same as those of an earlier one, it says
 * where they are instead.
 *
 * @param places paths of objects by their members, which grows
 */
function memberRows(schema: FieldSchema, path: string, places: Map<string, string>): readonly FieldRow[] {
  return membersOf(schema, path).flatMap(([at, field]) => {
    const members = membersOf(field, '');
    const text = JSON.stringify(members);
    const place = members.length < 2 ? undefined : places.get(text);
    if (place === undefined) places.set(text, at);
    const effect = [field.description, ...(place === undefined ? [] : [`Fields as in \`${place}\`.`])].join(' ');
    const row = { path: at, type: typeText(field), refused: field.refused, effect };
    return place === undefined ? [row, ...memberRows(field, at, places)] : [row];
  });
}

/** Returns the rows of a kind. */
export function rowsOfKind(schema: z.ZodType): readonly FieldRow[] {
  return memberRows(fieldSchema(schema), 'spec', new Map());
}

/**
 * Returns the text of the page.
 *
 * @param notice what stands below its title
 * @param table writes a table from the names of its columns and its rows
 */
export function meshFieldsPage(
  notice: string,
  table: (head: readonly string[], rows: readonly (readonly string[])[]) => string,
): string {
  const sections = kinds.map(({ kind, versions, schema }) => {
    const rows = rowsOfKind(schema).map(({ path, type, refused, effect }) => [
      `\`${path}\``,
      type,
      refused === undefined ? 'supported' : 'refused',
      refused ?? effect,
    ]);
    return `## ${kind}\n\n${versions}\n\n${table(['field', 'type', 'mark', 'effect'], rows)}`;
  });
  return `# Fields of rules

${notice}

What the control plane of the mesh reads of the objects that say how requests between pods travel, and who may make them. A field is supported, or
its object is refused as a whole with the path of the field and the reason: nothing is read and dropped. A field that is not here is unknown, which
refuses the object too. Of a traffic rule that is refused, the last good routes stay. A PeerAuthentication that is refused counts as \`STRICT\`, an
AuthorizationPolicy as one that denies everything, for the pods of its selector, or for all that it may govern if that is not understood either.

Regular expressions are those of RE2 (no lookahead, no references to groups), at most 1024 characters, and match a whole text.

In Istio's kinds, a duration is one of Go's, such as \`5s\`, \`0.5s\` or \`1m30s\`, in whole milliseconds. A percentage is an object: \`{value: 12.5}\`.
Values of headers that are changed are text, except for commands of Envoy such as \`%REQ(x-user)%\` and \`%DOWNSTREAM_REMOTE_ADDRESS%\`; \`%%\` is a percent sign.
In an AuthorizationPolicy, a text is a whole one, \`x*\` the beginning, \`*x\` the end, and \`*\` any that is not empty.
In Gateway API's kinds, a duration has whole numbers, such as \`500ms\` or \`1m30s\`, and values of headers are text as it stands.

${sections.join('\n\n')}
`;
}
