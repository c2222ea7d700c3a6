import type { DestinationRule } from '../rules/destination-rule.ts';
import type { TrafficPolicy } from './traffic-policy.ts';

/** Returns how a port of a Service is called, or one of its subsets. */
export function policyOf(_spec: DestinationRule, _port: { readonly number: number }, _subset?: string): TrafficPolicy {
  return {};
}

/** Returns the names and labels of the subsets. */
export function subsetsOf({
  subsets = [],
}: DestinationRule): readonly { readonly name: string; readonly labels: Readonly<Record<string, string>> }[] {
  return subsets.map(({ name, labels = {} }) => ({ name, labels }));
}
