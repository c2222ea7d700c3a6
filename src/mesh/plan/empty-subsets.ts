import { hasLabels } from '../../pod/label-selector.ts';
import type { DestinationRule } from '../rules/destination-rule.ts';
import type { Finding } from '../rules/finding.ts';
import type { Pod } from '../world/pod.ts';
import { servicesAt } from './reach.ts';
import type { Usable } from './rule-index.ts';
import { planService } from './service-plan.ts';
import type { Known } from './service-traffic.ts';

function podsOf({ world, domains }: Known, service: string): readonly Pod[] {
  const ports = planService(world, service, domains)?.ports ?? [];
  return ports.flatMap(({ endpoints }) => endpoints.flatMap(({ pod }) => pod ?? []));
}

/**
 * Returns which subsets of a rule no pod is in, where its Services have pods. That is so in the middle of any rollout, and therefore said only to who asks
 * for everything at one moment.
 */
export function emptySubsets(known: Known, { ref, spec }: Usable<DestinationRule>): readonly Finding[] {
  const pods = servicesAt(known, spec.host, ref.namespace).flatMap(({ key }) => podsOf(known, key));
  if (pods.length === 0) return [];
  return (spec.subsets ?? []).flatMap(({ name, labels }, index): readonly Finding[] => {
    if (pods.some((pod) => hasLabels(pod.labels, labels))) return [];
    const text = Object.entries(labels)
      .map((pair) => pair.join('='))
      .join(', ');
    const sentence = `no pod behind ${spec.host} has the labels ${text}: requests that are sent to the subset "${name}" fail with 503`;
    return [{ field: `/spec/subsets/${index}/labels`, effect: 'warning', code: 'NoPods', sentence }];
  });
}
