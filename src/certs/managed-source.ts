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
  /** A handshake with ourselves through the given bundle; readiness depends on it. */
  readonly verifyServing: VerifyServing;
  /** Names of the Service that the API server calls. */
  readonly names: SubjectNames;
  readonly onEvent?: OnCertificateEvent;
  readonly policy?: RotationPolicy;
  /** Between two rounds when all is well; also how long a changed bundle stays unrepaired. */
  readonly pollMs?: number;
  /** Between the first rounds while something is missing; doubles up to `pollMs`. */
  readonly retryMs?: number;
  readonly clock?: () => Date;
  /** 0 up to 1; spreads renewals and rounds of replicas that started together. */
  readonly random?: () => number;
}

/** An API server sees a changed bundle after some 0.1 s; a leaf of a CA that is new to it waits for that. */
const propagationMs = 2 * secondMs;

/** Rounds after which every replica that reaches the API server presents a leaf of the CA that the Secret holds. */
const settledAfterPolls = 3;

/** Failed handshakes in a row, with a leaf and bundle that had worked, before readiness goes: one may be mere load. */
const toleratedFailures = 2;

/**
 * Keeps its own certificates: one CA in a shared Secret, a leaf in memory per replica, our webhook entries' bundle.
 * All replicas do the same without a leader; each step is a compare-and-swap or harmless twice. Every round looks at
 * everything anew, so that whatever somebody deletes or overwrites comes back within one round.
 *
 * `start` resolves with the first leaf, whether or not the bundle is published yet, and waits as long as it takes; it
 * rejects only when `stop` is called before. Rounds that follow verify by handshake, so listen at once.
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
  /** The CA that signed before: other replicas may present it until they have looked at the Secret, too. */
  let former: { readonly signer: string; readonly untilMs: number } | undefined;
  let jitter = 0;
  let listening = false;
  let leafIsWaiting = false;
  /** Leaf and bundles of the last handshake that succeeded. */
  let verified: string | undefined;
  let failures = 0;
  let running: Promise<void> | undefined;

  /** First the CA, then trust in it, then a leaf of it, then the proof: any other order opens a gap. */
  async function round(): Promise<void> {
    await bundles.refresh();
    await ca.refresh(bundles.live());
    const content = ca.content();
    if (content !== undefined) {
      const wanted = trustBundle(content);
      const signer = content.current.certificate;
      // Before it is published: a leaf waits until API servers have seen it, too.
      const isTrusted = bundles.trusts(signer);
      await bundles.publish(joinBundle([wanted, ...stillPresented(signer)]));
      await renewLeaf(wanted, isTrusted);
    }
    if (serving !== undefined && listening) await check(serving);
  }

  /** CAs beside the current one whose leaves we, or replicas that look at the Secret later than we, present. */
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
    // A leaf of a CA that the API server does not trust yet is worse than one that lives a little longer.
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
      // The caller of `start` has the first leaf and listens now: the proof can follow soon.
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
