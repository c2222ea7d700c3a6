import { findingOf, type Check, type Finding } from './finding.ts';
import type { Cluster } from './cluster.ts';
import { sections } from './sections.ts';

/** A check and its result. */
export interface Checked {
  readonly section: string;
  readonly check: Check;
  readonly finding: Finding;
}

/** Time, so that tests rule over it. */
export interface Patience {
  /** Whether it is worth trying again, after a pause if so. */
  again(): Promise<boolean>;
}

/** Whether an installation with this finding is not known to work. */
export function isBad({ status }: Finding): boolean {
  return status === 'failed' || status === 'unknown';
}

/**
 * Asks all checks, one after another. What fails and may heal is asked again, of a cluster that is read anew, as long as
 * the patience lasts. Without an answer of the API server nothing else is asked.
 */
export async function walk(open: () => Cluster, patience: Patience): Promise<readonly Checked[]> {
  const results: Checked[] = [];
  let cluster = open();
  for (const { name: section, isAwaited, checks } of sections) {
    for (const check of checks) {
      let finding = await findingOf(check, cluster);
      let told = '';
      while (isAwaited && isBad(finding) && finding.isFinal !== true) {
        const why = `waiting until ${check.title}: ${finding.lines[0] ?? ''}`;
        if (!(await patience.again())) break;
        if (why !== told) cluster.tell(why);
        told = why;
        cluster = open();
        finding = await findingOf(check, cluster);
      }
      results.push({ section, check, finding });
      if (check.id === 'api-server' && isBad(finding)) return results;
    }
  }
  return results;
}
