import * as fc from '../../support/fast-check.ts';
import { injectedPod } from '../../support/builders/decisions.ts';
import { campaign } from '../../support/fuzz/campaign.ts';
import { changedText, oddText } from '../../support/fuzz/odd-json.ts';
import { annotatedReviews, bodyOf, forgedReviews, fullPod, oddReviews } from '../../support/fuzz/pods.ts';
import { bodyChecker } from '../../support/fuzz/reviewed-body.ts';
import { reviewOf } from '../../support/builders/reviews.ts';
import { snapshotWithShipped } from '../../support/sidecars/shipped-sidecars.ts';
import type { JsonObject } from '../../../src/json/json.ts';

const file = 'test/fuzz/webhook/reviews.test.ts';
const standalone = snapshotWithShipped({
  injection: { defaultTemplates: ['sidecar', 'log-shipper', 'metrics-exporter'] },
  proxy: { applicationDrainSeconds: 5 },
});
const istiod = snapshotWithShipped({ mode: 'istiod', istiod: { values: { global: { tag: '1.28.0' } } } });
const modes = { standalone, istiod } as const;

/** Bodies that are nearly a review, or no text at all. */
const bytes = fc.oneof(
  changedText(fc.constant(bodyOf(reviewOf(fullPod)).toString('utf8')), oddText).map((text) => Buffer.from(text)),
  fc.tuple(fc.nat(3_000), fc.uint8Array({ maxLength: 8 })).map(([at, odd]) => {
    const body = bodyOf(reviewOf(fullPod));
    return Buffer.concat([body.subarray(0, at % body.length), odd, body.subarray(at % body.length)]);
  }),
  fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
);

for (const [mode, snapshot] of Object.entries(modes)) {
  const check = bodyChecker(snapshot);
  campaign({ name: `bytes-${mode}`, file, inputs: bytes, check });
  campaign({ name: `reviews-${mode}`, file, inputs: oddReviews, check });
  campaign({ name: `annotations-${mode}`, file, inputs: annotatedReviews, check });
  const injected = injectedPod(fullPod, snapshot) as unknown as JsonObject;
  campaign({ name: `statuses-${mode}`, file, inputs: forgedReviews(injected), check });
}
