import { createInjector } from '../../../src/injection/injector.ts';
import { describe, expect, test } from '@jest/globals';
import { review } from '../../../src/admission/handler.ts';
import type { Snapshot } from '../../../src/injection/snapshot.ts';
import { createAnswerEncoder } from '../../../src/server/answer-body.ts';
import { podOf, responseOf, reviewOf } from '../../support/builders/reviews.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';

const encodeAnswer = createAnswerEncoder();

function run(body: unknown, snapshot: Snapshot = snapshotOf()) {
  const reviewed = review(JSON.stringify(body), createInjector(snapshot));
  if (reviewed.status === 400) throw new Error(reviewed.problem);
  return { ...reviewed, response: responseOf({ status: 200, headers: {}, text: encodeAnswer(reviewed.answer) }) };
}

test('names pod and workload as they were before the injection', () => {
  const owner = { controller: true, apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-7f9c' };
  const metadata = {
    name: undefined,
    generateName: 'web-7f9c-',
    labels: { 'pod-template-hash': '7f9c' },
    ownerReferences: [owner],
  };
  const { pod, workload } = run(reviewOf(podOf(metadata)));
  expect([pod, workload.kind, workload.name]).toEqual(['web-7f9c-*', 'Deployment', 'web']);
});

test('a creation of a pod without a pod is a problem, and so is what is no review', () => {
  for (const [body, problem] of [
    [reviewOf(null), 'The request creates a pod and has no object.'],
    [{}, 'The body is not an AdmissionReview of admission.k8s.io/v1.'],
  ] as const) {
    expect(review(JSON.stringify(body), createInjector(snapshotOf()))).toEqual({ status: 400, problem });
  }
});

test.each([
  ['an update', { operation: 'UPDATE' }],
  ['a subresource', { subResource: 'ephemeralcontainers' }],
  ['another kind', { kind: { group: '', version: 'v1', kind: 'Secret' } }],
])('what is not the creation of a pod is not even looked at: %s', (_what, request) => {
  for (const object of ['nonsense', podOf()]) {
    const { decision, response } = run(reviewOf(object, request));
    expect([decision.reasons[0].code, response.allowed]).toEqual(['NotAPodCreation', true]);
  }
});

describe('a defect of ours', () => {
  /** Without the settings of any profile the engine cannot work. */
  const broken = (onInvalidPatch: string): Snapshot => ({
    ...snapshotOf({ injection: { onInvalidPatch } }),
    bases: new Map(),
  });

  test('lets the pod through as it is, with a warning', () => {
    const { decision, failure, response } = run(reviewOf(podOf()), broken('admit'));
    expect(failure).toBeInstanceOf(Error);
    expect(decision).toMatchObject({ outcome: 'skip', reasons: [{ code: 'InvalidPatch' }], patch: [] });
    expect(response).toMatchObject({
      allowed: true,
      warnings: ['sidecar-injector: not injected: the injector failed on this pod, please report it (InvalidPatch)'],
    });
    expect(response.patch).toBeUndefined();
  });

  test('or refuses it, where the settings say so', () => {
    const { response } = run(reviewOf(podOf()), broken('deny'));
    expect(response).toMatchObject({
      allowed: false,
      status: { code: 400, message: 'the injector failed on this pod, please report it (InvalidPatch)' },
    });
  });

  test('is none when all went well', () => {
    expect(run(reviewOf(podOf())).failure).toBeUndefined();
  });
});
