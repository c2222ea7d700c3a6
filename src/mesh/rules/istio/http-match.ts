import * as z from 'zod';
import { dnsLabel, headerName, labels, mapOf, mapOfHeaders, portNumber, regularExpression } from './values.ts';

/** How a text is compared. A regular expression is RE2's, and has to match the whole text. */
export type StringMatch =
  { readonly type: 'exact' | 'prefix' | 'regex'; readonly value: string } | { readonly type: 'present' };

const pathPrefix = z.string();
const textPrefix = z.string().min(1, { error: 'must not be empty: leave the comparison out, or give the beginning' });

/** A header that is there with any value; this is Istio's, not RE2's. */
const expressionOrAny = z.string().superRefine((text, context) => {
  if (text === '*') return;
  for (const issue of regularExpression.safeParse(text).error?.issues ?? []) {
    context.addIssue({ code: 'custom', message: issue.message, input: text });
  }
});

function stringMatch(prefix: z.ZodType<string>, regex: z.ZodType<string>) {
  return z
    .strictObject({
      exact: z.string().optional().describe('The whole text.'),
      prefix: prefix.optional().describe('Its beginning.'),
      regex: regex.optional().describe('A regular expression of RE2 that matches the whole text.'),
    })
    .superRefine((match, context) => {
      const given = Object.entries(match).filter(([, value]) => value !== undefined);
      if (given.length > 1) {
        const names = given.map(([name]) => name).join(' and ');
        context.addIssue({ code: 'custom', message: `has ${names}; allowed: one of exact, prefix and regex` });
      }
    })
    .transform((match): StringMatch => {
      for (const type of ['exact', 'prefix', 'regex'] as const) {
        const value = match[type];
        if (value !== undefined && !(type === 'regex' && value === '*')) return { type, value };
      }
      return { type: 'present' };
    });
}

const uri = stringMatch(pathPrefix, regularExpression);
const text = stringMatch(textPrefix, regularExpression);
const textOrAny = stringMatch(textPrefix, expressionOrAny);

const pseudoHeaders: ReadonlySet<string> = new Set([':method', ':scheme', ':authority', ':path']);

const comparedHeader = z.string().superRefine((name, context) => {
  if (pseudoHeaders.has(name)) return;
  const problem = name.startsWith('@request.auth.claims')
    ? 'claims of tokens are not supported: they need istiod and a gateway; compare a header instead'
    : headerName.safeParse(name).error?.issues[0]?.message;
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem, input: name });
});

/** Istio's HTTPMatchRequest: everything in it must hold. */
export const httpMatch = z.strictObject({
  name: z.string().optional().describe('Part of the name of the route in access logs.'),
  uri: uri.optional().describe('The path, without its query.'),
  scheme: text.optional().describe('`http` or `https`.'),
  method: text.optional().describe('The method.'),
  authority: text.optional().describe('The Host header.'),
  headers: mapOfHeaders(comparedHeader, textOrAny)
    .optional()
    .describe('Headers by name. `{}`, and the regular expression `*`, hold for any value.'),
  withoutHeaders: mapOfHeaders(comparedHeader, textOrAny)
    .optional()
    .describe('Headers that must not be so. A comparison of a value also holds if there is none.'),
  queryParams: mapOf(z.string().min(1, { error: 'must not be empty' }), textOrAny)
    .optional()
    .describe('Parameters of the query by name.'),
  port: portNumber.optional().describe('Port of the Service that is called.'),
  sourceLabels: labels.optional().describe("Labels of the client's pod. Not looked at if `gateways` is given."),
  sourceNamespace: dnsLabel.optional().describe("Namespace of the client's pod. Not looked at if `gateways` is given."),
  gateways: z
    .array(z.string())
    .optional()
    .describe("In the place of the object's: the block counts for pods if `mesh` is among them."),
  ignoreUriCase: z.boolean().optional().describe('Whether case is ignored in the path; not for regular expressions.'),
  statPrefix: z.string().optional().describe('Without effect: proxies keep no statistics of single routes.'),
});
