import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { postReview } from '../support/http/https-client.ts';
import { operationsOf, podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { startWebhook, type Webhook } from '../support/processes/webhook-server.ts';

let webhook: Webhook;
beforeAll(async () => {
  webhook = await startWebhook();
});
afterAll(() => webhook.close());
afterEach(async () => {
  expect(responseOf(await postReview(webhook, reviewOf(podOf()))).patchType).toBe('JSONPatch');
});

/** A review whose pod holds the JSON text where the container has a field `hole`. */
const around = (json: string, spec: object = {}): string =>
  JSON.stringify(reviewOf(podOf({}, { hole: 0, ...spec }))).replace('"hole":0', () => `"hole":${json}`);

const depth = 1_000_000;

describe('a million levels', () => {
  const bombs: readonly [string, string][] = [
    ['of lists', '['.repeat(depth) + ']'.repeat(depth)],
    ['of objects', `${'{"a":'.repeat(depth)}0${'}'.repeat(depth)}`],
  ];

  test.each(bombs)('%s as the whole body are no review', async (_what, json) => {
    expect((await postReview(webhook, json)).status).toBe(400);
  });

  test.each(bombs)('%s in a field that nobody knows are left where they are', async (_what, json) => {
    const response = responseOf(await postReview(webhook, around(json)));
    expect([response.allowed, response.patchType]).toEqual([true, 'JSONPatch']);
    expect(operationsOf(response).some(({ path }) => path.includes('hole'))).toBe(false);
  });

  test('that never close are no JSON', async () => {
    expect((await postReview(webhook, '['.repeat(depth))).status).toBe(400);
  });

  // What is kept in the record is written out again, where such a depth would break a recursive writer.
  test.each<[where: string, mark: string, put: (json: string) => string]>([
    ['a label', '"metadata":{', (json) => `"metadata":{"labels":{"a":${json}},`],
    ['the inject label', '"metadata":{', (json) => `"metadata":{"labels":{"sidecar.istio.io/inject":${json}},`],
    [
      'an annotation of ours',
      '"metadata":{',
      (json) => `"metadata":{"annotations":{"sidecar.istio.io/proxyCPU":${json}},`,
    ],
    ['a probe', '"name":"app"', (json) => `"name":"app","readinessProbe":{"httpGet":{"port":8080,"x":${json}}}`],
    ['an override', '"name":"app"', (json) => `"name":"istio-proxy","env":[${json}]},{"name":"app"`],
    ['the operation', '"operation":"CREATE"', (json) => `"operation":${json}`],
  ])('as %s get an answer', async (_where, mark, put) => {
    const body = around('0').replace(mark, () => put(`${'['.repeat(depth)}${']'.repeat(depth)}`));
    expect((await postReview(webhook, body)).status).toBe(200);
  });
});

test('as many keys as fit into a body are read', async () => {
  const keys = Array.from({ length: 750_000 }, (_, index) => `"${index.toString(36)}":0`).join(',');
  const response = responseOf(await postReview(webhook, around(`{${keys}}`)));
  expect(response.patchType).toBe('JSONPatch');
});

test('300,000 labels get an answer', async () => {
  const keys = Array.from({ length: 300_000 }, (_, index) => `"k${index}":""`).join(',');
  const json = JSON.stringify(reviewOf(podOf({ labels: 0, annotations: 0 })));
  const answer = await postReview(
    webhook,
    json.replace('"labels":0', `"labels":{${keys}}`).replace('"annotations":0', '"annotations":{}'),
  );
  expect(responseOf(answer).patchType).toBe('JSONPatch');
});

test('a text of 3 MB stays where it is', async () => {
  const text = 'x'.repeat(3 * 1024 * 1024);
  const pod = podOf({}, { containers: [{ name: 'app', image: 'a', env: [{ name: 'A', value: text }] }] });
  const response = responseOf(await postReview(webhook, reviewOf(pod)));
  expect(response.patchType).toBe('JSONPatch');
  expect(response.patch?.length).toBeLessThan(64 * 1024);
});

describe('numbers that JavaScript cannot hold', () => {
  test.each([
    '1e400',
    '-1e400',
    '-0',
    '1e-400',
    '9007199254740993',
    '123456789012345678901234567890',
    '0.1000000000000000055511151231257827',
  ])('%s: the patch touches nothing of the pod', async (number) => {
    const body = around(number, { activeDeadlineSeconds: 7 }).replace(
      '"activeDeadlineSeconds":7',
      `"activeDeadlineSeconds":${number}`,
    );
    const operations = operationsOf(responseOf(await postReview(webhook, body)));
    expect(operations.length).toBeGreaterThan(0);
    for (const { op, path } of operations) {
      expect(op).toBe('add');
      expect(path).toMatch(/^\/(?:metadata\/(?:annotations|labels)$|spec\/(?:initContainers|volumes)$)/);
    }
  });

  test.each(['9007199254740993', '1e400'])('%s next to a probe that is turned to the proxy', async (number) => {
    const container = { name: 'app', image: 'a', readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 0 } };
    const body = JSON.stringify(reviewOf(podOf({}, { containers: [container] }))).replace(
      '"periodSeconds":0',
      `"periodSeconds":${number}`,
    );
    const operations = operationsOf(responseOf(await postReview(webhook, body)));
    const edits = operations.filter(({ path }) => path.startsWith('/spec/containers/0'));
    expect(edits.map(({ path }) => path)).toEqual(['/spec/containers/0/readinessProbe/httpGet']);
  });
});
