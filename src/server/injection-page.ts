import { review, type Reviewed } from '../admission/handler.ts';
import type { Injector } from '../injection/injector.ts';
import { patchLength } from '../injection/patch/patch-text.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { createAnswerEncoder } from './answer-body.ts';
import { failurePlace } from './failure-place.ts';
import { describeReview } from './review-log.ts';
import type { ReviewPage } from './server.ts';

const noVariables = { variables: undefined } as const;

/** Creates the page that injects pods. In Istio's mode a path may continue after `/inject`, with variables for the proxy. */
export function injectionPage(options: {
  /** The current injector. Each request uses one injector from start to end. */
  readonly injector: () => Injector;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Monotonic clock in milliseconds. */
  readonly nowMs: () => number;
  /** Takes each review that was decided. Must be quick, because the answer waits for it, and must not throw. */
  readonly onReviewed?: (reviewed: Reviewed & { readonly status: 200 }) => void;
}): ReviewPage {
  const { log, metrics, nowMs } = options;
  const encodeAnswer = createAnswerEncoder();
  return {
    path: '/inject',
    continuesAt: () => options.injector().flavour.readAddress !== undefined,
    answer(text, path, startMs) {
      const injector = options.injector();
      const address = injector.flavour.readAddress?.(path) ?? noVariables;
      const reviewed = 'problem' in address ? address : review(text, injector, address.variables);
      if ('problem' in reviewed) return reviewed;
      const { decision } = reviewed;
      const durationMs = nowMs() - startMs;
      const [first] = decision.reasons;
      metrics.reviews.inc({ outcome: decision.outcome, reason: first.code });
      metrics.duration.observe({ outcome: decision.outcome }, durationMs / 1_000);
      const patchBytes = patchLength(decision.patch);
      if (patchBytes > 0) metrics.patchBytes.observe(patchBytes);
      const fields = describeReview(reviewed, durationMs, patchBytes);
      if (reviewed.failure !== undefined) {
        metrics.failures.inc();
        log.error({ ...fields, stack: failurePlace(reviewed.failure) }, 'a review could not be decided');
      }
      log.info(fields, 'review');
      options.onReviewed?.(reviewed);
      return { body: encodeAnswer(reviewed.answer) };
    },
  };
}
