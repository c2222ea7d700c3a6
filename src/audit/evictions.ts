import type { Evictable } from './finding.ts';
import { ownerKey, type Owner, type PodRecord } from './pod-record.ts';
import type { Group } from './roster.ts';

/** How pods are evicted. */
export interface EvictionPolicy {
  /** Only pods with one of these; none of them means that nothing is evicted. */
  readonly findings: readonly Evictable[];
  /** Least time between two evictions. */
  readonly everyMs: number;
  /** How long it is waited for a good pod in place of an evicted one. */
  readonly replacementMs: number;
  /** How long an owner waits whose disruption budget has no room. */
  readonly budgetMs: number;
  /** How long an owner is left alone whose new pod was no better; twice as long each time. */
  readonly ownerMs: number;
  /** Failures in a row after which nothing is evicted at all. */
  readonly mostFailures: number;
  /** How long that lasts at first; twice as long each time. */
  readonly openMs: number;
  /** No such time is longer. */
  readonly mostMs: number;
}

const minuteMs = 60_000;

export const defaultEvictionPolicy: Omit<EvictionPolicy, 'findings' | 'everyMs'> = {
  replacementMs: 5 * minuteMs,
  budgetMs: minuteMs,
  ownerMs: 60 * minuteMs,
  mostFailures: 2,
  openMs: 10 * minuteMs,
  mostMs: 24 * 60 * minuteMs,
};

/** How an eviction ended. */
export type Verdict =
  /** A pod came in its place and runs, with a sidecar. */
  | 'replaced'
  /** A pod came in its place that was no better. */
  | 'missed-again'
  /** No good pod came in time. */
  | 'not-replaced';

/** An eviction that is over. */
export interface Ended {
  readonly pod: PodRecord;
  readonly verdict: Verdict;
  /** Until when the owner is left alone; undefined after a success. */
  readonly ownerUntilMs: number | undefined;
  /** Until when nothing is evicted; undefined while the breaker is closed. */
  readonly openUntilMs: number | undefined;
}

/**
 * Decides when which pod is evicted. One eviction at a time: before the next, a good pod must have come in place of the
 * last, so that a webhook that does not inject costs a few pods and not all.
 */
export interface Evictions {
  /** Returns the pod that is to be evicted now, if any. It is under way until `refused`, or until its end is returned. */
  readonly choose: (
    groups: readonly Group[],
    podsOf: (owner: Owner) => ReadonlySet<string>,
    nowMs: number,
  ) => PodRecord | undefined;
  /** The API server did not evict the pod that was chosen last: there is no room in a budget, or it could not be asked. */
  readonly refused: (nowMs: number) => void;
  /** Takes a pod that is new or has changed. Returns the eviction that it ends. */
  readonly observe: (record: PodRecord, nowMs: number) => Ended | undefined;
  /** Returns the eviction that ends because its time is over. */
  readonly expire: (nowMs: number) => Ended | undefined;
  /** Until when nothing is evicted; undefined if the breaker is closed. */
  readonly openUntilMs: (nowMs: number) => number | undefined;
}

interface UnderWay {
  readonly pod: PodRecord;
  /** Pods of the owner at that time. */
  readonly before: ReadonlySet<string>;
  readonly sinceMs: number;
}

/** A time that doubles. */
interface Pause {
  readonly untilMs: number;
  readonly lastMs: number;
}

/** Creates it. Nothing is evicted within `everyMs` from `startMs`, since another replica may just have done so. */
export function createEvictions(policy: EvictionPolicy, startMs: number): Evictions {
  let underWay: UnderWay | undefined;
  let lastMs = startMs;
  let failures = 0;
  let open: Pause | undefined;
  /** Owners whose budgets have no room, and those whose new pods were no better. */
  const full = new Map<string, number>();
  const failing = new Map<string, Pause>();

  function doubled(before: Pause | undefined, firstMs: number, nowMs: number): Pause {
    const lengthMs = Math.min(policy.mostMs, before === undefined ? firstMs : before.lastMs * 2);
    return { untilMs: nowMs + lengthMs, lastMs: lengthMs };
  }

  function end(verdict: Verdict, nowMs: number): Ended | undefined {
    if (underWay === undefined) return undefined;
    const { pod } = underWay;
    const owner = ownerKey(pod.owner);
    underWay = undefined;
    if (verdict === 'replaced') {
      failures = 0;
      open = undefined;
      failing.delete(owner);
      return { pod, verdict, ownerUntilMs: undefined, openUntilMs: undefined };
    }
    failures += 1;
    const pause = doubled(failing.get(owner), policy.ownerMs, nowMs);
    failing.set(owner, pause);
    // The one that is tried after a pause decides alone.
    if (failures >= policy.mostFailures || open !== undefined) open = doubled(open, policy.openMs, nowMs);
    return { pod, verdict, ownerUntilMs: pause.untilMs, openUntilMs: open?.untilMs };
  }

  function mayBeEvicted({ owner, finding, isReplaced }: PodRecord, nowMs: number): boolean {
    const key = ownerKey(owner);
    return (
      isReplaced &&
      policy.findings.some((one) => one === finding) &&
      (full.get(key) ?? nowMs) <= nowMs &&
      (failing.get(key)?.untilMs ?? nowMs) <= nowMs
    );
  }

  return {
    choose(groups, podsOf, nowMs) {
      if (underWay !== undefined || nowMs - lastMs < policy.everyMs) return undefined;
      if (open !== undefined && nowMs < open.untilMs) return undefined;
      for (const [key, untilMs] of full) if (untilMs <= nowMs) full.delete(key);
      const pod = groups.flatMap(({ pods }) => pods).find((one) => mayBeEvicted(one, nowMs));
      if (pod === undefined) return undefined;
      lastMs = nowMs;
      underWay = { pod, before: podsOf(pod.owner), sinceMs: nowMs };
      return pod;
    },
    refused(nowMs) {
      if (underWay === undefined) return;
      full.set(ownerKey(underWay.pod.owner), nowMs + policy.budgetMs);
      underWay = undefined;
    },
    observe(record, nowMs) {
      if (underWay === undefined || underWay.before.has(record.uid)) return undefined;
      if (ownerKey(record.owner) !== ownerKey(underWay.pod.owner)) return undefined;
      const isBad = record.finding !== undefined && record.finding !== 'outdated';
      if (isBad) return end('missed-again', nowMs);
      return record.isRunning ? end('replaced', nowMs) : undefined;
    },
    expire: (nowMs) =>
      underWay !== undefined && nowMs - underWay.sinceMs >= policy.replacementMs
        ? end('not-replaced', nowMs)
        : undefined,
    openUntilMs: (nowMs) => (open !== undefined && nowMs < open.untilMs ? open.untilMs : undefined),
  };
}
