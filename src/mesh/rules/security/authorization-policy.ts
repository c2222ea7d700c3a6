import * as z from 'zod';
import { objectMember, stringMember, type JsonObject } from '../../../json/json.ts';
import { quote } from '../../../grammar/problem.ts';
import type { Finding } from '../finding.ts';
import { refused } from '../reading.ts';
import { checkAccess } from './access-checks.ts';
import { accessRule, mostItems, tooMany } from './access-rule.ts';
import { readClosed, type ClosedRule } from './closed-reading.ts';
import { workloadSelector } from './selector.ts';

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
    .array(accessRule)
    .max(mostItems, { error: tooMany })
    .default([])
    .describe('One of them has to match. Without any, none does: `ALLOW` then denies everything. `{}` always matches.'),
});

/** The `spec` of an AuthorizationPolicy, and whether it is only tried: what it would do is said, and not done. */
export type AuthorizationPolicy = z.output<typeof authorizationPolicySpec> & { readonly isDryRun: boolean };

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
