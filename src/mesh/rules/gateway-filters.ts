import * as z from 'zod';
import {
  backendObjectRef,
  filterType,
  headerModifier,
  headerName,
  portNumber,
  withMemberOfType,
  withoutRepeats,
} from './gateway-fields.ts';
import { refused } from './reading.ts';

const requestMirror = z
  .strictObject({
    backendRef: backendObjectRef.describe('What gets copies; its answers are dropped.'),
    percent: z.int().min(0).max(100).optional().describe('Share of the requests. Default: all.'),
    fraction: z
      .strictObject({
        numerator: z.int().min(0).describe('So many'),
        denominator: z.int().min(1).default(100).describe('of so many requests. Default: 100.'),
      })
      .refine(({ numerator, denominator }) => numerator <= denominator, {
        path: ['numerator'],
        error: 'must not be greater than denominator',
      })
      .optional()
      .describe('Share of the requests, in the place of a percentage.'),
  })
  .refine(({ percent, fraction }) => percent === undefined || fraction === undefined, {
    path: ['fraction'],
    error: 'must not be there beside percent',
  });

const hostname = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, {
    error: 'must be a host name in lower case, without a port and without *',
  })
  .max(253);

const path = z
  .strictObject({
    type: z
      .enum(['ReplaceFullPath', 'ReplacePrefixMatch'])
      .describe('Whether the whole path is replaced, or what a match of type `PathPrefix` has matched.'),
    replaceFullPath: z
      .string()
      .max(1024)
      .startsWith('/', { error: 'must start with /' })
      .optional()
      .describe('The new path.'),
    replacePrefixMatch: z
      .string()
      .max(1024)
      .regex(/^(\/|$)/, { error: 'must start with /, or be empty' })
      .optional()
      .describe('What takes the place of the prefix, by whole segments; no slash is doubled.'),
  })
  .superRefine(({ type, replaceFullPath, replacePrefixMatch }, context) => {
    const members = { ReplaceFullPath: replaceFullPath, ReplacePrefixMatch: replacePrefixMatch };
    for (const [owner, name] of [
      ['ReplaceFullPath', 'replaceFullPath'],
      ['ReplacePrefixMatch', 'replacePrefixMatch'],
    ] as const) {
      if ((members[owner] !== undefined) === (type === owner)) continue;
      const message = type === owner ? `is required by type ${type}` : `must not be there with type ${type}`;
      context.addIssue({ code: 'custom', path: [name], message });
    }
  });

const requestRedirect = z.strictObject({
  scheme: z.enum(['http', 'https']).optional().describe('Default: that of the request.'),
  hostname: hostname.optional().describe('Default: that of the request.'),
  path: path.optional().describe('How the path is changed.'),
  port: portNumber.optional().describe('Default: that of the scheme, if one is given, else the one that was called.'),
  statusCode: z.literal([301, 302, 303, 307, 308]).default(302).describe('Default: 302.'),
});

const urlRewrite = z.strictObject({
  hostname: hostname.optional().describe('Host header that the backend gets.'),
  path: path.optional().describe('How the path is changed.'),
});

const allOrNames = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .refine((list) => !list.some((one) => one === '*') || list.length === 1, { error: '* must stand alone' })
    .default([]);

