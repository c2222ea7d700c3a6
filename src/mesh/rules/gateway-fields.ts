import * as z from 'zod';
import { quote } from '../../grammar/problem.ts';
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
  );

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

const changedHeaders = z.array(z.strictObject({ name: changedName, value: headerValue })).default([]);

/** Changes of headers. Names are in lower case; only the first entry of each name in a list counts. */
export const headerModifier = z.strictObject({
  set: changedHeaders,
  add: changedHeaders,
  remove: z.array(changedName).default([]),
});

/** Adds that a text is a regular expression of RE2. */
export function checkRegularExpression(text: string, name: string, context: z.RefinementCtx): void {
  const read = readRegularExpression(text);
  if ('problem' in read) context.addIssue({ code: 'custom', path: [name], input: text, message: read.problem });
}

/** How a value is compared. */
const valueMatch = {
  type: z.enum(['Exact', 'RegularExpression']).default('Exact'),
  value: z.string().min(1).max(4096),
};

function named<T extends z.ZodType<string>>(name: T) {
  return z.strictObject({ ...valueMatch, name }).superRefine((match, context) => {
    if (match.type === 'RegularExpression') checkRegularExpression(match.value, 'value', context);
  });
}

/** Header that a request must have. */
export const headerMatch = named(headerName);

/** Query parameter that a request must have. */
export const queryParamMatch = named(z.string().min(1).max(256));

const backendObject = {
  group: z.string().default(''),
  kind: z.string().default('Service'),
  name: z.string().min(1),
  namespace: z.string().optional(),
  port: portNumber.optional(),
};

type BackendObject = z.output<z.ZodObject<typeof backendObject>>;

function namesPort({ group, kind, port }: BackendObject): boolean {
  return group !== '' || kind !== 'Service' || port !== undefined;
}

const needsPort = { path: ['port'], error: 'is required for a Service' };

/** A port of a Service, or another object that answers requests, which none of ours does. */
export const backendObjectRef = z.strictObject(backendObject).refine(namesPort, needsPort);

/** The fields of an object that gets a share of requests. */
export const weightedBackend = { ...backendObject, weight: z.int().min(0).max(1_000_000).default(1) };

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
  group: z.string().default(gatewayGroup),
  kind: z.string().default('Gateway'),
  namespace: z.string().optional(),
  name: z.string(),
  sectionName: z.string().optional(),
  port: portNumber.optional(),
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
  return z.enum(types);
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
