import type { Leaf } from '../../certs/kept-leaf.ts';
import { defaultPolicy, needsLeaf, type RotationPolicy } from '../../certs/rotation.ts';
import { peerText } from '../../envoy/flows.ts';
import type { Caller } from '../identity/caller.ts';
import type { WorkloadIdentity } from '../identity/workload-identity.ts';
import { workloadSecrets } from '../identity/workload-secrets.ts';
import { spiffeId } from '../plan/identity.ts';
import type { Resource } from '../resources/resource.ts';
import type { World } from '../world/world.ts';
import type { Session } from './session.ts';

/** Proxies of a replica, and those that hold a certificate and roots of the identity that is in use. */
export interface IdentityProgress {
  readonly id: string;
  readonly proxies: number;
  readonly holding: number;
}

/** The certificates of connected proxies. */
export interface WorkloadCertificates {
  /** Issues a certificate for a new stream, and keeps it renewed until `release`. Throws if none can be issued. */
  keep(caller: Caller, open: (secrets: readonly Resource[]) => Session): Session;
  release(session: Session): void;
  /** Gives proxies what is new: its roots at once, and certificates of another authority one after the other. */
  use(identity: WorkloadIdentity): void;
  /** Gives every proxy a new certificate now. */
  renewAll(): void;
  progress(): IdentityProgress;
  stop(): void;
}

interface Kept {
  readonly caller: Caller;
  readonly leaf: Leaf;
  readonly signer: string;
  readonly jitter: number;
}

/** How often it is looked for certificates that are due, and how much time that may take before others have their turn. */
const look = { everyMs: 1_000, afterFailureMs: 60_000, budgetMs: 50 } as const;

/** Renewal between 40 and 60 % of the life of a certificate, so that a control plane may be away for half a day. */
const renewal: RotationPolicy = { ...defaultPolicy, leafRenewAt: 0.6, leafRenewSpread: 0.2 };

/** Creates the certificates of proxies that are to come. */
export function createWorkloadCertificates(options: {
  readonly identity: WorkloadIdentity;
  readonly trustDomain: string;
  readonly world: () => World;
  /** Milliseconds that no change of the clock makes jump. */
  readonly nowMs: () => number;
  readonly after: (milliseconds: number, action: () => void) => () => void;
  /** A number from 0 to below 1. */
  readonly random: () => number;
  /** Called when a proxy could not get a new certificate and keeps its own. */
  readonly failed: (error: unknown) => void;
}): WorkloadCertificates {
  const { nowMs, after, random } = options;
  const all = new Map<Session, Kept>();
  let { identity } = options;

  /** The certificate also says what metrics of a peer say of the pod, as far as it is known. */
  function issue(caller: Caller): Kept {
    const { namespace, serviceAccount, podName, podUid } = caller;
    const uris = [spiffeId(options.trustDomain, namespace, serviceAccount)];
    const pod = options.world().pod.get(`${namespace}/${podName}`);
    const names = pod?.uid === podUid ? { uris, note: peerText(pod) } : { uris };
    return { caller, leaf: identity.issue(names), signer: identity.signer, jitter: random() };
  }

  function renew(session: Session, { caller }: Kept): void {
    const kept = issue(caller);
    all.set(session, kept);
    session.useSecrets(workloadSecrets(kept.leaf, identity.roots));
  }

  function isDue({ leaf, signer, jitter }: Kept): boolean {
    const validity = { notBeforeMs: leaf.notBefore.getTime(), notAfterMs: leaf.notAfter.getTime() };
    const facts = { nowMs: identity.now().getTime(), jitter, signedByCurrent: signer === identity.signer };
    return needsLeaf(validity, facts, renewal).due;
  }

  function renewDue(): void {
    const endMs = nowMs() + look.budgetMs;
    let delayMs: number = look.everyMs;
    try {
      for (const [session, kept] of all) {
        if (nowMs() > endMs) break;
        if (isDue(kept)) renew(session, kept);
      }
    } catch (error) {
      options.failed(error);
      delayMs = look.afterFailureMs;
    }
    stop = after(delayMs, renewDue);
  }
  let stop = after(look.everyMs, renewDue);

  return {
    keep(caller, open) {
      const kept = issue(caller);
      const session = open(workloadSecrets(kept.leaf, identity.roots));
      all.set(session, kept);
      return session;
    },
    release: (session) => void all.delete(session),
    use(next) {
      identity = next;
      // Whoever has no certificate of the next authority yet must know those of others.
      for (const [session, { leaf }] of all) session.useSecrets(workloadSecrets(leaf, identity.roots));
    },
    renewAll() {
      for (const [session, kept] of all) renew(session, kept);
    },
    progress() {
      const holding = [...all].filter(([session, kept]) => kept.signer === identity.signer && session.holdsSecrets());
      return { id: identity.id, proxies: all.size, holding: holding.length };
    },
    stop: () => stop(),
  };
}
