import * as z from 'zod';
import { headerName } from '../istio/values.ts';
import { blocks, patterns, ports, serviceAccounts, trustDomains } from './access-values.ts';

/** Keys of conditions with the values that each takes. */
const keys: Readonly<Record<string, z.ZodType>> = {
  'source.ip': blocks,
  'remote.ip': blocks,
  'source.namespace': patterns,
  'source.serviceAccount': serviceAccounts,
  'source.principal': patterns,
  'source.trustDomain': trustDomains,
  'destination.ip': blocks,
  'destination.port': ports,
  'connection.sni': patterns,
};

const pseudoHeaders: ReadonlySet<string> = new Set([':method', ':authority', ':scheme']);

const headerKey = /^request\.headers\[(.+)\]$/;

/** Returns the name in the key `request.headers[NAME]`. */
export function headerOf(key: string): string | undefined {
  return headerKey.exec(key)?.[1];
}

const allowedKeys = `allowed: request.headers[NAME], ${Object.keys(keys).join(', ')}`;

function keyProblem(key: string): string | undefined {
  if (Object.hasOwn(keys, key)) return undefined;
  const header = headerOf(key);
  if (header === ':path') return 'is not supported: compare paths with to.operation.paths';
  if (header !== undefined && pseudoHeaders.has(header)) return undefined;
  if (header !== undefined) return headerName.safeParse(header).error?.issues[0]?.message;
  if (key.startsWith('request.auth.')) {
    return 'is not supported: tokens of requests (JWT) need istiod with RequestAuthentication';
  }
  if (key.startsWith('experimental.')) return `is not supported: it names parts of istiod's proxies; ${allowedKeys}`;
  return allowedKeys;
}

/** Istio's Condition. */
export const condition = z
  .strictObject({
    key: z.string().describe(`What is compared. ${allowedKeys[0]?.toUpperCase()}${allowedKeys.slice(1)}.`),
    values: patterns.describe('Values, one of which has to fit.'),
    notValues: patterns.describe('None of them.'),
  })
  .superRefine(({ key, values = [], notValues = [] }, context) => {
    const problem = keyProblem(key);
    if (problem !== undefined) {
      context.addIssue({ code: 'custom', path: ['key'], message: problem, input: key });
      return;
    }
    if (values.length + notValues.length === 0) {
      const message = 'has no values; allowed: at least one of values or notValues';
      context.addIssue({ code: 'custom', message, input: key });
    }
    const schema = keys[key] ?? patterns;
    for (const [name, list] of Object.entries({ values, notValues })) {
      for (const issue of schema.safeParse(list).error?.issues ?? []) {
        const path = [name, ...issue.path];
        const input = list[Number(issue.path[0] ?? 0)];
        context.addIssue({ code: 'custom', path, message: issue.message, input });
      }
    }
  });
