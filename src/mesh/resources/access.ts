import { accessFilterNames, routeAccess, tcpAccessFilter } from '../../envoy/access-filters.ts';
import type { JsonObject } from '../../json/json.ts';
import type { AccessPlan, AccessRule, AccessRules, Condition } from '../plan/access-plan.ts';
import { permissionsOf, principalsOf } from './access/conditions.ts';
import { gateOf } from './access/connection-gate.ts';

type Action = keyof AccessPlan;

const forHttp: ReadonlySet<string> = new Set(['host', 'method', 'path', 'header']);

function isForHttp({ attribute }: Condition<string>): boolean {
  return forHttp.has(attribute);
}

type Part = 'principals' | 'permissions';

const joined = {
  principals: {
    all: (ids: readonly JsonObject[]): JsonObject => ({ and_ids: { ids } }),
    any: (ids: readonly JsonObject[]): JsonObject => ({ or_ids: { ids } }),
  },
  permissions: {
    all: (rules: readonly JsonObject[]): JsonObject => ({ and_rules: { rules } }),
    any: (rules: readonly JsonObject[]): JsonObject => ({ or_rules: { rules } }),
  },
} as const satisfies Readonly<Record<Part, object>>;

function all(part: Part, some: readonly JsonObject[]): JsonObject {
  const [first] = some;
  if (first === undefined) return { any: true };
  return some.length === 1 ? first : joined[part].all(some);
}

/** Returns `Principal`s or `Permission`s of which one has to hold: each is all of a match, and of what has to hold besides. */
function oneWith<C>(
  part: Part,
  matches: readonly (readonly C[])[],
  also: readonly C[],
  write: (condition: C) => readonly JsonObject[],
): readonly JsonObject[] {
  const besides = also.flatMap(write);
  const written = matches.map((match) => match.flatMap(write));
  if (besides.length === 0) return written.map((some) => all(part, some));
  const [first = []] = written;
  if (written.length === 1) return [all(part, [...first, ...besides])];
  return [joined[part].all([joined[part].any(written.map((some) => all(part, some))), ...besides])];
}

/** Returns an `envoy.config.rbac.v3.Policy`. */
function policyOf({ clients, requests, also }: AccessRule, action: Action, trustDomain: string): JsonObject {
  return {
    permissions: oneWith('permissions', requests, also.requests, (one) => permissionsOf(one, action !== 'allow')),
    principals: oneWith('principals', clients, also.clients, (one) => principalsOf(one, trustDomain)),
  };
}

/**
 * Returns a rule for connections without HTTP, as in Istio: one that allows by something of HTTP allows nothing; one that denies does so without
 * that condition. Both let less through.
 */
function withoutHttp(rule: AccessRule, action: Action): readonly AccessRule[] {
  const { clients, requests, also } = rule;
  if (action === 'allow') {
    const matches = [...clients, ...requests, also.clients, also.requests];
    return matches.some((match) => match.some(isForHttp)) ? [] : [rule];
  }
  const rest = <C extends Condition<string>>(match: readonly C[]): readonly C[] =>
    match.filter((one) => !isForHttp(one));
  return [
    {
      ...rule,
      clients: clients.map(rest),
      requests: requests.map(rest),
      also: { clients: rest(also.clients), requests: rest(also.requests) },
    },
  ];
}

/** Returns an `envoy.config.rbac.v3.RBAC`; undefined if it would do nothing. What allows without any rule denies everything. */
function rbacOf(rules: readonly AccessRule[] | undefined, action: Action, trustDomain: string): JsonObject | undefined {
  if (rules === undefined || (rules.length === 0 && action !== 'allow')) return undefined;
  return {
    action: action === 'deny' ? 'DENY' : 'ALLOW',
    policies: Object.fromEntries(rules.map((rule) => [rule.name, policyOf(rule, action, trustDomain)])),
  };
}

/** What one filter is told: what it enforces, and what it only says. */
function configOf(
  plan: AccessPlan,
  action: Action,
  trustDomain: string,
  change: (rule: AccessRule) => readonly AccessRule[],
): JsonObject | undefined {
  const { enforced, tried }: AccessRules = plan[action];
  const [real, trial] = [enforced, tried].map((rules) => rbacOf(rules?.flatMap(change), action, trustDomain));
  const rules = action === 'audit' ? undefined : real;
  const shadow = action === 'audit' ? real : trial;
  if (rules === undefined && shadow === undefined) return undefined;
  return {
    ...(rules === undefined ? {} : { rules }),
    ...(shadow === undefined
      ? {}
      : { shadow_rules: shadow, shadow_rules_stat_prefix: accessFilterNames[action].shadow }),
  };
}

const order: readonly Action[] = ['audit', 'deny', 'allow'];

/** Returns the `typed_per_filter_config` of the routes of a pod: who may make requests. */
export function httpAccess(plan: AccessPlan, trustDomain: string): JsonObject {
  return Object.fromEntries(
    order.flatMap((action) => {
      const config = configOf(plan, action, trustDomain, (rule) => [rule]);
      return config === undefined ? [] : [[accessFilterNames[action].name, routeAccess(config)] as const];
    }),
  );
}

/** Returns the network filters that come before a connection without HTTP is proxied: who may have one. */
export function tcpAccess(plan: AccessPlan, trustDomain: string): readonly JsonObject[] {
  const enforced = (action: 'deny' | 'allow'): readonly AccessRule[] | undefined =>
    plan[action].enforced?.flatMap((rule) => withoutHttp(rule, action));
  const gate = gateOf(enforced('deny') ?? [], enforced('allow'), trustDomain);
  return [
    ...(gate === undefined ? [] : [gate]),
    ...order.flatMap((action) => {
      const config = configOf(plan, action, trustDomain, (rule) => withoutHttp(rule, action));
      return config === undefined ? [] : [tcpAccessFilter(action, config)];
    }),
  ];
}
