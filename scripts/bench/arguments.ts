import { full, quick, type Effort } from './effort.ts';

/** What to measure, and how long. */
export interface Choice<Name extends string> {
  readonly effort: Effort;
  /** In the order in which they are measured. */
  readonly parts: readonly Name[];
}

/**
 * Reads `[--quick] [--only=PART]`; without `--only` every part is chosen. A text is the problem, for whoever typed the
 * words.
 */
export function readArguments<Name extends string>(
  words: readonly string[],
  names: readonly Name[],
): Choice<Name> | string {
  const prefix = '--only=';
  const foreign = words.find((word) => word !== '--quick' && !word.startsWith(prefix));
  if (foreign !== undefined)
    return `${foreign}: allowed are --quick and ${prefix}PART, PART one of ${names.join(', ')}`;
  const wanted = words.filter((word) => word.startsWith(prefix)).map((word) => word.slice(prefix.length));
  const unknown = wanted.find((name) => !names.some((known) => known === name));
  if (unknown !== undefined) return `${prefix}${unknown}: allowed are ${names.join(', ')}`;
  const parts = wanted.length === 0 ? names : names.filter((name) => wanted.includes(name));
  return { effort: words.includes('--quick') ? quick : full, parts };
}
