import type { Workload } from '../../pod/workload.ts';
import { hashText } from '../hash.ts';

/** Namespace and owner of pods. */
export interface Situation {
  readonly namespace: string;
  readonly owner: Workload;
}

/** Resolution of a percentage: owners are divided into this many parts. */
const parts = 10_000;

/**
 * Returns whether this owner is among the first `percent` of all, in an order of its own for each rollout. The answer is
 * stable for an owner, and an owner that is among them stays so when the percentage grows.
 */
export function isAmongFirst(percent: number, rollout: string, { namespace, owner }: Situation): boolean {
  const hash = hashText(`${rollout} ${namespace}/${owner.kind}/${owner.name}`);
  return Number.parseInt(hash.slice(8), 16) % parts < percent * (parts / 100);
}
