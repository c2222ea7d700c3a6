import { askedLabels, viewOf } from '../plan/client-view.ts';
import { emptySubsets } from '../plan/empty-subsets.ts';
import { guardFindings, isGuard } from '../plan/guarded-pods.ts';
import { completeHost, fitOf, hostOf } from '../plan/host-name.ts';
import { unreachedClients, unreachedHosts, unreachedParents } from '../plan/reach.ts';
import { indexRules, parentServices, type Usable } from '../plan/rule-index.ts';
import type { Domains } from '../plan/service-plan.ts';
import { dependsOnClient, planTraffic, type Known } from '../plan/service-traffic.ts';
import { anyClient, type View } from '../plan/view.ts';
import { uniqueFindings, type Finding } from '../rules/finding.ts';
import type { HttpRoute } from '../rules/gateway-route.ts';
import { objectKey, type ObjectRef, type RuleKind } from '../rules/object-ref.ts';
import type { RuleSpecs } from '../rules/rule-kinds.ts';
import type { Rule } from '../rules/rule.ts';
import type { World } from '../world/world.ts';

/** What the author of one object should know. */
export interface Verdict {
  readonly ref: ObjectRef;
  readonly findings: readonly Finding[];
}

/** A rule of any kind. */
export type AnyRule = Rule<RuleSpecs[RuleKind]>;

/** Clients that may be told different things: pods of each namespace that has pods or rules, by the labels that rules ask for. */
function viewsOf(world: World): readonly View[] {
  const views = new Map<string, View>();
  const add = (view: View): void => void views.set(JSON.stringify(view), view);
  const asked = askedLabels(world.rules);
  for (const pod of world.pod.values()) add(viewOf(pod, asked));
  for (const kind of Object.values(world.rules))
    for (const { ref } of kind.values()) add({ ...anyClient, namespace: ref.namespace });
  return [...views.values()];
}

/** Returns the keys of the Services that a rule is about. */
function servicesOf({ world, domains }: Known, rule: AnyRule): readonly string[] {
  if (rule.spec === undefined) return [];
  if ('parentRefs' in rule.spec) {
    return parentServices(rule as Usable<HttpRoute>).filter((key) => world.service.has(key));
  }
  const written = 'hosts' in rule.spec ? rule.spec.hosts : 'host' in rule.spec ? [rule.spec.host] : [];
  const hosts = written.map((host) => completeHost(host, rule.ref.namespace, domains.cluster));
  return [...world.service.values()].flatMap((service) => {
    const own = hostOf(service, domains.cluster);
    return hosts.some((host) => fitOf(host, own) !== undefined) ? [service.key] : [];
  });
}

/** Returns what the rule itself says, and whether it is about something that exists. */
export function ownFindings(known: Known, rule: AnyRule): readonly Finding[] {
  const { ref, spec, findings } = rule;
  if (spec === undefined) return findings;
  if (isGuard(rule)) return [...findings, ...guardFindings(known, rule)];
  if ('hosts' in spec) return [...findings, ...unreachedHosts(known, { ref, spec, findings })];
  if ('host' in spec) return [...findings, ...unreachedClients(known, { ref, spec, findings })];
  if ('parentRefs' in spec) return [...findings, ...unreachedParents(known, { ref, spec })];
  return findings;
}

/** Findings by object, each once. */
function createCollection(rules: readonly AnyRule[]) {
  const found = new Map(rules.map(({ ref }) => [objectKey(ref), { ref, findings: [] as Finding[] }]));
  return {
    add(key: string, some: readonly Finding[]): void {
      found.get(key)?.findings.push(...some);
    },
    isGood: (key: string): boolean => found.get(key)?.findings.every(({ effect }) => effect === 'warning') === true,
    verdicts: (): readonly Verdict[] =>
      [...found.values()].flatMap(({ ref, findings }) =>
        findings.length === 0 ? [] : [{ ref, findings: uniqueFindings(findings) }],
      ),
  };
}

