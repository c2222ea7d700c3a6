import { ApiError } from '../../../kubernetes/api-error.ts';
import type { Cluster } from './cluster.ts';

/**
 * What a check found. `warning` is something to look at that works; `unknown` could not be asked, mostly for lack of a
 * right; `skipped` has no object here.
 */
export interface Finding {
  readonly status: 'good' | 'warning' | 'failed' | 'unknown' | 'skipped';
  /** What was found, one line each. Never anything that is secret. */
  readonly lines: readonly string[];
  /** What to do about it. */
  readonly hint?: string;
  /** Whether waiting is of no use, because a right is missing. */
  readonly isFinal?: true;
}

/** One question about an installation. */
export interface Check {
  /** Its name in `-o json`, and behind `check-` the anchor in docs/operations.md. */
  readonly id: string;
  /** What holds if nothing is wrong. */
  readonly title: string;
  /** Rejects with an `ApiError` if the API server does not answer it. */
  readonly ask: (cluster: Cluster) => Promise<Finding>;
}

/** Checks that belong together. */
export interface Section {
  readonly name: string;
  /** Whether what fails here may heal by itself within a minute or two, so that `--wait` is of use. */
  readonly isAwaited: boolean;
  readonly checks: readonly Check[];
}

/** Everything is as it should be. */
export function good(...lines: readonly string[]): Finding {
  return { status: 'good', lines };
}

/** There is nothing to look at. */
export function skipped(why: string): Finding {
  return { status: 'skipped', lines: [why] };
}

/** Good without lines, and otherwise of this status. */
export function goodUnless(
  lines: readonly string[],
  otherwise: { readonly status: 'warning' | 'failed'; readonly hint: string },
  ...goodLines: readonly string[]
): Finding {
  return lines.length === 0 ? good(...goodLines) : { ...otherwise, lines };
}

/** What was found, or why it could not be asked: a right that is missing is named as the API server names it. */
export async function findingOf(check: Check, cluster: Cluster): Promise<Finding> {
  try {
    return await check.ask(cluster);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const unknown = { status: 'unknown', lines: [error.message] } as const;
    if (error.code === 'credentials') {
      return { ...unknown, hint: 'mend the kubeconfig, or name another one with --kubeconfig', isFinal: true };
    }
    if (error.code !== 'forbidden' && error.code !== 'unauthorized') {
      return { ...unknown, hint: 'run it again when the API server answers' };
    }
    return {
      ...unknown,
      hint: 'run it as a user who has this right (kubectl auth can-i ... shows yours)',
      isFinal: true,
    };
  }
}

/** At most so many lines, and how many more there are. */
export function shortened(lines: readonly string[], most = 20): readonly string[] {
  if (lines.length <= most) return lines;
  return [...lines.slice(0, most), `and ${lines.length - most} more`];
}
