import type { Effect, Finding } from '../finding.ts';
import type { AccessCondition, AccessOperation, AccessRuleSpec, AccessSource } from './access-rule.ts';
import { headerOf } from './access-condition.ts';
import {
  checkValues,
  forbiddenHostProblem,
  headerProblem,
  hostProblem,
  methodProblem,
  namespaceProblem,
  pathProblem,
  principalProblem,
  serverNameProblem,
  serviceAccountProblem,
  type ProblemOf,
} from './value-problems.ts';

/** What is looked at of an AuthorizationPolicy. */
interface Spec {
  readonly action: 'ALLOW' | 'DENY' | 'AUDIT';
  readonly rules: readonly AccessRuleSpec[];
}

function find(effect: Effect, code: string, field: string, sentence: string): Finding {
  return { field, effect, code, sentence };
}

function hasValues(list: readonly string[] | undefined): boolean {
  return list !== undefined && list.length > 0;
}

/** What the fields of a source, operation or condition say together: none of them may say nothing. */
function checkLists(part: AccessSource | AccessOperation, at: string, what: string): Finding[] {
  const lists = Object.entries(part as Readonly<Record<string, readonly string[] | undefined>>);
  if (!lists.some(([, list]) => hasValues(list))) {
    const sentence = `has no values, and does not say which ${what}s; leave the list out for any ${what}`;
    return [find('refused', 'MissingField', at, sentence)];
  }
  return lists
    .filter(([, list]) => list?.length === 0)
    .map(([name]) =>
      find('without-effect', 'EmptyList', `${at}/${name}`, 'is empty, which says nothing: any value fits'),
    );
}

/** The same of a list and of the one that has `not` in front of its name. */
function ofBoth(name: string, problemOf: ProblemOf): Readonly<Record<string, ProblemOf>> {
  return { [name]: problemOf, [`not${name[0]?.toUpperCase() ?? ''}${name.slice(1)}`]: problemOf };
}

function checkSource(source: AccessSource, at: string, action: Spec['action']): Finding[] {
  const ofAccount = hasValues(source.serviceAccounts) || hasValues(source.notServiceAccounts);
  const named = ['principals', 'notPrincipals', 'namespaces', 'notNamespaces'] as const;
  const beside = named.filter((name) => hasValues(source[name]));
  const contradiction = `is beside ${beside.join(' and ')}; allowed: serviceAccounts alone, or the others`;
  const isKnown = ['principals', 'namespaces', 'serviceAccounts', 'trustDomains'] as const;
  const negative = ['notPrincipals', 'notNamespaces', 'notServiceAccounts', 'notTrustDomains'] as const;
  const onlyNot = negative.filter((name) => hasValues(source[name]));
  const takesPlain = action === 'ALLOW' && onlyNot.length > 0 && !isKnown.some((name) => hasValues(source[name]));
  return [
    ...checkLists(source, at, 'client'),
    ...(ofAccount && beside.length > 0
      ? [find('refused', 'Contradiction', at, `serviceAccounts ${contradiction}`)]
      : []),
    ...(takesPlain
      ? [
          find(
            'warning',
            'TakesPlainText',
            `${at}/${onlyNot[0]}`,
            "clients in plain text fit as well, because they have no identity; add principals: ['*'] for clients with one only",
          ),
        ]
      : []),
    ...checkValues(
      source,
      {
        ...ofBoth('principals', principalProblem),
        ...ofBoth('namespaces', namespaceProblem),
        ...ofBoth('serviceAccounts', serviceAccountProblem),
      },
      at,
    ),
  ];
}

/** Names of hosts that a policy keeps out are checked for more than those that it lets in. */
function hostProblems(action: Spec['action']): Readonly<Record<string, ProblemOf>> {
  return {
    hosts: action === 'DENY' ? forbiddenHostProblem : hostProblem,
    notHosts: action === 'ALLOW' ? forbiddenHostProblem : hostProblem,
  };
}

function checkOperation(operation: AccessOperation, at: string, action: Spec['action']): Finding[] {
  return [
    ...checkLists(operation, at, 'request'),
    ...checkValues(
      operation,
      { ...hostProblems(action), ...ofBoth('methods', methodProblem), ...ofBoth('paths', pathProblem) },
      at,
    ),
  ];
}

/** What is looked at in the values of conditions, by their key. */
const problemsOfKey: Readonly<Record<string, ProblemOf>> = {
  'source.principal': principalProblem,
  'source.namespace': namespaceProblem,
  'source.serviceAccount': serviceAccountProblem,
  'connection.sni': serverNameProblem,
  'request.headers[:method]': methodProblem,
};

function checkCondition(condition: AccessCondition, at: string): Finding[] {
  const { key } = condition;
  const header = headerOf(key)?.toLowerCase();
  const isHost = header === 'host' || header === ':authority';
  const problemOf = problemsOfKey[key] ?? (header === undefined ? undefined : headerProblem);
  return [
    ...(isHost
      ? [find('warning', 'CaseCounts', `${at}/key`, 'case counts here: use to.operation.hosts, where it does not')]
      : []),
    ...(problemOf === undefined ? [] : checkValues(condition, ofBoth('values', problemOf), at)),
  ];
}

function checkEmpty({ action, rules }: Spec): Finding[] {
  if (rules.length > 0) return [];
  return action === 'ALLOW'
    ? [
        find(
          'warning',
          'DeniesEverything',
          '/spec',
          'there are no rules, so that nothing is allowed: requests to these pods that no other policy allows are denied',
        ),
      ]
    : [
        find(
          'without-effect',
          'NeverMatches',
          '/spec',
          'there are no rules, and none matches; rules: [{}] always does',
        ),
      ];
}

/** Two items of the list are two rules, each for itself. */
function checkSplit({ rules }: Spec): Finding[] {
  const isGiven = (part: unknown): boolean => part !== undefined;
  const alone = rules.map(({ from, to, when }) =>
    isGiven(when) || isGiven(from) === isGiven(to) ? 'both' : isGiven(from) ? 'client' : 'request',
  );
  const [clients, requests] = [alone.indexOf('client'), alone.indexOf('request')];
  if (clients < 0 || requests < 0) return [];
  const sentence = `names clients only, and rule ${requests} requests only: each counts for itself, for any request and for any client; for both together put them into one item of the list`;
  return [find('warning', 'SeparateRules', `/spec/rules/${clients}`, sentence)];
}

/** Returns what a schema cannot say of an AuthorizationPolicy: what contradicts itself, or is probably not what was meant. */
export function checkAccess(spec: Spec): readonly Finding[] {
  return [
    ...checkEmpty(spec),
    ...checkSplit(spec),
    ...spec.rules.flatMap(({ from = [], to = [], when = [] }, index) => [
      ...from.flatMap(({ source }, at) => checkSource(source, `/spec/rules/${index}/from/${at}/source`, spec.action)),
      ...to.flatMap(({ operation }, at) =>
        checkOperation(operation, `/spec/rules/${index}/to/${at}/operation`, spec.action),
      ),
      ...when.flatMap((condition, at) => checkCondition(condition, `/spec/rules/${index}/when/${at}`)),
    ]),
  ];
}
