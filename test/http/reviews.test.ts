import { Agent } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { postReview } from '../support/http/https-client.ts';
import { namesOf, patchedPod, podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { startWebhook, type Webhook } from '../support/processes/webhook-server.ts';

let webhook: Webhook;
beforeAll(async () => {
  webhook = await startWebhook();
});
afterAll(() => webhook.close());

const send = async (review: unknown) => responseOf(await postReview(webhook, review));

test('the creation of a pod is allowed with a JSON Patch that adds capture and proxy', async () => {
  const pod = podOf();
  const response = await send(reviewOf(pod));
  expect(response).toMatchObject({
    uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    allowed: true,
    patchType: 'JSONPatch',
    auditAnnotations: { decision: 'inject', reasons: 'PolicyEnabled' },
  });
  expect(response.status).toBeUndefined();
  expect(response.warnings).toBeUndefined();
  const { spec } = patchedPod(pod, response);
  expect(namesOf(spec.initContainers)).toEqual(['istio-init', 'istio-proxy']);
  expect(namesOf(spec.containers)).toEqual(['app']);
});

describe('the answer repeats the uid', () => {
  test.each(['1', 'é', '"\\\n', '\u0000', '\ud800', '__proto__', '</script>', '😀', 'x'.repeat(100_000)])(
    'uid %#',
    async (uid) => {
      expect((await send(reviewOf(podOf(), { uid }))).uid).toBe(uid);
    },
  );

  test('of each of a hundred at once, the same pod or not', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 10 });
    const pod = podOf();
    const responses = await Promise.all(
      Array.from({ length: 100 }, async (_, index) =>
        responseOf(await postReview(webhook, reviewOf(pod, { uid: `uid-${index % 50}` }), { agent })),
      ),
    );
    agent.destroy();
    expect(responses.map(({ uid }) => uid)).toEqual(responses.map((_, index) => `uid-${index % 50}`));
    expect(new Set(responses.map(({ patch }) => patch)).size).toBe(1);
  });
});

test('a version of the review that is not v1 is answered 400', async () => {
  for (const apiVersion of ['admission.k8s.io/v1beta1', 'admission.k8s.io/v2', 'admission.k8s.io', 'v1', '', null]) {
    const answer = await postReview(webhook, { ...reviewOf(podOf()), apiVersion });
    expect([apiVersion, answer.status, answer.text]).toEqual([
      apiVersion,
      400,
      'The body is not an AdmissionReview of admission.k8s.io/v1.\n',
    ]);
  }
});

describe('whatever is not the creation of a pod is allowed without a patch', () => {
  const core = (kind: string) => ({ group: '', version: 'v1', kind });
  test.each<[string, object]>([
    ['an update', { operation: 'UPDATE', oldObject: podOf() }],
    ['a deletion', { operation: 'DELETE', object: null, oldObject: podOf() }],
    ['an exec', { operation: 'CONNECT', subResource: 'exec', kind: core('PodExecOptions'), object: {} }],
    ['an unknown operation', { operation: 'create' }],
    ['no operation', { operation: undefined }],
    ['an operation that is no text', { operation: ['CREATE'] }],
    ['a binding', { kind: core('Binding'), subResource: 'binding' }],
    ['an eviction', { kind: { group: 'policy', version: 'v1', kind: 'Eviction' }, subResource: 'eviction' }],
    ['an ephemeral container', { operation: 'UPDATE', subResource: 'ephemeralcontainers' }],
    ['a sub-resource of a creation', { subResource: 'ephemeralcontainers' }],
    ['a status', { operation: 'UPDATE', subResource: 'status' }],
    ['a Deployment', { kind: { group: 'apps', version: 'v1', kind: 'Deployment' } }],
    ['a PodTemplate', { kind: core('PodTemplate') }],
    ['a pod of another group', { kind: { group: 'x.example', version: 'v1', kind: 'Pod' } }],
    ['a pod of another version', { kind: { group: '', version: 'v2', kind: 'Pod' } }],
    ['no kind', { kind: undefined }],
    ['a kind that is no object', { kind: 'Pod' }],
    ['no object, and no pod', { kind: core('ConfigMap'), object: null }],
  ])('%s', async (_what, request) => {
    const response = await send(reviewOf(podOf(), request));
    expect(response).toEqual({
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      allowed: true,
      auditAnnotations: { decision: 'skip', reasons: 'NotAPodCreation', 'settings-hash': expect.any(String) },
    });
  });
});

test('a dry run is answered like the creation itself', async () => {
  expect(await send(reviewOf(podOf(), { dryRun: true }))).toEqual(await send(reviewOf(podOf())));
});

test('the same pod gets the same patch, byte by byte', async () => {
  const patches = await Promise.all(Array.from({ length: 5 }, async () => (await send(reviewOf(podOf()))).patch));
  expect(new Set(patches).size).toBe(1);
});

describe('the namespace of the request counts', () => {
  test.each<[string, object, object, string]>([
    ['where the pod has none', {}, { namespace: 'kube-system' }, 'SystemNamespace'],
    ['where the pod’s is empty', { namespace: '' }, { namespace: 'kube-system' }, 'SystemNamespace'],
    ['above the pod’s', { namespace: 'shop' }, { namespace: 'kube-system' }, 'SystemNamespace'],
    [
      'and the pod’s where the request has none',
      { namespace: 'kube-system' },
      { namespace: undefined },
      'SystemNamespace',
    ],
    ['', { namespace: 'kube-system' }, { namespace: 'shop' }, 'PolicyEnabled'],
  ])('%s', async (_when, metadata, request, reasons) => {
    expect((await send(reviewOf(podOf(metadata), request))).auditAnnotations).toMatchObject({ reasons });
  });
});

test('fields of the review that nobody knows are no hindrance', async () => {
  const review = {
    ...reviewOf(podOf(), { future: [1], fieldManager: 'x' }),
    extra: { a: null },
    response: { uid: 'x' },
  };
  expect((await send(review)).patchType).toBe('JSONPatch');
});
