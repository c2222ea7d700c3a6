import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { issueLeaf, type SubjectNames } from './authority.ts';
import { createBundleReconciler } from './bundle-reconciler.ts';
import { createCaReconciler } from './ca-reconciler.ts';
import { trustBundle, validityOf } from './ca-secret.ts';
import { joinBundle } from './bundle.ts';
import { longestTimerMs, secondMs } from './durations.ts';
import { createReporter } from './reporter.ts';
import type { OnCertificateEvent } from './events.ts';
import type { VerifyServing } from './self-check.ts';
import type { BundlePublisher, CaStore } from './stores.ts';
import { defaultPolicy, needsLeaf, type RotationPolicy } from './rotation.ts';
import type { CertificateSource, ServingCertificate } from './source.ts';
import { messageOf } from './error-message.ts';

export interface ManagedSourceOptions {
  readonly store: CaStore;
  readonly publisher: BundlePublisher;
  /** Self-check of the served certificate against a bundle; readiness depends on it. */
  readonly verifyServing: VerifyServing;
  /** Names of the Service that the API server calls. */
  readonly names: SubjectNames;
  readonly onEvent?: OnCertificateEvent;
  readonly policy?: RotationPolicy;
  /** Interval of rounds without errors; also the longest time before a changed bundle is repaired. */
  readonly pollMs?: number;
  /** Interval of the first rounds while something is missing; doubles up to `pollMs`. */
  readonly retryMs?: number;
  readonly clock?: () => Date;
  /** Random number from 0 up to 1; spreads renewals and rounds of replicas that started together. */
  readonly random?: () => number;
}

/**
 * API servers pick up a new bundle within about 0.1 s; wait this long before presenting a leaf of a newly published CA.
 */
const propagationMs = 2 * secondMs;

/** Rounds after which every replica that can reach the API server presents a leaf of the CA in the Secret. */
const settledAfterPolls = 3;

/** Consecutive failed self-checks of a pair that passed before, until the replica is not ready; load can cause one. */
const toleratedFailures = 2;

/**
 * Manages its own certificates: one CA in a shared Secret, one leaf per replica in memory, and the CA bundle of our
 * webhook entries. All replicas do the same without a leader: each step is a compare-and-swap or idempotent. Every
 * round reads everything again, so anything that is deleted or overwritten is restored within one round.
 *
 * `start` resolves with the first leaf, even if the bundle is not published yet. It waits without a time limit, and
 * rejects only if `stop` is called first. Later rounds verify by a TLS handshake, so callers must start listening
 * immediately.
 */
