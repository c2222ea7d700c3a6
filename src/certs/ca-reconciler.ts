import { authorityName, createAuthority } from './authority.ts';
import {
  applyStep,
  type CaContent,
  parseCaSecret,
  type ParsedSecret,
  renderCaSecret,
  rotationState,
  trustBundle,
  validityOf,
} from './ca-secret.ts';
import { holdsCertificates, parseBundle, sameCertificates } from './bundle.ts';
import { minuteMs } from './durations.ts';
import type { CertificateEventCode } from './events.ts';
import type { CaStore, PublishedBundle, StoredCa } from './stores.ts';
import type { Reporter } from './reporter.ts';
import { nextStep, type RotationAction, type RotationPolicy } from './rotation.ts';
import { messageOf } from './error-message.ts';

/** Attempts per round to win the compare-and-swap; the next round tries again. */
const maximumAttempts = 5;

/** A larger clock skew is reported. Leaves are backdated by half of this. */
const toleratedSkewMs = 10 * minuteMs;

/** No more generations than this are ever valid at the same time. */
const inheritedLimit = 4;

const stepEvents: Record<Exclude<RotationAction, 'none'>, CertificateEventCode> = {
  generate: 'ca-generated',
  'publish-overlap': 'ca-prepared',
  switch: 'ca-switched',
  'drop-old': 'ca-dropped',
};

/** Adopts the CA of the shared Secret for this replica, and advances the Secret's rotation. */
export interface CaReconciler {
  /**
   * Reads the Secret and takes at most one step of the rotation. Never rejects: errors are reported and the last known
   * content stays in use.
   *
   * @param live bundles of the webhook configuration as last read
   */
  refresh(live: readonly PublishedBundle[] | undefined): Promise<void>;
  /** The last valid content; kept even if the Secret is deleted. */
  content(): CaContent | undefined;
  /**
   * The current time by our clock or the API server's, whichever is earlier. An API server refuses a leaf from its
   * future, and a clock that is ahead would expire the CA that all replicas share.
   */
  issueTime(): Date;
}

