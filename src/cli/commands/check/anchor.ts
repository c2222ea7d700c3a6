import type { Check } from './finding.ts';

/** Where the documentation says what a check means and what to do. */
export function anchorOf({ id }: Pick<Check, 'id'>): string {
  return `docs/operations.md#check-${id}`;
}
