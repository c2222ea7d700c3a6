import { headerOf } from '../rules/security/access-condition.ts';
import type { AccessRuleSpec } from '../rules/security/access-rule.ts';
import type { AuthorizationPolicy } from '../rules/security/authorization-policy.ts';
import type { Rule } from '../rules/rule.ts';
import type { Rules } from '../rules/rule-kinds.ts';
import { governs, type Selectable } from '../rules/security/selector.ts';

/** What of a client is compared. */
export type ClientAttribute =
  'principal' | 'namespace' | 'serviceAccount' | 'trustDomain' | 'peerIp' | 'remoteIp' | 'header';

/** What of a request is compared. */
export type RequestAttribute = 'host' | 'method' | 'path' | 'port' | 'destinationIp' | 'serverName';

/** One of the values fits, if there are any, and none of the others. */
export interface Condition<A> {
  readonly attribute: A;
  /** Of a header. */
  readonly name?: string;
  readonly values: readonly string[];
  readonly notValues: readonly string[];
}

/** All of some conditions. */
export type ClientMatch = readonly Condition<ClientAttribute>[];
export type RequestMatch = readonly Condition<RequestAttribute>[];

/** A client and a request, of each of which one match fits, and what has to hold of both besides. */
export interface AccessRule {
  /** Tells where it comes from: `ns[NAMESPACE]-policy[NAME]-rule[INDEX]`, as in Istio. */
  readonly name: string;
  readonly clients: readonly ClientMatch[];
  readonly requests: readonly RequestMatch[];
  /** Said once, and not with each client and request: their product has no bound. */
  readonly also: { readonly clients: ClientMatch; readonly requests: RequestMatch };
}

/** Rules of policies with one action. */
export interface AccessRules {
  /** Undefined if there is no policy; without any rule, none matches. */
  readonly enforced?: readonly AccessRule[];
  /** Of policies that are only tried. */
  readonly tried?: readonly AccessRule[];
}

/** Who may call a pod: what is denied, and of the rest what is allowed; everything if nothing is said. */
export interface AccessPlan {
  readonly deny: AccessRules;
  readonly allow: AccessRules;
  /** What is marked. */
  readonly audit: AccessRules;
}

/** The plan of a pod that no policy governs. */
export const openAccess: AccessPlan = { deny: {}, allow: {}, audit: {} };

/** The plan of a pod that nobody may call. */
export const closedAccess: AccessPlan = {
  ...openAccess,
  deny: { enforced: [{ name: 'closed', clients: [[]], requests: [[]], also: { clients: [], requests: [] } }] },
};

function given<A extends string>(
  attribute: A,
  values: readonly string[] = [],
  notValues: readonly string[] = [],
  name?: string,
): readonly Condition<A>[] {
  if (values.length + notValues.length === 0) return [];
  return [{ attribute, values, notValues, ...(name === undefined ? {} : { name }) }];
}

const keysOfClient: Readonly<Record<string, ClientAttribute>> = {
  'source.ip': 'peerIp',
  'remote.ip': 'remoteIp',
  'source.namespace': 'namespace',
  'source.serviceAccount': 'serviceAccount',
  'source.principal': 'principal',
  'source.trustDomain': 'trustDomain',
};

const keysOfRequest: Readonly<Record<string, RequestAttribute>> = {
  'destination.ip': 'destinationIp',
  'destination.port': 'port',
  'connection.sni': 'serverName',
};

/** Returns names of ServiceAccounts with their namespaces; by default it is that of the policy. */
function complete(names: readonly string[] | undefined, namespace: string): readonly string[] {
  return (names ?? []).map((name) => (name.includes('/') ? name : `${namespace}/${name}`));
}

