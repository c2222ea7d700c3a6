import { Buffer } from 'node:buffer';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ask, postReview } from '../support/http/https-client.ts';
import { podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { startWebhook, type Webhook } from '../support/processes/webhook-server.ts';

let webhook: Webhook;
beforeAll(async () => {
  webhook = await startWebhook();
});
afterAll(() => webhook.close());

const review = reviewOf(podOf());

test.each([
  'application/json',
  'application/json; charset=utf-8',
  'application/json;charset=UTF-8',
  'Application/JSON',
  'application/json ; charset="utf-8"',
])('the content type %s is read', async (type) => {
  const answer = await postReview(webhook, review, { headers: { 'content-type': type } });
  expect(responseOf(answer).patchType).toBe('JSONPatch');
  expect(answer.headers['content-type']).toMatch(/^application\/json/);
});

test.each([
  'text/plain',
  'text/plain; charset=utf-8',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/json-patch+json',
  'application/jsonp',
  'application/json5',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  '*/*',
  'json',
  '',
  ';',
  'a'.repeat(4_000),
])('the content type %j is answered 415', async (type) => {
  const answer = await postReview(webhook, review, { headers: { 'content-type': type } });
  expect([answer.status, answer.text]).toEqual([
    415,
    'The content type must be application/json, without a content encoding.\n',
  ]);
});

test('a body without a content type is answered 415', async () => {
  const answer = await ask(webhook, { method: 'POST', path: '/inject', body: JSON.stringify(review) });
  expect(answer.status).toBe(415);
});

describe('a content encoding, which the API server never sends, is answered 415', () => {
  const bytes = Buffer.from(JSON.stringify(review));
  test.each([
    ['gzip', gzipSync(bytes)],
    ['deflate', deflateSync(bytes)],
    ['br', brotliCompressSync(bytes)],
    ['gzip, gzip', gzipSync(gzipSync(bytes))],
    ['identity', bytes],
    ['zstd', bytes],
  ])('%s', async (encoding, body) => {
    const answer = await postReview(webhook, body, { headers: { 'content-encoding': encoding } });
    expect(answer.status).toBe(415);
  });

  test('and a compressed body without that header is no JSON', async () => {
    expect(await postReview(webhook, gzipSync(bytes))).toMatchObject({ status: 400, text: 'The body is not UTF-8.\n' });
  });

  test('so that a bomb of 24 MiB in 24 KiB is not expanded', async () => {
    const bomb = gzipSync(Buffer.alloc(24 * 1024 * 1024, ' '));
    const before = process.memoryUsage();
    const answer = await postReview(webhook, bomb, { headers: { 'content-encoding': 'gzip' } });
    const after = process.memoryUsage();
    expect(answer.status).toBe(415);
    const grown = after.external + after.arrayBuffers - before.external - before.arrayBuffers;
    expect(grown).toBeLessThan(8 * 1024 * 1024);
  });
});

test('an answer is never compressed, even where the caller would take it', async () => {
  const answer = await postReview(webhook, review, { headers: { 'accept-encoding': 'gzip' } });
  expect(answer.headers['content-encoding']).toBeUndefined();
  expect(responseOf(answer).allowed).toBe(true);
});
