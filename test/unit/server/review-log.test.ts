import { createInjector } from '../../../src/injection/injector.ts';
import { expect, test } from '@jest/globals';
import { review } from '../../../src/admission/handler.ts';
import { describeReview } from '../../../src/server/review-log.ts';
import { podOf, reviewOf } from '../../support/builders/reviews.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';

function fieldsOf(body: unknown): object {
  const reviewed = review(JSON.stringify(body), createInjector(snapshotOf()));
  if (reviewed.status === 400) throw new Error(reviewed.problem);
  return describeReview(reviewed, 1.234_567_8, 4711);
}

test('a review is described by names, codes and numbers alone', () => {
  const fields = fieldsOf(reviewOf(podOf({ annotations: { note: 'hunter2' } }), { uid: 'u', dryRun: true }));
  expect(fields).toEqual({
    uid: 'u',
    namespace: 'shop',
    pod: 'web-0',
    workload: 'Pod/web-0',
    operation: 'CREATE',
    dryRun: true,
    outcome: 'inject',
    reasons: ['PolicyEnabled'],
    durationMs: 1.235,
    patchBytes: 4711,
    settingsHash: snapshotOf().hash,
  });
});

test('a code is there once, however often it applies', () => {
  const ports = [{ containerPort: 15001 }, { containerPort: 15006 }];
  const fields = fieldsOf(reviewOf(podOf({}, { containers: [{ name: 'app', ports }] })));
  expect(fields).toMatchObject({ outcome: 'deny', reasons: ['PortConflict'] });
});

test('no field is longer than a name in Kubernetes can be', () => {
  const long = 'x'.repeat(10_000);
  const body = reviewOf(podOf({ name: long }), { uid: long, namespace: long, operation: 'CREATE' });
  for (const value of Object.values(fieldsOf(body))) {
    expect(typeof value === 'string' ? value.length : 0).toBeLessThanOrEqual(256);
  }
});
