import { member, objectMember, stringMember, type JsonObject } from '../json/json.ts';
import { isApiError, messageOf } from './api-error.ts';
import { pathSegment, type ApiClient } from './client.ts';

/** Times of an election; those of Kubernetes' own controllers by default. */
export interface LeasePolicy {
  /** How long others wait after the last sign of life of the leader. */
  readonly lifeMs: number;
  /** After how long without success the leader gives up; less than its life, so that there are never two. */
  readonly renewMs: number;
  readonly retryMs: number;
}

export const defaultLeasePolicy: LeasePolicy = { lifeMs: 15_000, renewMs: 10_000, retryMs: 2_000 };

/** What a candidate reports about itself. */
export type LeaseState =
  | { readonly type: 'leads' }
  | { readonly type: 'follows'; readonly leader: string }
  /** The Lease could not be read or written; nobody is known to lead. */
  | { readonly type: 'failed'; readonly detail: string };

export interface LeaseOptions {
  readonly client: Pick<ApiClient, 'get' | 'put'>;
  readonly namespace: string;
  /** Name of the Lease, which must exist. */
  readonly name: string;
  /** Name of this candidate; no other may have it. */
  readonly candidate: string;
  readonly policy?: LeasePolicy;
  readonly clock: () => Date;
  /** Milliseconds that only count up. */
  readonly nowMs: () => number;
  readonly every: (milliseconds: number, action: () => void) => () => void;
  /** Called when the state changes, and when the reason of a failure does. */
  readonly onState: (state: LeaseState) => void;
}

/** A candidate in an election. */
export interface Candidate {
  readonly isLeader: () => boolean;
  /** Stops, and lets go of the Lease if it holds it, so that another one can lead at once. */
  stop(): Promise<void>;
}

/** The Lease as it was seen when it last changed. */
interface Seen {
  readonly version: string;
  readonly sinceMs: number;
}

function microTime(time: Date): string {
  return `${time.toISOString().slice(0, -1)}000Z`;
}

/**
 * Stands for election by a Lease (`coordination.k8s.io/v1`). How long a leader has been silent is measured by this
 * process's own clock from the last change that it saw, so that clocks of machines may differ. Needs `get` and `update` on
 * the Lease.
 */
export function standForElection(options: LeaseOptions): Candidate {
  const { client, candidate, policy = defaultLeasePolicy, nowMs, onState } = options;
  const namespace = pathSegment('namespace', options.namespace);
  const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${pathSegment('Lease', options.name)}`;
  let seen: Seen | undefined;
  let renewedMs: number | undefined;
  let isAsking: Promise<void> | undefined;
  let told = '';

  function tell(state: LeaseState): void {
    const text = JSON.stringify(state);
    if (text === told) return;
    told = text;
    onState(state);
  }

  function written(lease: JsonObject, holder: string, lifeMs: number): JsonObject {
    const spec = objectMember(lease, 'spec');
    const now = microTime(options.clock());
    const isSame = stringMember(spec, 'holderIdentity') === holder;
    const transitions = member(spec, 'leaseTransitions');
    const before = typeof transitions === 'number' ? transitions : 0;
    const isRelease = holder === '';
    return {
      ...lease,
      spec: {
        ...spec,
        holderIdentity: holder,
        leaseDurationSeconds: Math.ceil(lifeMs / 1_000),
        renewTime: now,
        ...(isSame || isRelease ? {} : { acquireTime: now, leaseTransitions: before + 1 }),
      },
    };
  }

  function isFree(lease: JsonObject): boolean {
    const spec = objectMember(lease, 'spec');
    const holder = stringMember(spec, 'holderIdentity') ?? '';
    if (holder === '' || holder === candidate) return true;
    const version = stringMember(objectMember(lease, 'metadata'), 'resourceVersion') ?? '';
    if (seen?.version !== version) seen = { version, sinceMs: nowMs() };
    const seconds = member(spec, 'leaseDurationSeconds');
    return nowMs() - seen.sinceMs > (typeof seconds === 'number' ? seconds * 1_000 : policy.lifeMs);
  }

  async function ask(): Promise<void> {
    const startMs = nowMs();
    try {
      const { body } = await client.get(path);
      if (!isFree(body)) {
        renewedMs = undefined;
        return tell({ type: 'follows', leader: stringMember(objectMember(body, 'spec'), 'holderIdentity') ?? '' });
      }
      await client.put(path, written(body, candidate, policy.lifeMs));
      // Counted from before the call: others count from when they see it.
      renewedMs = startMs;
      tell({ type: 'leads' });
    } catch (error) {
      // Another candidate was faster; the next look says which.
      if (isApiError(error, 'conflict') && renewedMs === undefined) return;
      if (isLeader()) return;
      renewedMs = undefined;
      tell({ type: 'failed', detail: messageOf(error) });
    }
  }

  function isLeader(): boolean {
    return renewedMs !== undefined && nowMs() - renewedMs < policy.renewMs;
  }

  function turn(): void {
    // A call that hangs must not keep this one a leader.
    if (renewedMs !== undefined && !isLeader()) {
      renewedMs = undefined;
      tell({ type: 'failed', detail: 'the Lease could not be renewed in time' });
    }
    isAsking ??= ask().finally(() => (isAsking = undefined));
  }

  turn();
  const end = options.every(policy.retryMs, turn);
  return {
    isLeader,
    async stop() {
      end();
      await isAsking;
      if (!isLeader()) return;
      renewedMs = undefined;
      try {
        const { body } = await client.get(path);
        if (stringMember(objectMember(body, 'spec'), 'holderIdentity') !== candidate) return;
        await client.put(path, written(body, '', 1_000));
      } catch {
        // It ends by itself.
      }
    },
  };
}