/** Creates a reconciler without content; `refresh` reads the Secret. */
export function createCaReconciler(options: {
  readonly store: CaStore;
  readonly reporter: Reporter;
  readonly policy: RotationPolicy;
  readonly clock: () => Date;
}): CaReconciler {
  const { store, reporter, policy, clock } = options;
  let content: CaContent | undefined;
  let skewMs = 0;

  function issueTime(): Date {
    return new Date(clock().getTime() + Math.min(skewMs, 0));
  }

  function adopt(next: CaContent): void {
    const changed = content === undefined || !sameCertificates(trustBundle(content), trustBundle(next));
    if (changed || content?.current.certificate !== next.current.certificate) {
      const notAfter = new Date(validityOf(next.current.certificate).notAfterMs);
      const detail = `the Secret holds generation ${next.generation}, phase '${next.phase}'`;
      reporter.report({ code: 'ca-adopted', detail, notAfter, generation: next.generation });
    }
    content = next;
  }

  /** The content to write, and the event to report; undefined if there is nothing to write. */
  async function decide(
    stored: StoredCa,
    live: readonly PublishedBundle[] | undefined,
  ): Promise<{ readonly next: CaContent; readonly code: CertificateEventCode; readonly reason: string } | undefined> {
    const parsed = parseCaSecret(stored.data);
    const problem = problemOf(parsed);
    if (problem !== undefined) {
      reporter.raise('secret-invalid', `the CA Secret cannot be used and is left as it is: ${problem}`);
      return undefined;
    }
    reporter.clear('secret-invalid');
    if (parsed.kind === 'filled') adopt(parsed.content);
    else if (content !== undefined) {
      return { next: content, code: 'secret-refilled', reason: 'the Secret had lost its values; the same CA is back' };
    }
    const nextCa = content?.next?.certificate;
    const nextIsLive =
      nextCa !== undefined &&
      live !== undefined &&
      live.length > 0 &&
      live.every(({ bundle }) => holdsCertificates(bundle, nextCa));
    const now = issueTime();
    const { action, reason } = nextStep(
      content && rotationState(content),
      { nowMs: now.getTime(), nextIsLive },
      policy,
    );
    if (action === 'none') return undefined;
    const needsFresh = action === 'generate' || action === 'publish-overlap';
    const fresh = needsFresh ? await createAuthority({ now, lifetimeMs: policy.caLifetimeMs }) : undefined;
    // If the Secret was emptied, replicas may still serve leaves of its CA, so that CA stays trusted for a while.
    const inherited = content === undefined ? ourAuthorities(live ?? [], now) : [];
    const next = applyStep(action, content, { now, inherited, ...(fresh && { fresh }) });
    return { next, code: stepEvents[action], reason };
  }

  /** Why the Secret's content must not be used; undefined if it may be. */
  function problemOf(parsed: ParsedSecret): string | undefined {
    if (parsed.kind === 'invalid') return parsed.problem;
    if (parsed.kind === 'empty') return undefined;
    const { certificate } = parsed.content.current;
    const validFromMs = validityOf(certificate).notBeforeMs;
    // If the CA already in use is not valid yet, a clock was set back.
    if (certificate === content?.current.certificate || validFromMs <= issueTime().getTime()) return undefined;
    return `key 'ca.crt': is not valid before ${new Date(validFromMs).toISOString()}`;
  }

  function noteServerTime(serverTime: Date | undefined): void {
    skewMs = serverTime === undefined ? 0 : serverTime.getTime() - clock().getTime();
    if (Math.abs(skewMs) <= toleratedSkewMs) {
      reporter.clear('clock-skewed');
      return;
    }
    const side = `more than ${toleratedSkewMs / minuteMs} minutes ${skewMs > 0 ? 'behind' : 'ahead of'}`;
    reporter.raise('clock-skewed', `our clock is ${side} the API server's; the earlier of both counts`);
  }

  /** Returns whether the Secret must be read again immediately. */
  async function attempt(live: readonly PublishedBundle[] | undefined): Promise<boolean> {
    const stored = await store.read();
    if (stored === undefined) {
      reportMissing();
      return false;
    }
    reporter.clear('secret-missing');
    noteServerTime(stored.serverTime);
    const decision = await decide(stored, live);
    if (decision === undefined) return false;
    const { next, code, reason } = decision;
    const outcome = await store.fill(renderCaSecret(next, stored.data), stored.resourceVersion);
    if (outcome === 'missing') reportMissing();
    if (outcome === 'conflict') {
      reporter.report({ code: 'secret-conflict', detail: `another replica was first: ${reason}` });
    }
    if (outcome !== 'written') return outcome === 'conflict';
    content = next;
    const notAfter = new Date(validityOf(next.current.certificate).notAfterMs);
    reporter.report({ code, detail: reason, notAfter, generation: next.generation });
    return false;
  }

  function reportMissing(): void {
    const consequence =
      content === undefined
        ? 'apply the manifest that holds it'
        : 'serving goes on with the CA in memory, which refills the Secret when it returns';
    reporter.raise('secret-missing', `the CA Secret does not exist: ${consequence}`);
  }

  return {
    async refresh(live) {
      try {
        let again = true;
        for (let attempts = 0; again && attempts < maximumAttempts; attempts += 1) again = await attempt(live);
        reporter.clear('api-unreachable', 'secret');
      } catch (error) {
        const why = messageOf(error);
        reporter.raise('api-unreachable', `the CA Secret: ${why}`, 'secret');
      }
    },
    content: () => content,
    issueTime,
  };
}

/** Unexpired CAs (PEM) that this program created and the webhook configuration trusts. */
function ourAuthorities(live: readonly PublishedBundle[], now: Date): readonly string[] {
  const found = live.flatMap(({ bundle }) => parseBundle(bundle ?? '').certificates ?? []);
  const ours = found.filter(
    ({ subject, validToDate }) => subject.startsWith(`CN=${authorityName}`) && validToDate > now,
  );
  return [...new Set(ours.map((certificate) => certificate.toString()))].slice(0, inheritedLimit);
}