function translate(
  { from = [{ source: {} }], to = [{ operation: {} }], when = [] }: AccessRuleSpec,
  namespace: string,
): Omit<AccessRule, 'name'> {
  const clients = when.flatMap(({ key, values = [], notValues = [] }): ClientMatch => {
    const header = headerOf(key);
    if (header !== undefined) return given('header', values, notValues, header);
    const attribute = keysOfClient[key];
    if (attribute === undefined) return [];
    const isAccount = attribute === 'serviceAccount';
    const texts = [values, notValues].map((list) => (isAccount ? complete(list, namespace) : list));
    return given(attribute, texts[0], texts[1]);
  });
  const requests = when.flatMap(({ key, values, notValues }): RequestMatch => {
    const attribute = keysOfRequest[key];
    return attribute === undefined ? [] : given(attribute, values, notValues);
  });
  return {
    clients: from.map(({ source }) => [
      ...given('principal', source.principals, source.notPrincipals),
      ...given('namespace', source.namespaces, source.notNamespaces),
      ...given(
        'serviceAccount',
        complete(source.serviceAccounts, namespace),
        complete(source.notServiceAccounts, namespace),
      ),
      ...given('trustDomain', source.trustDomains, source.notTrustDomains),
      ...given('peerIp', source.ipBlocks, source.notIpBlocks),
      ...given('remoteIp', source.remoteIpBlocks, source.notRemoteIpBlocks),
    ]),
    requests: to.map(({ operation }) => [
      ...given('host', operation.hosts, operation.notHosts),
      ...given('method', operation.methods, operation.notMethods),
      ...given('path', operation.paths, operation.notPaths),
      ...given('port', operation.ports, operation.notPorts),
    ]),
    also: { clients, requests },
  };
}

type Policy = Rule<AuthorizationPolicy> & { readonly spec: AuthorizationPolicy };

function rulesOf(policies: readonly Policy[], action: AuthorizationPolicy['action']): AccessRules {
  const some = (isDryRun: boolean): readonly AccessRule[] | undefined => {
    const chosen = policies.filter(({ spec }) => spec.action === action && spec.isDryRun === isDryRun);
    if (chosen.length === 0) return undefined;
    return chosen.flatMap(({ ref, spec }) =>
      spec.rules.map((rule, index) => ({
        name: `ns[${ref.namespace}]-policy[${ref.name}]-rule[${index}]`,
        ...translate(rule, ref.namespace),
      })),
    );
  };
  const [enforced, tried] = [some(false), some(true)];
  return { ...(enforced === undefined ? {} : { enforced }), ...(tried === undefined ? {} : { tried }) };
}

/** Returns who may call a pod. */
export function planAccess(
  { AuthorizationPolicy: all }: Pick<Rules, 'AuthorizationPolicy'>,
  pod: Selectable,
  rootNamespace: string,
): AccessPlan {
  const policies = [...all.entries()]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([, rule]): readonly Policy[] => {
      const { ref, spec } = rule;
      if (spec === undefined || !governs(ref.namespace, spec.selector, pod, rootNamespace)) return [];
      return [{ ...rule, spec }];
    });
  return {
    deny: rulesOf(policies, 'DENY'),
    allow: rulesOf(policies, 'ALLOW'),
    audit: rulesOf(policies, 'AUDIT'),
  };
}

/** Sorts the policies of a cluster, and returns who may call a pod. */
export function indexAccess(
  { AuthorizationPolicy: all }: Pick<Rules, 'AuthorizationPolicy'>,
  rootNamespace: string,
): (pod: Selectable) => AccessPlan {
  const byNamespace = new Map<string, Map<string, Rule<AuthorizationPolicy>>>();
  for (const [key, rule] of all) {
    const { namespace } = rule.ref;
    byNamespace.set(namespace, (byNamespace.get(namespace) ?? new Map()).set(key, rule));
  }
  return (pod) => {
    const some = new Set([rootNamespace, pod.namespace]);
    const AuthorizationPolicy = new Map([...some].flatMap((namespace) => [...(byNamespace.get(namespace) ?? [])]));
    return AuthorizationPolicy.size === 0 ? openAccess : planAccess({ AuthorizationPolicy }, pod, rootNamespace);
  };
}