const cors = z
  .strictObject({
    allowOrigins: allOrNames(
      z.string().regex(/^(\*|https?:\/\/((\*\.)?([a-zA-Z0-9-]+\.)*[a-zA-Z0-9-]+|\*)(:[0-9]{1,5})?)$/, {
        error: 'must be *, or scheme and host with an optional port, such as https://*.example.com:8443',
      }),
    ).describe('Origins whose pages may read answers; `*` in a host stands for any number of labels.'),
    allowCredentials: z.boolean().optional().describe('Whether they may send credentials.'),
    allowMethods: allOrNames(
      z.enum(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', '*']),
    ).describe('Methods that they may use.'),
    allowHeaders: allOrNames(headerName).describe('Headers that they may send.'),
    exposeHeaders: z.array(headerName).default([]).describe('Headers of answers that they may read.'),
    maxAge: z.int().min(1).default(5).describe('Seconds for which browsers remember this. Default: 5.'),
  })
  .superRefine(({ allowCredentials, allowHeaders, exposeHeaders }, context) => {
    if (allowCredentials !== true) return;
    for (const [name, list] of Object.entries({ allowHeaders, exposeHeaders })) {
      if (!list.includes('*')) continue;
      const message = 'must name the headers where allowCredentials is true: browsers take * as a name there';
      context.addIssue({ code: 'custom', path: [name], message });
    }
  });

const headers = {
  requestHeaderModifier: headerModifier.optional().describe('Changes of the headers of requests.'),
  responseHeaderModifier: headerModifier.optional().describe('Changes of the headers of answers.'),
};
const extension = refused('no extensions of filters are known; remove the filter');
const authorization = refused('requests are not shown to an external authorizer; remove the filter');

const headersOnly = ['RequestHeaderModifier', 'ResponseHeaderModifier'] as const;

/** Types of filters that HTTPRoute has, in its rules and in their backends. */
const ofHttp = [
  ...headersOnly,
  'RequestMirror',
  'RequestRedirect',
  'URLRewrite',
  'CORS',
  'ExternalAuth',
  'ExtensionRef',
] as const;

/** A filter of a rule of an HTTPRoute. */
export const httpFilters = withoutRepeats(
  z.array(
    withMemberOfType(
      z.strictObject({
        type: filterType(ofHttp),
        ...headers,
        requestMirror: requestMirror.optional().describe('Copies of requests; may be there several times.'),
        requestRedirect: requestRedirect.optional().describe('Requests are answered with another address.'),
        urlRewrite: urlRewrite.optional().describe('Changes of path and host.'),
        cors: cors.optional().describe('Cross-origin requests, which the proxy of the client answers for.'),
        externalAuth: authorization,
        extensionRef: extension,
      }),
    ),
  ),
)
  .refine((filters) => !['RequestRedirect', 'URLRewrite'].every((type) => filters.some((one) => one.type === type)), {
    error: 'RequestRedirect and URLRewrite exclude each other',
  })
  .default([]);

/** A filter of a rule of a GRPCRoute. */
export const grpcFilters = withoutRepeats(
  z.array(
    withMemberOfType(
      z.strictObject({
        type: filterType(['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestMirror', 'ExtensionRef']),
        ...headers,
        requestMirror: requestMirror.optional().describe('Copies of requests; may be there several times.'),
        extensionRef: extension,
      }),
    ),
  ),
).default([]);

const ofRule = refused('Envoy does this for a rule, not for one of its backends; move the filter to the rule');

/** A filter of a backend of an HTTPRoute. */
export const httpBackendFilters = withoutRepeats(
  z.array(
    withMemberOfType(
      z.strictObject({
        type: filterType(ofHttp),
        ...headers,
        requestMirror: ofRule,
        requestRedirect: ofRule,
        urlRewrite: ofRule,
        cors: ofRule,
        externalAuth: authorization,
        extensionRef: extension,
      }),
    ),
  ),
).default([]);

/** A filter of a backend of a GRPCRoute. */
export const grpcBackendFilters = withoutRepeats(
  z.array(
    withMemberOfType(
      z.strictObject({
        type: filterType([...headersOnly, 'RequestMirror', 'ExtensionRef']),
        ...headers,
        requestMirror: ofRule,
        extensionRef: extension,
      }),
    ),
  ),
).default([]);

/** A filter of a rule. */
export type HttpFilter = z.output<typeof httpFilters>[number];

/** What a filter says of cross-origin requests. */
export type CorsFilter = z.output<typeof cors>;

/** How a filter changes a path. */
export type PathModifier = z.output<typeof path>;

/** Changes of headers, as a filter says them. */
export type HeaderModifier = z.output<typeof headerModifier>;
