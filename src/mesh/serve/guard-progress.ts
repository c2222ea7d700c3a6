import { guardsPod, isGuard, type Guard } from '../plan/guarded-pods.ts';
import type { Progress } from '../report/progress.ts';
import type { RuleKind } from '../rules/object-ref.ts';
import { securityRules } from '../rules/rule-kinds.ts';
import type { Rule } from '../rules/rule.ts';
import type { World } from '../world/world.ts';
import { hasInbound, type ConnectedProxy } from './acknowledgements.ts';
import { hashOfGuards, type GuardReport } from './guard-reports.ts';
import type { ModeChanges } from './mode-changes.ts';

/** Returns an object that protects pods, by `<kind> <namespace>/<name>`; undefined for all others. */
export function guardAt(world: World, object: string): Guard | undefined {
  const [kind, key] = object.split(' ') as [RuleKind, string];
  const rules: ReadonlyMap<string, Rule<unknown>> = world.rules[kind];
  const rule = rules.get(key);
  return rule !== undefined && isGuard(rule) ? rule : undefined;
}

/** Whether a proxy has acknowledged what it lets in, and its pod is at no step to something else. */
function hasArrived(one: ConnectedProxy, { changeOf }: Pick<ModeChanges, 'changeOf'>): boolean {
  return hasInbound(one) && changeOf(one.pod) === undefined;
}

/** Whether a proxy may keep connections that an object does not let in any more. */
function mayKeep({ ref }: Guard, one: ConnectedProxy): boolean {
  return ref.kind === 'PeerAuthentication' && !one.isAtRest();
}

function isGoverned(guard: Guard, world: World, pod: string, rootNamespace: string): boolean {
  const known = world.pod.get(pod);
  return known !== undefined && guardsPod(guard, known, rootNamespace);
}

/**
 * Counts the proxies of the pods that an object governs, and those of them where it is in force: the proxy has acknowledged what it lets in, and
 * keeps nothing that it does not.
 */
export function guardProgress(
  guard: Guard,
  world: World,
  connected: Iterable<ConnectedProxy>,
  changes: Pick<ModeChanges, 'changeOf'>,
  rootNamespace: string,
): Progress {
  const governed = [...connected].filter(({ pod }) => isGoverned(guard, world, pod, rootNamespace));
  const holding = governed.filter((one) => hasArrived(one, changes) && !mayKeep(guard, one));
  return { proxies: governed.length, holding: holding.length };
}

/** Returns which objects that protect pods are not in force in all of these proxies. */
export function guardReport(
  world: World,
  connected: Iterable<ConnectedProxy>,
  changes: Pick<ModeChanges, 'changeOf'>,
  rootNamespace: string,
): GuardReport {
  const all = [...connected];
  const late = new Set(all.filter((one) => !hasArrived(one, changes)));
  const unheld = securityRules(world.rules).filter(
    (rule) =>
      isGuard(rule) &&
      all.some((one) => (late.has(one) || mayKeep(rule, one)) && isGoverned(rule, world, one.pod, rootNamespace)),
  );
  return { guards: hashOfGuards(world), unheld: unheld.map(({ ref }) => ref.uid) };
}
