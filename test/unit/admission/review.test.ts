import { describe, expect, test } from '@jest/globals';
import { decodeReview } from '../../../src/admission/review.ts';
import { podOf, reviewOf } from '../../support/builders/reviews.ts';

const decode = (review: unknown) => decodeReview(JSON.stringify(review));

test('a review gives what of it matters', () => {
  const pod = podOf();
  expect(decode(reviewOf(pod))).toEqual({
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      operation: 'CREATE',
      namespace: 'shop',
      kind: 'v1/Pod',
      subResource: '',
      dryRun: false,
      object: pod,
    },
  });
});

describe('a field of the request', () => {
  test.each<[what: string, request: object, expected: object]>([
    [
      'kind with a group',
      { kind: { group: 'apps', version: 'v1', kind: 'Deployment' } },
      { kind: 'apps/v1/Deployment' },
    ],
    ['kind that is absent', { kind: undefined }, { kind: '' }],
    ['kind with other types in it', { kind: { group: 1, version: [], kind: null } }, { kind: '' }],
    ['operation of another type', { operation: 7 }, { operation: '' }],
    ['dryRun that is not true', { dryRun: 'true' }, { dryRun: false }],
    ['dryRun', { dryRun: true }, { dryRun: true }],
    ['subResource', { subResource: 'status' }, { subResource: 'status' }],
    ['namespace that is absent', { namespace: undefined }, { namespace: '' }],
    ['namespace of a cluster-wide object', { namespace: '' }, { namespace: '' }],
    [
      'namespace that only the pod has',
      { namespace: undefined, object: podOf({ namespace: 'own' }) },
      { namespace: 'own' },
    ],
    ['object that is null', { object: null }, { object: undefined }],
    ['object that is a list', { object: [] }, { object: undefined }],
  ])('%s', (_what, request, expected) => {
    expect(decode(reviewOf(podOf(), request))).toMatchObject({ request: expected });
  });

  test('that only a prototype has is absent', () => {
    const text = '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","__proto__":{"request":{"uid":"x"}}}';
    expect(decodeReview(text)).toEqual({ problem: 'The AdmissionReview has no request.' });
  });
});

describe('what is no review is a problem in one sentence', () => {
  test.each<[text: string, problem: string]>([
    ['', 'The body is empty.'],
    ['{', 'The body is not JSON.'],
    ['7', 'The body is not a JSON object.'],
    ['{"kind":"AdmissionReview"}', 'The body is not an AdmissionReview of admission.k8s.io/v1.'],
    [
      '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1"}',
      'The body is not an AdmissionReview of admission.k8s.io/v1.',
    ],
    [
      '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":"x"}',
      'The AdmissionReview has no request.',
    ],
    ['{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":""}}', 'The request has no uid.'],
  ])('%s', (text, problem) => {
    expect(decodeReview(text)).toEqual({ problem });
  });
});
