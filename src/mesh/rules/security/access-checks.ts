import { quote } from '../../../grammar/problem.ts';
import type { Effect, Finding } from '../finding.ts';
import type { AccessOperation, AccessRuleSpec, AccessSource } from './access-rule.ts';
import { isTemplate } from './access-values.ts';

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

function each(
  part: Readonly<Record<string, unknown>>,
  names: readonly string[],
  at: string,
  say: (value: string) => readonly [code: string, sentence: string] | undefined,
): Finding[] {
  return names.flatMap((name) =>
    ((part[name] ?? []) as readonly string[]).flatMap((value, index) => {
      const said = say(value);
      return said === undefined
        ? []
        : [find('warning', said[0], `${at}/${name}/${index}`, `${quote(value)}: ${said[1]}`)];
    }),
  );
}

function starProblem(value: string): readonly [string, string] | undefined {
  const inner = value.replace(/^\*/, '').replace(value.startsWith('*') ? '' : /\*$/, '');
  return inner.includes('*')
    ? ['LiteralStar', 'only one * at the beginning or at the end stands for any text; this one is compared as it is']
    : undefined;
}

/** Whether a path is as RFC 3986 (section 6.2.2) has it: nothing encoded that need not be, no dot segments. */
const abnormal = /\\|%(?:4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9ae]|3[0-9]|2[de])|(?:^|\/)\.{1,2}(?:\/|$)/i;

function pathProblem(value: string): readonly [string, string] | undefined {
  if (/[?#]/.test(value)) return ['NeverMatches', 'a path is compared without its query, and has no "?" or "#"'];
  if (!/^[/*]/.test(value)) return ['NeverMatches', 'a path begins with "/"'];
  if (abnormal.test(value)) {
    return ['NotNormal', 'no request fits: write it without dot segments and backslashes, and letters as they are'];
  }
  return isTemplate(value) ? undefined : starProblem(value);
}

function principalProblem(value: string): readonly [string, string] | undefined {
  if (/^\*?spiffe:/.test(value)) return ['NeverMatches', 'leave out spiffe://, which is put in front'];
  return starProblem(value);
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
    ...each(source, ['principals', 'notPrincipals'], at, principalProblem),
  ];
}

function checkOperation(operation: AccessOperation, at: string): Finding[] {
  return [
    ...checkLists(operation, at, 'request'),
    ...each(operation, ['hosts', 'notHosts'], at, starProblem),
    ...each(operation, ['methods', 'notMethods'], at, (value) =>
      /^[a-z]+$/.test(value) ? ['NeverMatches', 'methods are written in upper case'] : starProblem(value),
    ),
    ...each(operation, ['paths', 'notPaths'], at, pathProblem),
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
    ...spec.rules.flatMap(({ from = [], to = [] }, index) => [
      ...from.flatMap(({ source }, at) => checkSource(source, `/spec/rules/${index}/from/${at}/source`, spec.action)),
      ...to.flatMap(({ operation }, at) => checkOperation(operation, `/spec/rules/${index}/to/${at}/operation`)),
    ]),
  ];
}
