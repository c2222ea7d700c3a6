import { quote } from '../../grammar/problem.ts';
import type { Finding } from '../rules/finding.ts';
import type { AuthorizationPolicy } from '../rules/security/authorization-policy.ts';
import type { Rule } from '../rules/rule.ts';
import type { Pod } from '../world/pod.ts';
import { leadingPorts, type LeadingPort } from './port-notices.ts';
import type { Known } from './service-traffic.ts';

type Policy = Pick<Rule<AuthorizationPolicy>, 'ref'> & { readonly spec: AuthorizationPolicy };
type PolicyRule = AuthorizationPolicy['rules'][number];

/** Istio's name for the trust domain of the mesh, whatever it is called. */
const ownDomain = 'cluster.local';

/** Principals with the pointers to them. */
function principalsOf({ from = [], when = [] }: PolicyRule, at: string): readonly (readonly [string, string])[] {
  const listed = (list: readonly string[] | undefined, field: string) =>
    (list ?? []).map((value, index) => [`${at}/${field}/${index}`, value] as const);
  return [
    ...from.flatMap(({ source }, index) => [
      ...listed(source.principals, `from/${index}/source/principals`),
      ...listed(source.notPrincipals, `from/${index}/source/notPrincipals`),
    ]),
    ...when.flatMap(({ key, values, notValues }, index) =>
      key === 'source.principal'
        ? [...listed(values, `when/${index}/values`), ...listed(notValues, `when/${index}/notValues`)]
        : [],
    ),
  ];
}

/** Principals that no certificate of the mesh can have. */
export function foreignPrincipals({ domains }: Pick<Known, 'domains'>, { spec }: Policy): readonly Finding[] {
  return spec.rules.flatMap((rule, index) =>
    principalsOf(rule, `/spec/rules/${index}`).flatMap(([field, value]): Finding[] => {
      const [domain = '', ...rest] = value.split('/');
      if (rest.length === 0 || domain.startsWith('*') || domain === domains.trust) return [];
      if (domain === ownDomain && rest.length === 4) return [];
      const sentence = `${quote(value)}: no certificate of this mesh has the trust domain ${quote(domain)}; it is ${domains.trust}`;
      return [{ field, effect: 'warning', code: 'OtherTrustDomain', sentence }];
    }),
  );
}

/** How many values a list has without a warning. */
const mostValues = 1_000;

/** Lists that cost every request something. */
export function longLists({ spec: { rules } }: Policy): readonly Finding[] {
  const lists = rules.flatMap(({ from = [], to = [], when = [] }, rule) => [
    ...from.map(({ source }, index) => [`${rule}/from/${index}/source`, source] as const),
    ...to.map(({ operation }, index) => [`${rule}/to/${index}/operation`, operation] as const),
    ...when.map((condition, index) => [`${rule}/when/${index}`, condition] as const),
  ]);
  return lists.flatMap(([at, fields]) =>
    Object.entries(fields).flatMap(([name, values]): Finding[] => {
      if (!Array.isArray(values) || values.length <= mostValues) return [];
      const sentence = `${values.length} values, which each proxy keeps and compares with one after another; more than ${mostValues} cost milliseconds a request and, as paths that are denied, megabytes: use patterns, or namespaces in the place of identities`;
      return [{ field: `/spec/rules/${at}/${name}`, effect: 'warning', code: 'LongList', sentence }];
    }),
  );
}

/** Where a rule asks for something of HTTP, of a port that has none; undefined if it does not, or names other ports. */
function httpField({ to = [], when = [] }: PolicyRule, at: string, bytes: LeadingPort): string | undefined {
  const isAbout = ({ ports = [] }: (typeof to)[number]['operation']): boolean =>
    ports.length === 0 || ports.some((port) => bytes.targets.has(Number(port)));
  const fields = ['hosts', 'notHosts', 'methods', 'notMethods', 'paths', 'notPaths'] as const;
  for (const [index, { operation }] of to.entries()) {
    const field = fields.find((name) => (operation[name] ?? []).length > 0);
    if (field !== undefined && isAbout(operation)) return `${at}/to/${index}/operation/${field}`;
  }
  if (to.length > 0 && !to.some(({ operation }) => isAbout(operation))) return undefined;
  const header = when.findIndex(({ key }) => key.startsWith('request.headers['));
  return header < 0 ? undefined : `${at}/when/${header}/key`;
}

/** Rules about HTTP that govern ports of which Services say that they have none. */
export function httpOnBytes(
  { world }: Pick<Known, 'world'>,
  { spec }: Policy,
  pods: readonly Pod[],
): readonly Finding[] {
  if (spec.action === 'AUDIT') return [];
  const withoutHttp = leadingPorts(world, pods).filter(({ protocol }) => protocol === 'tcp');
  const effect =
    spec.action === 'ALLOW'
      ? 'the rule allows nothing there'
      : 'the rule counts there without that condition, and denies more';
  return spec.rules.flatMap((rule, index): readonly Finding[] => {
    const found = withoutHttp.flatMap((port): readonly Finding[] => {
      const field = httpField(rule, `/spec/rules/${index}`, port);
      const sentence = `port ${port.number} of Service ${port.service} has no HTTP: ${effect}; say with "ports" which other ports of the pods the rule is about`;
      return field === undefined ? [] : [{ field, effect: 'warning', code: 'HttpFieldOnBytes', sentence }];
    });
    return found.slice(0, 1);
  });
}