/** What is said of each rule by itself. */
type FindOwn = typeof ownFindings;

const countsForNobody: Finding = {
  field: '/spec/host',
  effect: 'without-effect',
  code: 'CountsForNobody',
  sentence: 'nothing that exists is called by it; "mesh explain" says for a call which objects count instead',
};

/**
 * @param services those whose calls are looked at; all of them, which also tells which rule counts for none. By default those that the rules are about
 */
function analyzeRules(
  world: World,
  domains: Domains,
  rules: readonly AnyRule[],
  findOwn: FindOwn = ownFindings,
  services?: Iterable<string>,
) {
  const known: Known = { world, domains, index: indexRules(world.rules, domains) };
  const collection = createCollection(rules);
  for (const rule of rules) collection.add(objectKey(rule.ref), findOwn(known, rule));
  const views = viewsOf(world);
  const counting = new Set<string>();
  for (const key of services ?? new Set(rules.flatMap((rule) => servicesOf(known, rule)))) {
    const asked = dependsOnClient(known, key) ? [anyClient, ...views] : [anyClient];
    for (const view of asked) {
      const { findings, traffic } = planTraffic(known, key, view);
      for (const [object, some] of findings) collection.add(object, some);
      for (const origin of traffic.origins) counting.add(objectKey(origin));
    }
  }
  if (services !== undefined) {
    for (const { ref } of rules) {
      const key = objectKey(ref);
      const isIdle = ref.kind === 'DestinationRule' && !counting.has(key) && collection.isGood(key);
      if (isIdle) collection.add(key, [countsForNobody]);
    }
  }
  return collection.verdicts();
}

/** Returns also what may be otherwise in a moment. */
function findingsNow(known: Known, rule: AnyRule): readonly Finding[] {
  const { ref, spec, findings } = rule;
  const more = spec !== undefined && 'host' in spec ? emptySubsets(known, { ref, spec, findings }) : [];
  return [...ownFindings(known, rule), ...more];
}

/** Returns what there is to say about each rule of a world, in the order of kinds and names; nothing for those that are in order. */
export function analyze(world: World, domains: Domains): readonly Verdict[] {
  const rules = Object.values(world.rules).flatMap((kind) => [...kind.values()]);
  return analyzeRules(world, domains, rules, findingsNow, world.service.keys());
}

/** Returns what there is to say about one rule in a world that has it. */
export function analyzeRule(world: World, domains: Domains, rule: AnyRule): readonly Finding[] {
  return analyzeRules(world, domains, [rule])[0]?.findings ?? [];
}

/**
 * Returns what is new about VirtualServices after a change of DestinationRules, by which subsets that they name may be gone. Of all
 * objects, only those are looked at that send to a host whose rule has changed.
 */
export function analyzeConsequences(before: World, after: World, domains: Domains): readonly Verdict[] {
  const rulesOf = (world: World): ReadonlyMap<string, AnyRule> => world.rules.DestinationRule;
  if (rulesOf(before) === rulesOf(after)) return [];
  const changed = [before, after].flatMap((world, index, worlds) => {
    const others = rulesOf(worlds[1 - index] ?? world);
    const known: Known = { world, domains, index: indexRules(world.rules, domains) };
    return [...rulesOf(world)].flatMap(([key, rule]) => (others.get(key) === rule ? [] : servicesOf(known, rule)));
  });
  const senders = new Set(changed.flatMap((service) => [...(after.rulesOfBackend.get(service) ?? [])]));
  const rules = [...after.rules.VirtualService.values()].filter(({ ref }) => senders.has(objectKey(ref)));
  const said = new Map(analyzeRules(before, domains, rules).map(({ ref, findings }) => [objectKey(ref), findings]));
  return analyzeRules(after, domains, rules).flatMap(({ ref, findings }) => {
    const known = said.get(objectKey(ref)) ?? [];
    const fresh = uniqueFindings([...known, ...findings]).slice(known.length);
    return fresh.length === 0 ? [] : [{ ref, findings: fresh }];
  });
}
