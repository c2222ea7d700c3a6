import { expect, test } from '@jest/globals';
import { stringMember, type JsonObject } from '../../../src/json/json.ts';
import { ApiError, errorOfStatus } from '../../../src/kubernetes/api-error.ts';
import { createEvent } from '../../../src/kubernetes/object-event.ts';
import { evictPod } from '../../../src/kubernetes/eviction.ts';

const pod = { namespace: 'shop', name: 'web-1', uid: 'u1' };

const budget = "Cannot evict pod as it would violate the pod's disruption budget.";
const several =
  'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support. (disruption budget)';

test.each([
  [429, budget, 'budget'],
  [500, several, 'budget'],
  [404, 'pods "web-1" not found', 'gone'],
  [409, 'the UID in the precondition (u1) does not match', 'gone'],
])('%i is no error: %s', async (status, message, result) => {
  const client = { post: () => Promise.reject(errorOfStatus('POST', status, { message })) };
  expect(await evictPod(client, pod)).toMatchObject({ result });
});

test.each([
  [429, 'too many requests, please try again later'],
  [403, 'forbidden'],
  [500, 'etcd is away'],
])('%i is one: %s', async (status, message) => {
  const client = { post: () => Promise.reject(errorOfStatus('POST', status, { message })) };
  await expect(evictPod(client, pod)).rejects.toBeInstanceOf(ApiError);
});

test('only the pod with this uid is evicted', async () => {
  const calls: [string, JsonObject][] = [];
  const post = (path: string, body: JsonObject) => {
    calls.push([path, body]);
    return Promise.resolve({ body: {} });
  };
  expect(await evictPod({ post }, pod)).toEqual({ result: 'evicted' });
  expect(calls).toEqual([
    [
      '/api/v1/namespaces/shop/pods/web-1/eviction',
      {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { namespace: 'shop', name: 'web-1' },
        deleteOptions: { preconditions: { uid: 'u1' } },
      },
    ],
  ]);
});

test.each([
  ['a', 2_000],
  ['é', 900],
  ['€', 700],
  ['😀', 400],
])('the note of an Event has at most 1024 bytes, without half a %s', async (letter, length) => {
  let note = '';
  const post = (_path: string, body: JsonObject) => {
    note = stringMember(body, 'note') ?? '';
    return Promise.resolve({ body: {} });
  };
  await createEvent(
    { post },
    {
      namespace: 'shop',
      name: { name: 'x' },
      time: new Date(0),
      controller: 'c',
      replica: 'r',
      type: 'Normal',
      reason: 'R',
      action: 'A',
      note: letter.repeat(length),
      regarding: {},
    },
  );
  expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1_024);
  expect(note.length).toBeGreaterThan(250);
  expect(note).toMatch(new RegExp(`^(?:${letter})+…$`, 'u'));
});