export function createManagedSource(options: ManagedSourceOptions): CertificateSource {
  const { verifyServing, names, policy = defaultPolicy, pollMs = 10 * secondMs, retryMs = secondMs / 4 } = options;
  const { clock = () => new Date(), random = Math.random } = options;
  const stopping = new AbortController();
  const reporter = createReporter((event) => {
    if (!stopping.signal.aborted) options.onEvent?.(event);
  });
  const ca = createCaReconciler({ store: options.store, reporter, policy, clock });
  const bundles = createBundleReconciler({ publisher: options.publisher, reporter });
  const listeners: ((next: ServingCertificate) => void)[] = [];
  const first = Promise.withResolvers<ServingCertificate>();

  let serving: (ServingCertificate & { readonly signer: string }) | undefined;
  /** The previous signer: other replicas may present its leaves until they have read the Secret. */
  let former: { readonly signer: string; readonly untilMs: number } | undefined;
  let jitter = 0;
  let listening = false;
  let leafIsWaiting = false;
  /** Leaf and bundles of the last self-check that passed. */
  let verified: string | undefined;
  let failures = 0;
  let running: Promise<void> | undefined;

  /** Reconciles the CA, publishes the bundle, renews the leaf, then verifies. Any other order opens a gap in trust. */
  async function round(): Promise<void> {
    await bundles.refresh();
    await ca.refresh(bundles.live());
    const content = ca.content();
    if (content !== undefined) {
      const wanted = trustBundle(content);
      const signer = content.current.certificate;
      // Read before publishing: a new leaf must wait until API servers have picked up the bundle.
      const isTrusted = bundles.trusts(signer);
      await bundles.publish(joinBundle([wanted, ...stillPresented(signer)]));
      await renewLeaf(wanted, isTrusted);
    }
    if (serving !== undefined && listening) await check(serving);
  }

  /** CAs other than the current one whose leaves this replica or slower ones still present. */
  function stillPresented(signer: string): readonly string[] {
    const ours = serving === undefined || serving.signer === signer ? [] : [serving.signer];
    const others = former === undefined || clock().getTime() >= former.untilMs ? [] : [former.signer];
    return [...ours, ...others].filter(isAlive);
  }

  async function renewLeaf(bundle: string, isTrusted: boolean): Promise<void> {
    leafIsWaiting = false;
    const content = ca.content();
    if (content === undefined) return;
    const now = ca.issueTime();
    const facts = {
      nowMs: now.getTime(),
      jitter,
      signedByCurrent: serving?.signer === content.current.certificate,
    };
    const { due, reason } = needsLeaf(serving && validityOf(serving.certificate), facts, policy);
    if (!due) {
      if (serving !== undefined && serving.bundle !== bundle) serving = { ...serving, bundle };
      return;
    }
    // It is better to use the old leaf a little longer than to present one of a CA that is not trusted yet.
    const works = serving !== undefined && serving.notAfter > now && isAlive(serving.signer);
    leafIsWaiting = works && !facts.signedByCurrent && !isTrusted;
    if (leafIsWaiting) return;
    const leaf = await issueLeaf({ authority: content.current, names, now, lifetimeMs: policy.leafLifetimeMs });
    if (stopping.signal.aborted) return;
    jitter = random();
    if (serving !== undefined && !facts.signedByCurrent) {
      former = { signer: serving.signer, untilMs: clock().getTime() + settledAfterPolls * pollMs };
    }
    serving = { ...leaf, bundle, signer: content.current.certificate };
    reporter.report({ code: 'leaf-issued', detail: reason, notAfter: leaf.notAfter, generation: content.generation });
    first.resolve(serving);
    if (listening) for (const listener of listeners) listener(serving);
  }

  async function check(current: ServingCertificate): Promise<void> {
    const live = bundles.live();
    if (live === undefined || live.length === 0) return;
    const subject = JSON.stringify([current.certificate, live]);
    try {
      const bare = live.find(({ bundle }) => bundle === undefined);
      if (bare !== undefined) throw new Error(`the webhook configuration's entry '${bare.entry}' has no CA bundle`);
      for (const bundle of new Set(live.map(({ bundle }) => bundle ?? ''))) await verifyServing(bundle);
      failures = 0;
      if (verified === undefined) reporter.report({ code: 'self-check-passed', detail: 'the live bundle verifies us' });
      verified = subject;
      reporter.clear('self-check-failed');
    } catch (error) {
      failures += 1;
      reporter.raise('self-check-failed', messageOf(error));
      if (verified !== subject || failures > toleratedFailures) verified = undefined;
    }
  }

  function isAlive(certificate: string): boolean {
    return new X509Certificate(certificate).validToDate > clock();
  }

  async function run(): Promise<void> {
    let backOffMs = retryMs;
    while (!stopping.signal.aborted) {
      try {
        await round();
        reporter.clear('round-failed');
      } catch (error) {
        reporter.raise('round-failed', messageOf(error));
      }
      let waitMs = pollMs;
      if (leafIsWaiting) {
        waitMs = Math.min(propagationMs, pollMs);
      } else if (!health().ready || reporter.hasConditions()) {
        waitMs = backOffMs;
        backOffMs = Math.min(backOffMs * 2, pollMs);
      } else {
        backOffMs = retryMs;
      }
      // The caller of `start` has the first leaf and is listening now, so the self-check can follow soon.
      if (serving !== undefined && !listening) {
        listening = true;
        waitMs = backOffMs = retryMs;
      }
      const spreadMs = waitMs * (0.9 + 0.2 * random());
      await sleep(Math.min(spreadMs, longestTimerMs), undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  function health(): { readonly ready: boolean; readonly reason: string } {
    const trouble = reporter.conditions();
    if (serving === undefined) return { ready: false, reason: trouble ?? 'there is no certificate yet' };
    const until = serving.notAfter.toISOString();
    if (serving.notAfter <= ca.issueTime()) {
      return { ready: false, reason: `the certificate expired on ${until}${trouble ? `: ${trouble}` : ''}` };
    }
    if (verified === undefined) return { ready: false, reason: trouble ?? 'the live bundle was not checked yet' };
    return { ready: true, reason: trouble ?? `the live bundle verifies what is served until ${until}` };
  }

  return {
    async start() {
      running ??= run();
      return first.promise;
    },
    onChange(listener) {
      listeners.push(listener);
    },
    health,
    async stop() {
      stopping.abort();
      first.promise.catch(() => {});
      first.reject(new Error(`stopped before there was a certificate: ${reporter.conditions() ?? 'no reason known'}`));
      await running;
    },
  };
}
