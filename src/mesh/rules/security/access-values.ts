import * as z from 'zod';
import { portNumber } from '../istio/values.ts';

const list = <S extends z.ZodType>(value: S) => z.array(value).optional();

/** A text to compare with, or a pattern: `*`, `x*` or `*x`. */
export const pattern = z
  .string({ error: 'allowed: text' })
  .min(1, { error: 'must not be empty: leave it out, or give a text; "*" is any' })
  .max(1024, { error: 'allowed: at most 1024 characters' });

/** Patterns, one of which has to fit. */
export const patterns = list(pattern);

const block = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: 'allowed: an address such as 10.1.2.3, or a range such as 10.1.0.0/16 or fd00::/8',
});

/** Whether a valid address or range of IPv6 is one of IPv4 addresses in it (RFC 4291, 2.5.5.2): an address of IPv4 is never seen as one of these. */
function isMapped(text: string): boolean {
  const [address = ''] = text.split('/');
  return address.includes(':') && new URL(`http://[${address}]`).hostname.startsWith('[::ffff:');
}

/** Addresses and ranges of addresses. */
export const blocks = list(
  block.refine((text) => !isMapped(text), { error: 'no client has an address like this: write it as one of IPv4' }),
);

const serviceAccount = z
  .string({ error: 'allowed: the name of a ServiceAccount' })
  .max(320, { error: 'allowed: at most 320 characters' })
  .regex(/^(?:[^/*]+\/)?[^/*]+$/, {
    error: "allowed: the name of a ServiceAccount of the object's namespace, or <namespace>/<name>; no wildcards",
  });

/** ServiceAccounts, by name or by namespace and name. */
export const serviceAccounts = z.array(serviceAccount).max(16, { error: 'allowed: at most 16 of them' }).optional();

/** Istio's trust domains: without a slash, and with a wildcard at one end only. */
export const trustDomains = list(
  z.string({ error: 'allowed: a trust domain' }).regex(/^(?:\*|\*?[^/*]+|[^/*]+\*)$/, {
    error: 'allowed: a trust domain, or "*" with the beginning or the end of one',
  }),
);

const port = z
  .string({ error: 'allowed: the number of a port, as text: "8080"' })
  .refine((text) => /^[1-9]\d{0,4}$/.test(text) && portNumber.safeParse(Number(text)).success, {
    error: 'allowed: the number of a port from 1 to 65535; names of ports do not count here',
  });

/** Ports of the container. */
export const ports = list(port);

/** What Envoy takes. */
const longestTemplate = 256;

const templatePart = /^(?:\{\*\}|\{\*\*\}|[a-zA-Z0-9\-._~%!$&'()+,;:@=]+)$/;

function templateProblem(text: string): string | undefined {
  if (!/[{}]/.test(text)) return undefined;
  if (text.length > longestTemplate) return `allowed: a template of at most ${longestTemplate} characters`;
  const parts = text.replaceAll(/^\/+|\/+$/g, '').split('/');
  if (parts.some((part) => !templatePart.test(part))) {
    return 'allowed: {*} for one segment and {**} for any number, each a segment of its own, and no other * or braces';
  }
  const any = parts.indexOf('{**}');
  const isLast = any < 0 || parts.slice(any + 1).every((part) => !part.startsWith('{'));
  return isLast ? undefined : 'allowed: {**} as the last of the templates';
}

/** Paths without a query: patterns, or templates. */
export const paths = list(
  pattern.superRefine((text, context) => {
    const problem = templateProblem(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem, input: text });
  }),
);

/** Whether a path is a template, and not a pattern. */
export function isTemplate(path: string): boolean {
  return path.includes('{');
}
