import * as z from 'zod';
import { objectMember, stringMember, type JsonObject } from '../../../json/json.ts';
import { quote } from '../../../grammar/problem.ts';
import type { Finding } from '../finding.ts';
import { refused } from '../reading.ts';
import { blocks, paths, patterns, ports, serviceAccounts, trustDomains } from './access-values.ts';
import { checkAccess } from './access-checks.ts';
import { condition } from './access-condition.ts';
import { readClosed, type ClosedRule } from './closed-reading.ts';
import { workloadSelector } from './selector.ts';

const tokens = 'tokens of requests (JWT) need istiod with RequestAuthentication; use principals';

const source = z.strictObject({
  principals: patterns.describe(
    'Identities in client certificates, `cluster.local/ns/shop/sa/cart`; `cluster.local` is the trust domain of the mesh. Clients in plain text have none.',
  ),
  notPrincipals: patterns.describe('None of them. Clients in plain text are none of them.'),
  requestPrincipals: refused(tokens),
  notRequestPrincipals: refused(tokens),
  namespaces: patterns.describe('Namespaces in client certificates; `*` anywhere is any text.'),
  notNamespaces: patterns.describe('None of them. Clients in plain text are in none of them.'),
  serviceAccounts: serviceAccounts.describe(
    'ServiceAccounts in client certificates: `<namespace>/<name>`, or the name of one in the namespace of the object. Not beside principals or namespaces.',
  ),
  notServiceAccounts: serviceAccounts.describe('None of them.'),
  trustDomains: trustDomains.describe('Trust domains in client certificates.'),
  notTrustDomains: trustDomains.describe('None of them.'),
  ipBlocks: blocks.describe('Addresses of the peer of the connection, which may be a gateway.'),
  notIpBlocks: blocks.describe('None of them.'),
  remoteIpBlocks: blocks.describe(
    'The last address in `X-Forwarded-For`, which every client can write as it likes; of connections without HTTP, the address of the peer.',
  ),
  notRemoteIpBlocks: blocks.describe('None of them.'),
});

const operation = z.strictObject({
  hosts: patterns.describe('Host headers, with the port if there is one; case is ignored.'),
  notHosts: patterns.describe('None of them.'),
  methods: patterns.describe('Methods of HTTP.'),
  notMethods: patterns.describe('None of them.'),
  paths: paths.describe(
    'Paths without their query: patterns, or templates with `{*}` for one segment and `{**}` for any number. Case counts.',
  ),
  notPaths: paths.describe('None of them.'),
  ports: ports.describe("Ports of the container, not of the Service: `['8080']`."),
  notPorts: ports.describe('None of them.'),
});

const rule = z.strictObject({
  from: z
    .array(
      z.strictObject({ source: source.describe('A client: all fields have to fit, and of each field one value.') }),
    )
    .min(1, { error: 'must not be empty: leave it out for any client' })
    .optional()
    .describe('Clients, one of which has to fit. Default: any, also in plain text.'),
  to: z
    .array(z.strictObject({ operation: operation.describe('A request: all fields have to fit.') }))
    .min(1, { error: 'must not be empty: leave it out for any request' })
    .optional()
    .describe('Requests, one of which has to fit. Default: any.'),
  when: z.array(condition).optional().describe('More conditions, all of which have to hold.'),
});

const elsewhere = 'only pods of the mesh are protected here; use selector';

/** Schema of the `spec` of an AuthorizationPolicy. */
export const authorizationPolicySpec = z.strictObject({
  selector: workloadSelector
    .optional()
    .describe('Pods of the namespace. Default: all; in the root namespace, those of all namespaces.'),
  targetRef: refused(elsewhere),
  targetRefs: refused(elsewhere),
  action: z
    .enum(['ALLOW', 'DENY', 'AUDIT'], {
      error: 'allowed: ALLOW, DENY and AUDIT; CUSTOM needs istiod with an external authorizer',
    })
    .default('ALLOW')
    .describe(
      'What becomes of the requests that a rule matches. `DENY` counts before `ALLOW`; once a pod has a policy that allows, what none of them allows is denied. `AUDIT` only marks them in the access log.',
    ),
  provider: refused('it belongs to action CUSTOM, which needs istiod with an external authorizer'),
  rules: z
    .array(rule)
    .default([])
    .describe('One of them has to match. Without any, none does: `ALLOW` then denies everything. `{}` always matches.'),
});

/** The `spec` of an AuthorizationPolicy, and whether it is only tried: what it would do is said, and not done. */
export type AuthorizationPolicy = z.output<typeof authorizationPolicySpec> & { readonly isDryRun: boolean };

/** A rule of an AuthorizationPolicy. */
export type AuthorizationRule = AuthorizationPolicy['rules'][number];

const dryRun = 'istio.io/dry-run';
/** What Go's strconv.ParseBool takes. */
const booleans: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false] as const),
]);

function checkDryRun(text: string | undefined, action: string): readonly Finding[] {
  if (text === undefined) return [];
  const say = (sentence: string): Finding => ({
    field: '/metadata/annotations/istio.io~1dry-run',
    effect: 'refused',
    code: 'InvalidValue',
    sentence,
  });
  if (!booleans.has(text)) return [say(`${quote(text)}: allowed: "true" and "false"`)];
  return action === 'AUDIT' ? [say('a policy that only marks requests cannot be tried; leave the annotation out')] : [];
}

/** Returns what one does that is not understood: it denies everything, unless it would only mark requests. */
function strictestAction(object: JsonObject): AuthorizationPolicy['action'] {
  return stringMember(objectMember(object, 'spec'), 'action') === 'AUDIT' ? 'AUDIT' : 'DENY';
}

/** Reads an AuthorizationPolicy. One that is not understood denies everything; if it is only tried, it would; if it audits, it marks everything. */
export function readAuthorizationPolicy(object: JsonObject): ClosedRule<AuthorizationPolicy> {
  const tried = stringMember(objectMember(objectMember(object, 'metadata'), 'annotations'), dryRun);
  const read = readClosed(
    'AuthorizationPolicy',
    object,
    authorizationPolicySpec,
    (selector) => ({ ...(selector === undefined ? {} : { selector }), action: strictestAction(object), rules: [{}] }),
    (spec) => [...checkDryRun(tried, spec.action), ...checkAccess(spec)],
  );
  return { ...read, spec: { ...read.spec, isDryRun: booleans.get(tried ?? '') === true } };
}
