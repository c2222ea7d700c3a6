import { isGuard } from '../plan/guarded-pods.ts';
import type { Known } from '../plan/service-traffic.ts';
import type { ServiceTraffic } from '../plan/traffic-policy.ts';
import { uniqueFindings, type Finding } from '../rules/finding.ts';
import { objectKey, type ObjectRef } from '../rules/object-ref.ts';
import { ownFindings, type AnyRule } from './analysis.ts';

/**
 * What has become of an object: something comes from it, or nothing does; it is refused; or it is refused or names what does not
 * exist, and something comes from an earlier version of it.
 */
export type Verdict = 'in-force' | 'without-effect' | 'refused' | 'earlier-in-force';

/** What has become of an object, and why. */
export interface Standing {
  readonly ref: ObjectRef;
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
}

/** What is in force for clients of one view. */
export interface TrafficInForce {
  /** Returns what the authors of objects should know, by the key of the object, for each Service. */
  findings(): Iterable<ReadonlyMap<string, readonly Finding[]>>;
  readonly inForce: () => Iterable<ServiceTraffic>;
}

/** Returns the objects that something comes from. */
export function originsOf({ routes, origins }: ServiceTraffic): readonly ObjectRef[] {
  return [...origins, ...[...routes.values()].flatMap((plan) => plan.origins)];
}

/** What protects pods counts as it is: where it is refused, the strictest counts in its place. */
function verdictOfGuard({ keptGeneration }: AnyRule, findings: readonly Finding[]): Verdict {
  if (keptGeneration !== undefined) return 'earlier-in-force';
  if (findings.some(({ effect }) => effect === 'refused')) return 'refused';
  // One rule of several that has no effect leaves the others.
  const isWhole = ({ field }: Finding): boolean => !/^\/spec\/rules\/\d/.test(field);
  return findings.some((one) => one.effect === 'without-effect' && isWhole(one)) ? 'without-effect' : 'in-force';
}

function verdictOf({ ref, spec, keptGeneration }: AnyRule, generations: ReadonlySet<number>): Verdict {
  // A grant changes nothing by itself.
  if (ref.kind === 'ReferenceGrant') return spec === undefined ? 'refused' : 'in-force';
  if (generations.size === 0) return spec === undefined ? 'refused' : 'without-effect';
  return keptGeneration === undefined && generations.has(ref.generation) ? 'in-force' : 'earlier-in-force';
}

/** Returns what has become of each object, by its key. */
export function standingsOf(known: Known, views: Iterable<TrafficInForce>): ReadonlyMap<string, Standing> {
  const findings = new Map<string, Finding[]>();
  const generations = new Map<string, Set<number>>();
  for (const view of views) {
    for (const some of view.findings())
      for (const [key, list] of some) findings.set(key, [...(findings.get(key) ?? []), ...list]);
    for (const ref of [...view.inForce()].flatMap(originsOf)) {
      const key = objectKey(ref);
      generations.set(key, (generations.get(key) ?? new Set()).add(ref.generation));
    }
  }
  const rules: readonly AnyRule[] = Object.values(known.world.rules).flatMap((kind) => [...kind.values()]);
  return new Map(
    rules.map((rule) => {
      const key = objectKey(rule.ref);
      const own = uniqueFindings([...ownFindings(known, rule), ...(findings.get(key) ?? [])]);
      const verdict = isGuard(rule) ? verdictOfGuard(rule, own) : verdictOf(rule, generations.get(key) ?? new Set());
      return [key, { ref: rule.ref, verdict, findings: own }];
    }),
  );
}
