import * as z from 'zod';
import { refused } from '../reading.ts';
import { headers } from './header-changes.ts';
import { httpMatch } from './http-match.ts';
import { readRegularExpression } from '../regular-expression.ts';
import {
  count,
  dnsLabel,
  duration,
  exactHost,
  headerName,
  headerText,
  percentage,
  portNumber,
  portSelector,
  regularExpression,
  whole,
  wholePercent,
  wrapped,
} from './values.ts';

const destination = z.strictObject({
  host: exactHost.describe(
    "A Service: its name, in the object's namespace, or its full name. A name with a dot is a full one.",
  ),
  subset: dnsLabel.optional().describe("A subset of the Service's DestinationRule."),
  port: portSelector.optional().describe('Port of the Service. Default: its only one, else the one that was called.'),
});

const routeDestination = z.strictObject({
  destination: destination.describe('Where requests go.'),
  weight: count
    .optional()
    .describe('Share of the requests, as one of several; 0 gets none. The only destination of a route gets all.'),
  headers: headers.optional().describe('Changes of headers for this share.'),
});

const path = headerText().regex(/^\//, { error: 'allowed: a path that begins with /' });
const authority = headerText('allowed: a host name, with or without a port')
  .min(1, { error: 'must not be empty' })
  .regex(/^[^\s/?#]*$/, { error: 'allowed: a host name, with or without a port' });

const regexRewrite = z
  .strictObject({
    match: regularExpression.describe('What is replaced, wherever it is in the path.'),
    rewrite: headerText()
      .min(1, { error: 'must not be empty' })
      .describe('What takes its place; `\\1` is what the first group has matched.'),
  })
  .superRefine(({ match, rewrite }, context) => {
    const read = readRegularExpression(match);
    const groups = 'groups' in read ? read.groups : 0;
    const wrong = [...rewrite.matchAll(/\\(.?)/gs)].find(
      ([, of = '']) => of !== '\\' && !(/\d/.test(of) && Number(of) <= groups),
    );
    if (wrong === undefined) return;
    const allowed = `allowed: \\0 to \\${groups}, as the expression has ${groups} groups, and \\\\ for a backslash`;
    context.addIssue({ code: 'custom', path: ['rewrite'], message: `has ${wrong[0]}; ${allowed}`, input: rewrite });
  });

const rewrite = z.strictObject({
  uri: headerText()
    .regex(/^(?:\/|$)/, { error: 'allowed: a path that begins with /' })
    .optional()
    .describe('Takes the place of the prefix, or of the whole path, that `match.uri` has matched, letter by letter.'),
  uriRegexRewrite: regexRewrite.optional().describe('Replaces parts of the path. Not together with `uri`.'),
  authority: authority.optional().describe('Host header that the application gets.'),
});

const redirect = z.strictObject({
  uri: path.optional().describe('Path of the new address.'),
  prefixRewrite: path
    .optional()
    .describe('Takes the place of the prefix that `match.uri` has matched. Not together with `uri`.'),
  authority: authority.optional().describe('Host of the new address.'),
  scheme: z.enum(['http', 'https']).optional().describe('Scheme of the new address.'),
  port: portNumber.optional().describe('Port of the new address; left out if it is the default of the scheme.'),
  derivePort: z
    .enum(['FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT'])
    .optional()
    .describe('Instead of `port`: that of the scheme, or the one that was called.'),
  redirectCode: z
    .union([z.literal(0), z.literal(301), z.literal(302), z.literal(303), z.literal(307), z.literal(308)], {
      error: 'allowed: 301, 302, 303, 307 and 308',
    })
    .optional()
    .describe('Status. Default: 301.'),
});

const mebibyte = 1024 * 1024;
const bodySize = 'must not be larger than 1 MiB: let a Service answer with it';

const directResponse = z.strictObject({
  status: whole(200, 599).describe('Status.'),
  body: z
    .strictObject({
      string: z
        .string()
        .refine((text) => new TextEncoder().encode(text).length <= mebibyte, { error: bodySize })
        .optional()
        .describe('The body as text.'),
      bytes: z
        .base64({ error: 'allowed: base64' })
        .refine((text) => text.length <= (mebibyte * 4) / 3, { error: bodySize })
        .optional()
        .describe('The body in base64.'),
    })
    .refine(({ string, bytes }) => string === undefined || bytes === undefined, {
      error: 'has string and bytes; allowed: one of them',
    })
    .optional()
    .describe('The body. Default: none.'),
});

const conditions: ReadonlySet<string> = new Set([
  '5xx',
  'gateway-error',
  'reset',
  'reset-before-request',
  'connect-failure',
  'envoy-ratelimited',
  'retriable-4xx',
  'refused-stream',
  'retriable-status-codes',
  'retriable-headers',
  'http3-post-connect-failure',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
]);

const retryOn = z.string().transform((text, context) => {
  const words = text.split(',').map((word) => word.trim());
  const given = words.filter((word) => word !== '');
  const isStatus = (word: string): boolean => /^[1-5]\d\d$/.test(word);
  const wrong = given.find((word) => !isStatus(word) && !conditions.has(word));
  if (wrong !== undefined) {
    const allowed = `allowed: status codes and ${[...conditions].join(', ')}`;
    context.addIssue({ code: 'custom', message: `"${wrong}" is no condition of Envoy; ${allowed}`, input: text });
    return z.NEVER;
  }
  return {
    conditions: given.filter((word) => !isStatus(word)),
    statusCodes: given.filter(isStatus).map(Number),
  };
});

const retries = z.strictObject({
  attempts: count.optional().describe('Number of retries, beside the first try. Default: 0, no retries.'),
  perTryTimeout: duration().optional().describe('Time for each try. Default: the timeout of the route.'),
  retryOn: retryOn
    .optional()
    .describe(
      'Conditions of Envoy and status codes, joined by commas. Default: only what the application cannot have started to process.',
    ),
  backoff: duration().optional().describe('Time before the first retry; it grows with each. Default: 25ms.'),
  retryIgnorePreviousHosts: wrapped(z.boolean()).describe(
    'Whether a retry goes to another endpoint than the tries before it, if there is one. Default: yes, except with a consistent hash.',
  ),
  retryRemoteLocalities: wrapped(z.boolean()).describe(
    'Whether retries may leave the zone. Without effect: endpoints of all zones are one group, of which any may be picked.',
  ),
});

const grpcStatuses = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

const share = percentage.optional().describe('Share of the requests. Default: 0, so that nothing happens.');

const delay = z.strictObject({
  fixedDelay: duration().optional().describe('How long a request is held back.'),
  percentage: share,
  percent: wholePercent.optional().describe('Old form of `percentage`.'),
  exponentialDelay: refused('neither Istio nor Envoy has it; use fixedDelay'),
});

const abort = z.strictObject({
  httpStatus: whole(200, 599).optional().describe('Status of the answer.'),
  grpcStatus: z
    .enum(grpcStatuses)
    .transform((name) => grpcStatuses.indexOf(name))
    .optional()
    .describe('Status of gRPC of the answer.'),
  percentage: share,
  http2Error: refused('neither Istio nor Envoy has it; use httpStatus or grpcStatus'),
});

const fault = z.strictObject({
  delay: delay.optional().describe('Requests are held back. They are not tried again because of that.'),
  abort: abort.optional().describe('Requests are answered with an error.'),
});

const mirrors = z.array(
  z.strictObject({
    destination: destination.describe('Where copies go.'),
    percentage: percentage.optional().describe('Share of the requests. Default: 100.'),
  }),
);

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', '*'] as const;

const origin = z
  .strictObject({
    exact: z.string().min(1).optional().describe('The whole origin.'),
    prefix: z.string().min(1).optional().describe('Its beginning.'),
    regex: regularExpression.optional().describe('A regular expression of RE2 that matches the whole origin.'),
  })
  .refine((given) => Object.values(given).filter((value) => value !== undefined).length === 1, {
    error: 'allowed: one of exact, prefix and regex',
  })
  .transform(({ exact, prefix, regex }) => {
    if (exact !== undefined) return { type: 'exact' as const, value: exact };
    return prefix === undefined
      ? { type: 'regex' as const, value: regex ?? '' }
      : { type: 'prefix' as const, value: prefix };
  });

const cors = z.strictObject({
  allowOrigins: z.array(origin).optional().describe('Origins that are let in.'),
  allowOrigin: z.array(headerText().min(1)).optional().describe('Old form of `allowOrigins`: whole origins.'),
  allowMethods: z.array(z.enum(methods)).optional().describe('Methods that are let in.'),
  allowHeaders: z.array(headerName).optional().describe('Headers of requests that are let in.'),
  exposeHeaders: z.array(headerName).optional().describe('Headers of responses that scripts may read.'),
  maxAge: duration(1000, 1000).optional().describe('How long a browser keeps the answer.'),
  allowCredentials: wrapped(z.boolean()).describe('Whether credentials may be sent.'),
  unmatchedPreflights: z
    .enum(['UNSPECIFIED', 'FORWARD', 'IGNORE'])
    .optional()
    .describe('Whether preflight requests of other origins reach the application. Default: FORWARD.'),
});

/** Istio's HTTPRoute. */
export const httpRoute = z.strictObject({
  name: z.string().optional().describe('Name of the route in access logs.'),
  match: z.array(httpMatch).optional().describe('Blocks of which one must hold. Default: all requests.'),
  route: z.array(routeDestination).optional().describe('Destinations and their shares.'),
  redirect: redirect.optional().describe('Requests are answered with another address.'),
  directResponse: directResponse.optional().describe("Requests are answered by the client's proxy."),
  delegate: refused('routes of other objects are not taken in; write them into this object'),
  rewrite: rewrite.optional().describe('What the application gets in the place of path and Host.'),
  timeout: duration(0).optional().describe('For the whole request with its retries; 0s and default: none.'),
  retries: retries
    .optional()
    .describe('When a request is sent again. Default: twice, if the application cannot have started to process it.'),
  fault: fault.optional().describe('Faults that are made on purpose.'),
  mirror: destination.optional().describe('Where copies of requests go. Their answers are dropped.'),
  mirrorPercentage: percentage.optional().describe('Share of the requests that `mirror` gets. Default: 100.'),
  mirrorPercent: wrapped(wholePercent).describe('Old form of `mirrorPercentage`.'),
  mirrors: mirrors.optional().describe('Several destinations of copies. Not together with `mirror`.'),
  corsPolicy: cors.optional().describe("Cross-origin requests, answered by the client's proxy."),
  headers: headers.optional().describe('Changes of headers.'),
});

/** One route of a VirtualService. */
export type HttpRoute = z.output<typeof httpRoute>;

/** One block of what a request has to be like. */
export type HttpMatch = z.output<typeof httpMatch>;

/** A Service, or a part of it, as an object names it. */
export type Destination = z.output<typeof destination>;
