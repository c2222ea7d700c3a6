import { createAllowance, type Pace } from './allowance.ts';
import { findings } from './finding.ts';
import type { Group } from './roster.ts';

/** How often Events are created. */
export interface NoticePolicy extends Pace {
  /** After how long a warning that still holds is repeated; an API server keeps an Event for an hour by default. */
  readonly repeatMs: number;
}

export const defaultNoticePolicy: NoticePolicy = { repeatMs: 3_600_000, burst: 20, everyMs: 3_000 };

/** Decides which findings are told now. Nothing is lost for lack of room: what still holds is told later. */
export interface Notices {
  /** Returns the groups that are to be told now, the gravest first; they count as told. */
  next(groups: readonly Group[], nowMs: number): readonly Group[];
}

/** Creates it. Once an owner has been told of a finding, it is not told again before `repeatMs`, also if the finding comes and goes. */
export function createNotices({ repeatMs, ...pace }: NoticePolicy): Notices {
  const told = new Map<string, number>();
  const allowance = createAllowance(pace);

  function isDue({ key, finding }: Group, nowMs: number): boolean {
    const last = told.get(key);
    if (last === undefined) return true;
    // What is only outdated may stay so for months, and whoever decides that knows it.
    return findings[finding].isWarning && nowMs - last >= repeatMs;
  }

  return {
    next(groups, nowMs) {
      const present = new Set(groups.map(({ key }) => key));
      for (const [key, last] of told) if (!present.has(key) && nowMs - last >= repeatMs) told.delete(key);
      const all = groups.filter((group) => isDue(group, nowMs));
      const due = all.slice(0, allowance.take(all.length, nowMs));
      for (const { key } of due) told.set(key, nowMs);
      return due;
    },
  };
}
