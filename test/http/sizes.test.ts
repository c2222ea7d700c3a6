import { Buffer } from 'node:buffer';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../src/json/json.ts';
import { postReview } from '../support/http/https-client.ts';
import { annotated, patchedPod, podOf, responseOf, reviewOf, type PatchedPod } from '../support/builders/reviews.ts';
import { startWebhook, type Webhook } from '../support/processes/webhook-server.ts';

let webhook: Webhook;
beforeAll(async () => {
  webhook = await startWebhook();
});
afterAll(() => webhook.close());

const send = async (pod: JsonObject) => responseOf(await postReview(webhook, reviewOf(pod)));

test('a pod of a hundred containers, each with probes, is injected and each answered for', async () => {
  const containers = Array.from({ length: 100 }, (_, index) => ({
    name: `app-${index}`,
    image: 'a',
    ports: [{ containerPort: 1_000 + index }],
    readinessProbe: { httpGet: { port: 1_000 + index, path: '/ready' } },
    livenessProbe: { tcpSocket: { port: 1_000 + index } },
  }));
  const pod = podOf({}, { containers });
  const { spec } = patchedPod(pod, await send(pod));
  for (const container of spec.containers) {
    expect(container).toMatchObject({
      readinessProbe: { httpGet: { path: `/app-health/${container.name}/readyz`, port: 15020 } },
      livenessProbe: { httpGet: { path: `/app-health/${container.name}/livez`, port: 15020 } },
    });
  }
});

test('a pod with 1.4 MB of environment gets a small patch', async () => {
  const env = Array.from({ length: 1_400 }, (_, index) => ({ name: `A${index}`, value: 'x'.repeat(1_000) }));
  const response = await send(podOf({}, { containers: [{ name: 'app', image: 'a', env }] }));
  expect(Buffer.from(response.patch ?? '', 'base64').length).toBeLessThan(32 * 1024);
});

test('a pod as large as the API server takes it is injected', async () => {
  const env = Array.from({ length: 2_999 }, (_, index) => ({ name: `A${index}`, value: 'x'.repeat(1_000) }));
  expect((await send(podOf({}, { containers: [{ name: 'app', image: 'a', env }] }))).patchType).toBe('JSONPatch');
});

/** As the API server counts them: bytes of all keys and values (apimachinery `ValidateAnnotationsSize`). */
function annotationBytes(pod: PatchedPod): number {
  return Object.entries(pod.metadata.annotations).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
}

describe('the annotations of an injected pod', () => {
  const limit = 256 * 1024;

  test('may be 64 KB long', async () => {
    expect((await send(annotated({ a: 'x'.repeat(64 * 1024) }))).patchType).toBe('JSONPatch');
  });

  test('may be many short ones', async () => {
    const many = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`note-${index}`, 'x'.repeat(100)]));
    expect((await send(annotated(many))).patchType).toBe('JSONPatch');
  });

  test('never exceed what the API server allows, to the byte', async () => {
    const empty = annotated({});
    const ours = annotationBytes(patchedPod(empty, await send(empty)));
    // Above the bound by what injection adds, and around that point byte by byte.
    const room = limit - ours - 1;
    const outcomes: boolean[] = [];
    for (const value of [room - 400, room - 2, room - 1, room, room + 1, room + 2, room + 400, limit]) {
      const pod = annotated({ a: 'x'.repeat(value) });
      const response = await send(pod);
      outcomes.push(response.allowed);
      if (response.allowed) expect(annotationBytes(patchedPod(pod, response))).toBeLessThanOrEqual(limit);
      else expect(response.auditAnnotations).toMatchObject({ reasons: 'AnnotationsTooLarge' });
    }
    expect(outcomes).toEqual([true, true, true, true, false, false, false, false]);
  });

  test('are counted in bytes, not in characters', async () => {
    for (const annotations of [{ a: '😀'.repeat(64 * 1024 - 100) }, { ['é'.repeat(130_000)]: '' }]) {
      const pod = annotated(annotations);
      const response = await send(pod);
      if (response.allowed) expect(annotationBytes(patchedPod(pod, response))).toBeLessThanOrEqual(limit);
      else expect(response.status?.message).toMatch(/would exceed 262144 bytes/);
    }
  });

  test.each<[string, (size: number) => JsonObject]>([
    [
      'an override',
      (size) =>
        podOf(
          {},
          {
            containers: [{ name: 'app' }, { name: 'istio-proxy', env: [{ name: 'A', value: 'x'.repeat(size) }] }],
          },
        ),
    ],
    [
      'a probe',
      (size) =>
        podOf(
          {},
          {
            containers: [
              {
                name: 'app',
                readinessProbe: { httpGet: { port: 80, httpHeaders: [{ name: 'A', value: 'x'.repeat(size) }] } },
              },
            ],
          },
        ),
    ],
  ])('hold what %s was before, but no more than they may', async (_what, make) => {
    const small = make(1_000);
    expect((await send(small)).allowed).toBe(true);
    const response = await send(make(limit));
    expect([response.allowed, response.status?.message]).toEqual([
      false,
      expect.stringMatching(/would exceed 262144 bytes/),
    ]);
  });
});
