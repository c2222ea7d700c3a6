import * as z from 'zod';
import { quote } from '../../grammar/problem.ts';
import { framing, framingRemedy } from './istio/header-changes.ts';
import { readRegularExpression } from './regular-expression.ts';

/** Group of Gateway API's kinds. */
export const gatewayGroup = 'gateway.networking.k8s.io';

const unitMs = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;

/** A duration of Gateway API (GEP-2257), which becomes milliseconds. */
export const duration = z
  .string()
  .regex(/^([0-9]{1,5}(h|m|s|ms)){1,4}$/, { error: 'must be a duration such as 500ms, 10s or 1m30s', abort: true })
  .transform((text) =>
    [...text.matchAll(/(?<count>\d+)(?<unit>ms|[hms])/g)].reduce(
      (sum, { groups }) => sum + Number(groups?.['count']) * unitMs[groups?.['unit'] as keyof typeof unitMs],
      0,
    ),
  )
  .meta({ title: 'duration' });

/** Number of a port. */
export const portNumber = z.int().min(1).max(65_535);

const token = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,256}$/;

/** Name of a header, which becomes lower case. */
export const headerName = z
  .string()
  .regex(token, { error: "must be a header's name: letters, digits and !#$%&'*+-.^_`|~" })
  .transform((name) => name.toLowerCase());

const headerValue = z
  .string()
  .min(1)
  .max(4096)
  .regex(/^[^\0\r\n]*$/, { error: "must be a header's value: no line breaks and no NUL" });

const changedName = headerName.refine((name) => name !== 'host', {
  error: 'is not changed by header filters: use hostname of the filter URLRewrite (of an HTTPRoute)',
});

const changedHeaders = z
  .array(
    z.strictObject({
      name: changedName.refine((name) => !framing.has(name), { error: framingRemedy }).describe('Name of the header.'),
      value: headerValue.describe('Its value, as it stands.'),
    }),
  )
  .default([]);

/** Changes of headers. Names are in lower case; only the first entry of each name in a list counts. */
export const headerModifier = z.strictObject({
  set: changedHeaders.describe('Headers that replace what is there.'),
  add: changedHeaders.describe('Headers that come beside what is there.'),
  remove: z.array(changedName).default([]).describe('Names of headers that are taken away.'),
});

/** Adds that a text is a regular expression of RE2. */
export function checkRegularExpression(text: string, name: string, context: z.RefinementCtx): void {
  const read = readRegularExpression(text);
  if ('problem' in read) context.addIssue({ code: 'custom', path: [name], input: text, message: read.problem });
}

/** How a value is compared. */
const valueMatch = {
  type: z
    .enum(['Exact', 'RegularExpression'])
    .default('Exact')
    .describe('Default: `Exact`. Both compare the whole value.'),
  value: z.string().min(1).max(4096).describe('The value, or a regular expression of RE2.'),
};

function named<T extends z.ZodType<string>>(name: T) {
  return z
    .strictObject({ ...valueMatch, name: name.describe('Its name; only the first entry of a name counts.') })
    .superRefine((match, context) => {
      if (match.type === 'RegularExpression') checkRegularExpression(match.value, 'value', context);
    });
}

/** Header that a request must have. */
export const headerMatch = named(headerName);

/** Query parameter that a request must have. */
export const queryParamMatch = named(z.string().min(1).max(256));

const backendObject = {
  group: z.string().default('').describe('Default: the core group. Others have nothing that gets requests.'),
  kind: z
    .string()
    .default('Service')
    .describe('Default: `Service`. Others have no effect but an error for their share.'),
  name: z.string().min(1).describe('Name of the Service.'),
  namespace: z
    .string()
    .optional()
    .describe(
      'Default: that of the route. Another one needs a ReferenceGrant, unless the Service is the one that is called.',
    ),
  port: portNumber.optional().describe('Port of the Service; required.'),
};

type BackendObject = z.output<z.ZodObject<typeof backendObject>>;

function namesPort({ group, kind, port }: BackendObject): boolean {
  return group !== '' || kind !== 'Service' || port !== undefined;
}

const needsPort = { path: ['port'], error: 'is required for a Service' };

/** A port of a Service, or another object that answers requests, which none of ours does. */
export const backendObjectRef = z.strictObject(backendObject).refine(namesPort, needsPort);

/** The fields of an object that gets a share of requests. */
export const weightedBackend = {
  ...backendObject,
  weight: z.int().min(0).max(1_000_000).default(1).describe('Share of the requests. Default: 1; 0 gets none.'),
};

/** A reference to what gets requests. */
export type BackendRef = BackendObject;

/**
 * Adds that a Service is named with its port.
 *
 * @param schema the object with the fields of `weightedBackend`
 */
export function withServicePort<T extends z.ZodType<BackendObject>>(schema: T): T {
  return schema.refine(namesPort, needsPort);
}

/** What a route is attached to. */
export const parentRef = z.strictObject({
  group: z.string().default(gatewayGroup).describe('`""` for a Service.'),
  kind: z.string().default('Gateway').describe('`Service`; others are none of the mesh.'),
  namespace: z
    .string()
    .optional()
    .describe(
      'Default: that of the route. From another one, the route counts for clients of its own namespace only, and stands above routes of the Service.',
    ),
  name: z.string().describe('Name of the Service.'),
  sectionName: z.string().optional().describe('Name of a port. Default: all.'),
  port: portNumber.optional().describe('Number of a port. Default: all.'),
});

/** What a route is attached to. */
export type ParentRef = z.output<typeof parentRef>;

/** Member of a filter that its type is said in. */
const memberOfType = {
  RequestHeaderModifier: 'requestHeaderModifier',
  ResponseHeaderModifier: 'responseHeaderModifier',
  RequestMirror: 'requestMirror',
  RequestRedirect: 'requestRedirect',
  URLRewrite: 'urlRewrite',
  CORS: 'cors',
  ExternalAuth: 'externalAuth',
  ExtensionRef: 'extensionRef',
} as const;

/** Type of a filter. */
export type FilterType = keyof typeof memberOfType;

/** The field `type` of a filter that can have these types. */
export function filterType<T extends FilterType>(types: readonly [T, ...T[]]) {
  return z.enum(types).describe('Which of the other fields is there.');
}

type MemberOfFilter = (typeof memberOfType)[FilterType];
type FilterShape = { readonly type: FilterType } & { readonly [M in MemberOfFilter]?: unknown };

/** Adds that a filter has the member of its type and no other. */
export function withMemberOfType<T extends z.ZodType<FilterShape>>(schema: T): T {
  return schema.superRefine((filter, context) => {
    const expected = memberOfType[filter.type];
    for (const name of Object.values(memberOfType)) {
      if ((filter[name] !== undefined) === (name === expected)) continue;
      const message =
        name === expected
          ? `is required by a filter of type ${filter.type}`
          : `must not be there in a filter of type ${quote(filter.type)}`;
      context.addIssue({ code: 'custom', path: [name], message });
    }
  });
}

const repeatable: ReadonlySet<FilterType> = new Set(['RequestMirror', 'ExternalAuth', 'ExtensionRef']);

/** Adds that only some filters are there more than once. */
export function withoutRepeats<T extends z.ZodType<readonly FilterShape[]>>(schema: T): T {
  return schema.superRefine((filters, context) => {
    filters.forEach(({ type }, index) => {
      if (repeatable.has(type) || filters.findIndex((other) => other.type === type) === index) return;
      context.addIssue({ code: 'custom', path: [index, 'type'], message: `${type} must not be there twice` });
    });
  });
}
