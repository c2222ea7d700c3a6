import { findings } from './finding.ts';
import type { Group } from './roster.ts';

/** Particulars that are told, at most. */
const mostDetails = 3;

/** Returns what an Event says of a group: how many pods, what they are, particulars, and what to do. */
export function noteOf({ finding, pods }: Group): string {
  const { meaning, remedy } = findings[finding];
  const [first] = pods;
  const count = pods.length === 1 ? `pod ${first?.name ?? ''} is` : `${pods.length} pods are`;
  const details = [...new Set(pods.map(({ detail }) => detail).filter((text) => text !== ''))];
  const more = details.length > mostDetails ? ', and others' : '';
  const told = details.length === 0 ? '' : `: ${details.slice(0, mostDetails).join('; ')}${more}`;
  return `${count} ${meaning}${told}. To do: ${remedy}`;
}
