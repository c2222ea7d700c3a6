import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ask, postReview } from '../support/http/https-client.ts';
import { annotated, podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { converse } from '../support/http/tls-client.ts';
import { startWebhook, type Webhook } from '../support/processes/webhook-server.ts';

/** Looks like nothing else, so that a part of it is found as well. */
const secret = 'hunter2-Zm9vYmFy';

let webhook: Webhook;
beforeAll(async () => {
  webhook = await startWebhook();
});
afterAll(() => webhook.close());

/** Trace is the most talkative level. */
afterEach(async () => {
  expect(webhook.log().length).toBeGreaterThan(0);
  expect(webhook.log()).not.toContain('hunter2');
  expect((await webhook.metrics.expose()).text).not.toContain('hunter2');
});

const container = {
  name: 'app',
  image: `registry.example/app:1`,
  env: [{ name: 'PASSWORD', value: secret }],
  args: ['--token', secret],
  command: [secret],
  lifecycle: { preStop: { exec: { command: [secret] } } },
  readinessProbe: { httpGet: { port: 80, httpHeaders: [{ name: 'Authorization', value: `Bearer ${secret}` }] } },
};

describe('what a pod keeps to itself is never logged', () => {
  test.each<[when: string, pod: object, request: object]>([
    [
      'when it is injected',
      podOf({ annotations: { note: secret }, labels: { note: secret } }, { containers: [container] }),
      {},
    ],
    ['when it opted out', podOf({ labels: { 'sidecar.istio.io/inject': 'false' } }, { containers: [container] }), {}],
    ['when it is not to be injected', podOf({}, { hostNetwork: true, containers: [container] }), {}],
    ['when it is denied', podOf({}, { containers: [{ ...container, ports: [{ containerPort: 15001 }] }] }), {}],
    ['when an annotation of ours holds it', annotated({ 'sidecar.istio.io/proxyImage': secret }), {}],
    ['when the inject label holds it', podOf({ labels: { 'sidecar.istio.io/inject': secret } }), {}],
    ['when the status annotation holds it', annotated({ 'sidecar.istio.io/status': secret }), {}],
    ['when an unknown annotation of ours holds it', annotated({ 'sidecar.istio.io/x': secret }), {}],
    [
      'when an override holds it',
      podOf(
        {},
        { containers: [container, { name: 'istio-proxy', env: [{ name: 'A', value: secret }], command: [secret] }] },
      ),
      {},
    ],
    [
      'when a probe’s port is it',
      podOf({}, { containers: [{ name: 'app', readinessProbe: { httpGet: { port: secret } } }] }),
      {},
    ],
    ['when it has a wrong shape', podOf({}, { containers: secret, volumes: secret }), {}],
    [
      'when it is no pod',
      podOf(),
      { kind: { group: '', version: 'v1', kind: 'Secret' }, object: { data: { a: secret } } },
    ],
    ['when it is updated', podOf(), { operation: 'UPDATE', oldObject: podOf({ annotations: { a: secret } }) }],
    ['when the caller is named', podOf(), { userInfo: { username: secret, extra: { token: [secret] } } }],
    [
      'when our own code fails on it',
      podOf({}, { containers: [{ ...container, readinessProbe: { httpGet: { port: 80, x: 'deep' } } }] }),
      {},
    ],
  ])('%s', async (_when, pod, request) => {
    const body = JSON.stringify(reviewOf(pod, request)).replace(
      '"deep"',
      () => '['.repeat(200_000) + ']'.repeat(200_000),
    );
    expect((await postReview(webhook, body)).status).toBe(200);
  });
});

describe('an answer that is an error never repeats the request', () => {
  test.each<[string, string]>([
    ['not JSON', `{"password": ${secret}}`],
    ['not JSON at its end', `"${secret}`],
    ['JSON, but no review', JSON.stringify({ secret })],
    ['another version', JSON.stringify({ ...reviewOf(podOf()), apiVersion: secret })],
    ['no uid', JSON.stringify(reviewOf(podOf({ annotations: { a: secret } }), { uid: null }))],
  ])('%s', async (_what, body) => {
    const answer = await postReview(webhook, body);
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer)).not.toContain('hunter2');
  });

  test('by its headers, path or method', async () => {
    const said = await Promise.all([
      ask(webhook, { path: `/${secret}` }),
      ask(webhook, { path: `/inject?token=${secret}` }),
      ask(webhook, { path: `/%${secret}` }),
      ask(webhook, { method: 'POST', path: '/inject', headers: { 'content-type': secret, authorization: secret } }),
      converse(webhook, `${secret} / HTTP/1.1\r\n\r\n`),
      converse(webhook, `GET / HTTP/1.1\r\nHost: x\r\n${secret} : x\r\n\r\n`),
    ]);
    expect(JSON.stringify(said)).not.toContain('hunter2');
  });
});

test('a denial repeats the value of our annotation and nothing else of the pod', async () => {
  const pod = podOf(
    { annotations: { note: secret, 'sidecar.istio.io/logLevel': 'loud' } },
    { containers: [container] },
  );
  const response = responseOf(await postReview(webhook, reviewOf(pod)));
  expect(response.status?.message).toContain('"loud"');
  expect(JSON.stringify(response)).not.toContain('hunter2');
});

test('an injected proxy holds nothing of the application’s environment or commands', async () => {
  const pod = podOf({ annotations: { note: secret } }, { containers: [{ ...container, readinessProbe: undefined }] });
  const { patch = '' } = responseOf(await postReview(webhook, reviewOf(pod)));
  expect(Buffer.from(patch, 'base64').toString('utf8')).not.toContain('hunter2');
});
