import type { DestinationRule } from '../rules/destination-rule.ts';
import type { Finding } from '../rules/finding.ts';
import { objectKey, type ObjectRef } from '../rules/object-ref.ts';
import { isExportedTo } from './export.ts';
import type { Hosted, RuleIndex } from './rule-index.ts';

/** What DestinationRules say about a Service for some of its clients, as one. */
export interface ChosenDestination {
  readonly spec: DestinationRule;
  readonly origins: readonly ObjectRef[];
  /** Which of them has the traffic policy, and which one each subset, with its place there. */
  readonly policyFrom: ObjectRef | undefined;
  readonly subsetsFrom: ReadonlyMap<string, { readonly ref: ObjectRef; readonly index: number }>;
  /** By the key of the object. */
  readonly findings: readonly (readonly [string, Finding])[];
}

/** Namespaces whose rules count, the first with a rule for the host alone (Istio's order). */
function searched(client: string, owner: string, root: string): readonly string[] {
  return [...new Set([...(client === root ? [] : [client]), owner, root])];
}

function nameOf({ namespace, name }: ObjectRef): string {
  return `${namespace}/${name}`;
}

/**
 * Joins rules of one host, oldest first: the subsets of all, of which the oldest of a name counts, and the traffic policy of the
 * oldest one that has any.
 */
function join(rules: readonly Hosted<DestinationRule>[]): ChosenDestination | undefined {
  const [first, ...others] = rules;
  if (first === undefined) return undefined;
  const findings: (readonly [string, Finding])[] = [];
  const subsets = new Map(
    (first.rule.spec.subsets ?? []).map((subset, index) => [subset.name, { subset, from: first, index }]),
  );
  let policy = first.rule.spec.trafficPolicy === undefined ? undefined : first;
  for (const one of others) {
    const { ref, spec } = one.rule;
    for (const [index, subset] of (spec.subsets ?? []).entries()) {
      const known = subsets.get(subset.name);
      if (known === undefined) subsets.set(subset.name, { subset, from: one, index });
      else
        findings.push([
          objectKey(ref),
          {
            field: `/spec/subsets/${index}/name`,
            effect: 'without-effect',
            code: 'SubsetDefinedTwice',
            sentence: `the older DestinationRule ${nameOf(known.from.rule.ref)} has a subset of this name, which counts; rename one of them`,
          },
        ]);
    }
    if (spec.trafficPolicy === undefined) continue;
    if (policy === undefined) policy = one;
    else
      findings.push([
        objectKey(ref),
        {
          field: '/spec/trafficPolicy',
          effect: 'without-effect',
          code: 'OlderPolicyCounts',
          sentence: `the traffic policy of the older DestinationRule ${nameOf(policy.rule.ref)} counts for ${one.host}; put both into one object`,
        },
      ]);
  }
  const { trafficPolicy: _own, ...rest } = first.rule.spec;
  return {
    spec: {
      ...rest,
      ...(policy?.rule.spec.trafficPolicy === undefined ? {} : { trafficPolicy: policy.rule.spec.trafficPolicy }),
      subsets: [...subsets.values()].map(({ subset }) => subset),
    },
    origins: rules.map(({ rule }) => rule.ref),
    policyFrom: policy?.rule.ref,
    subsetsFrom: new Map([...subsets].map(([name, { from, index }]) => [name, { ref: from.rule.ref, index }])),
    findings,
  };
}

/**
 * Returns what holds for clients of a namespace: of the client's namespace, that of the Service, and the root namespace, the first with
 * a rule for the host decides alone, and there the one that fits best.
 */
export function chooseDestination(
  index: RuleIndex,
  service: { readonly host: string; readonly namespace: string },
  client: string,
  root: string,
): ChosenDestination | undefined {
  const candidates = index.destinationRules(service.host);
  if (candidates.length === 0) return undefined;
  for (const namespace of searched(client, service.namespace, root)) {
    const there = candidates.filter(
      ({ rule: { ref, spec } }) =>
        ref.namespace === namespace && (namespace === client || isExportedTo(spec.exportTo, ref.namespace, client)),
    );
    const [best] = there;
    if (best !== undefined) return join(there.filter(({ host }) => host === best.host));
  }
  return undefined;
}
