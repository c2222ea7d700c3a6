import { guardsPod, isGuard, type Guard } from '../plan/guarded-pods.ts';
import type { Progress } from '../report/progress.ts';
import type { RuleKind } from '../rules/object-ref.ts';
import type { Rule } from '../rules/rule.ts';
import type { World } from '../world/world.ts';
import { hasInbound, type ConnectedProxy } from './acknowledgements.ts';
import type { ModeChanges } from './mode-changes.ts';

/** Returns an object that protects pods, by `<kind> <namespace>/<name>`; undefined for all others. */
export function guardAt(world: World, object: string): Guard | undefined {
  const [kind, key] = object.split(' ') as [RuleKind, string];
  const rules: ReadonlyMap<string, Rule<unknown>> = world.rules[kind];
  const rule = rules.get(key);
  return rule !== undefined && isGuard(rule) ? rule : undefined;
}

/**
 * Counts the proxies of the pods that an object governs, and those of them where it is in force: the proxy has acknowledged what it lets in, and
 * keeps nothing that it does not.
 */
export function guardProgress(
  guard: Guard,
  world: World,
  connected: Iterable<ConnectedProxy>,
  { changeOf }: Pick<ModeChanges, 'changeOf'>,
  rootNamespace: string,
): Progress {
  const governed = [...connected].filter(({ pod }) => {
    const known = world.pod.get(pod);
    return known !== undefined && guardsPod(guard, known, rootNamespace);
  });
  const holding = governed.filter((one) => hasInbound(one) && changeOf(one.pod) === undefined);
  return { proxies: governed.length, holding: holding.length };
}
