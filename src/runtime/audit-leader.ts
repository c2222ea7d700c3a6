import { createEvictions, defaultEvictionPolicy, type Ended, type EvictionPolicy } from '../audit/evictions.ts';
import { findings, type Evictable } from '../audit/finding.ts';
import { noteOf } from '../audit/note.ts';
import { createNotices, defaultNoticePolicy, type NoticePolicy } from '../audit/notices.ts';
import type { PodRecord } from '../audit/pod-record.ts';
import type { Group } from '../audit/roster.ts';
import type { Injector } from '../injection/injector.ts';
import { messageOf } from '../kubernetes/api-error.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import { evictPod } from '../kubernetes/eviction.ts';
import type { AuditMetrics, CountedPods } from '../telemetry/audit-metrics.ts';
import type { Log } from '../telemetry/log.ts';
import { tellOwner, withUid, type OwnerNotice } from './owner-events.ts';
import { every } from './pace.ts';
import { watchPods } from './pod-watch.ts';

/** Times of what the leader does. */
export interface LeadershipPolicy {
  readonly notices: NoticePolicy;
  readonly evictions: Omit<EvictionPolicy, 'findings' | 'everyMs'>;
}

interface LeadershipOptions {
  readonly client: ApiClient;
  readonly injector: () => Injector;
  /** Whether this replica leads still; asked before each act. */
  readonly isLeader: () => boolean;
  readonly replica: string;
  readonly evict: readonly Evictable[];
  readonly evictEveryMs: number;
  readonly policy?: LeadershipPolicy;
  readonly log: Log;
  readonly metrics: Pick<AuditMetrics, 'events' | 'evictions' | 'watchFailures'>;
  readonly nowMs: () => number;
}

/** What a replica does while it leads. */
export interface Leadership {
  /** Number of pods that are known. */
  pods(): number;
  found(): readonly CountedPods[];
  isBreakerOpen(): boolean;
  stop(): void;
}

const controller = 'sidecar-injector.io/auditor';
const tickMs = 1_000;

/** Looks at all pods, tells owners what was found, and evicts pods if that was asked for, until it is stopped. */
export function lead(options: LeadershipOptions): Leadership {
  const { client, injector, isLeader, log, metrics, nowMs, replica } = options;
  const { notices: noticePolicy, evictions: evictionPolicy } = options.policy ?? {
    notices: defaultNoticePolicy,
    evictions: defaultEvictionPolicy,
  };
  const notices = createNotices(noticePolicy);
  const evictions = createEvictions(
    { ...evictionPolicy, findings: options.evict, everyMs: options.evictEveryMs },
    nowMs(),
  );
  const clock = (): Date => new Date();
  let isActing = false;
  let isStopped = false;
  const watch = watchPods({
    client,
    injector,
    log,
    nowMs,
    every,
    onFailure: () => metrics.watchFailures.inc(),
    onPod: (record) => report(evictions.observe(record, nowMs())),
  });

  async function tell(notice: OwnerNotice): Promise<void> {
    if (!isLeader()) return;
    const owner = await withUid(client, notice.owner);
    const result = await tellOwner({ ...notice, owner }, { client, controller, replica, clock, log });
    metrics.events.inc({ result });
  }

  function noticeOf(group: Group): OwnerNotice {
    const { reason, isWarning } = findings[group.finding];
    const { hash, version } = injector().snapshot;
    // A new leader says within the same hour what the last one has said, and this is then one Event.
    const period = isWarning ? Math.floor(clock().getTime() / noticePolicy.repeatMs) : `${hash} ${version}`;
    const type = isWarning ? 'Warning' : 'Normal';
    return { owner: group.owner, identity: `${reason} ${period}`, type, reason, action: 'Audit', note: noteOf(group) };
  }

  function report(ended: Ended | undefined): void {
    if (ended === undefined) return;
    const { pod, verdict, ownerUntilMs, openUntilMs } = ended;
    metrics.evictions.inc({ result: verdict });
    const fields = { namespace: pod.owner.namespace, pod: pod.name, verdict };
    if (ownerUntilMs === undefined) {
      log.info(fields, 'an evicted pod was replaced');
      return;
    }
    const minutes = (untilMs: number): number => Math.ceil((untilMs - nowMs()) / 60_000);
    const pauses = {
      ownerMinutes: minutes(ownerUntilMs),
      ...(openUntilMs === undefined ? {} : { allMinutes: minutes(openUntilMs) }),
    };
    log.error({ ...fields, ...pauses }, 'an evicted pod was not replaced by a better one');
    const what =
      verdict === 'missed-again'
        ? `was no better than pod ${pod.name}`
        : `did not come in place of pod ${pod.name} in time`;
    void tell({
      owner: pod.owner,
      identity: `EvictionStopped ${pod.uid}`,
      type: 'Warning',
      reason: 'EvictionStopped',
      action: 'Evict',
      note: `a new pod ${what}, which was evicted: no other pod is evicted here for ${pauses.ownerMinutes} minutes`,
    });
  }

  async function evict(pod: PodRecord): Promise<void> {
    const { owner, name, uid, finding } = pod;
    const fields = { namespace: owner.namespace, pod: name, finding };
    try {
      const answer = await evictPod(client, { namespace: owner.namespace, name, uid });
      metrics.evictions.inc({ result: answer.result });
      if (answer.result === 'evicted') {
        log.info(fields, 'a pod was evicted');
        const meaning = finding === undefined ? '' : findings[finding].meaning;
        await tell({
          owner,
          identity: `Evicted ${uid}`,
          type: 'Normal',
          reason: 'PodEvicted',
          action: 'Evict',
          note: `pod ${name} was evicted, because it was ${meaning}`,
        });
        return;
      }
      evictions.refused(nowMs());
      const detail = answer.result === 'budget' ? answer.detail : 'it is gone';
      log.info({ ...fields, detail }, 'a pod was not evicted');
    } catch (error) {
      evictions.refused(nowMs());
      metrics.evictions.inc({ result: 'failed' });
      log.warn({ ...fields, detail: messageOf(error) }, 'a pod could not be evicted');
    }
  }

  async function act(): Promise<void> {
    report(evictions.expire(nowMs()));
    // What was judged by something that does not hold any more is not told.
    if (!watch.isSettled() || !isLeader()) return;
    const groups = watch.roster().groups();
    for (const group of notices.next(groups, nowMs())) await tell(noticeOf(group));
    const pod = isLeader() ? evictions.choose(groups, (owner) => watch.roster().podsOf(owner), nowMs()) : undefined;
    if (pod !== undefined) await evict(pod);
  }

  const end = every(tickMs, () => {
    if (isActing || isStopped) return;
    isActing = true;
    void act().finally(() => (isActing = false));
  });
  return {
    pods: () => watch.roster().size,
    found: () =>
      watch
        .roster()
        .groups()
        .map(({ finding, owner, pods }) => ({
          finding,
          owner_namespace: owner.namespace,
          owner_kind: owner.kind,
          owner_name: owner.name,
          pods: pods.length,
        })),
    isBreakerOpen: () => evictions.openUntilMs(nowMs()) !== undefined,
    stop() {
      isStopped = true;
      end();
      watch.stop();
    },
  };
}
