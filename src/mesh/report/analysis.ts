import { indexRules, type Usable } from '../plan/rule-index.ts';
import { unreachedClients, unreachedHosts } from '../plan/reach.ts';
import type { Domains } from '../plan/service-plan.ts';
import { dependsOnClient, planTraffic, type Known } from '../plan/service-traffic.ts';
import { anyClient, type View } from '../plan/view.ts';
import type { Finding } from '../rules/finding.ts';
import { objectKey, type ObjectRef } from '../rules/object-ref.ts';
import type { Rule } from '../rules/rule.ts';
import type { World } from '../world/world.ts';

/** What the author of one object should know. */
export interface Verdict {
  readonly ref: ObjectRef;
  readonly findings: readonly Finding[];
}

function isUsable<S>(rule: Rule<S>): rule is Usable<S> {
  return rule.spec !== undefined;
}

/** Clients that may be told different things: pods of each namespace that has pods or rules, with the labels that they have. */
function viewsOf(world: World): readonly View[] {
  const views = new Map<string, View>();
  const add = (view: View): void => void views.set(JSON.stringify(view), view);
  for (const { namespace, labels } of world.pod.values()) add({ namespace, labels });
  for (const kind of Object.values(world.rules))
    for (const { ref } of kind.values()) add({ ...anyClient, namespace: ref.namespace });
  return [...views.values()];
}

/** Returns what there is to say about each rule of a world, in the order of kinds and names; nothing for those that are in order. */
export function analyze(world: World, domains: Domains): readonly Verdict[] {
  const known: Known = { world, domains, index: indexRules(world.rules, domains.cluster) };
  const found = new Map<string, { readonly ref: ObjectRef; readonly findings: Finding[] }>();
  const add = (key: string, some: readonly Finding[]): void => {
    const findings = found.get(key)?.findings ?? [];
    for (const finding of some)
      if (!findings.some(({ field, sentence }) => field === finding.field && sentence === finding.sentence))
        findings.push(finding);
  };
  for (const kind of Object.values(world.rules))
    for (const { ref, findings } of kind.values()) found.set(objectKey(ref), { ref, findings: [...findings] });
  for (const rule of world.rules.VirtualService.values())
    if (isUsable(rule)) add(objectKey(rule.ref), unreachedHosts(known, rule));
  for (const rule of world.rules.DestinationRule.values())
    if (isUsable(rule)) add(objectKey(rule.ref), unreachedClients(known, rule));
  const views = viewsOf(world);
  for (const key of world.service.keys()) {
    const asked = dependsOnClient(known, key) ? [anyClient, ...views] : [anyClient];
    for (const view of asked) for (const [object, some] of planTraffic(known, key, view).findings) add(object, some);
  }
  return [...found.values()].filter(({ findings }) => findings.length > 0);
}
