import { byAge } from '../rules/object-ref.ts';
import type { Rule } from '../rules/rule.ts';
import type { Rules } from '../rules/rule-kinds.ts';
import type { RateLimit } from '../rules/security/rate-limit.ts';
import { governs, type Selectable } from '../rules/security/selector.ts';

/** A limit of the requests to one pod. */
export interface LimitPlan {
  /** Tells where it comes from: `<namespace>/<name>/<index>`. */
  readonly name: string;
  /** Patterns; undefined for any. */
  readonly paths: readonly string[] | undefined;
  readonly methods: readonly string[] | undefined;
  readonly headers: readonly (readonly [name: string, pattern: string])[];
  readonly requests: number;
  readonly seconds: number;
  readonly burst: number;
}

const seconds = { Second: 1, Minute: 60, Hour: 3_600 } as const;

function limitsOf({ ref, spec }: Rule<RateLimit> & { readonly spec: RateLimit }): readonly LimitPlan[] {
  return spec.limits.map(({ match = {}, requests, per, burst = requests }, index) => ({
    name: `${ref.namespace}/${ref.name}/${index}`,
    paths: match.paths,
    methods: match.methods,
    headers: Object.entries(match.headers ?? {}),
    requests,
    seconds: seconds[per],
    burst,
  }));
}

/** Sorts the RateLimits of a cluster, and returns those of a pod, the oldest first. */
export function indexLimits(
  { RateLimit: all }: Pick<Rules, 'RateLimit'>,
  rootNamespace: string,
): (pod: Selectable) => readonly LimitPlan[] {
  const byNamespace = new Map<string, (Rule<RateLimit> & { readonly spec: RateLimit })[]>();
  for (const rule of [...all.values()].toSorted((one, other) => byAge(one.ref, other.ref))) {
    const { spec } = rule;
    if (spec === undefined) continue;
    const { namespace } = rule.ref;
    byNamespace.set(namespace, [...(byNamespace.get(namespace) ?? []), { ...rule, spec }]);
  }
  return (pod) =>
    [...new Set([rootNamespace, pod.namespace])]
      .flatMap((namespace) => byNamespace.get(namespace) ?? [])
      .filter(({ ref, spec }) => governs(ref.namespace, spec.selector, pod, rootNamespace))
      .flatMap(limitsOf);
}
