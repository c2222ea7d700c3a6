import { Buffer } from 'node:buffer';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../src/json/json.ts';
import { withNamespaces } from '../../src/injection/snapshot.ts';
import { snapshotOf } from '../support/builders/snapshots.ts';
import { postReview } from '../support/http/https-client.ts';
import { annotated, podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { startWebhook, type Webhook } from '../support/processes/webhook-server.ts';

let webhook: Webhook;
beforeAll(async () => {
  webhook = await startWebhook();
});
afterAll(() => webhook.close());

const send = async (pod: JsonObject) => responseOf(await postReview(webhook, reviewOf(pod)));

/** What the API server passes on: each up to 256 characters, all of them up to 4,096, no control character. */
function expectPassable(warnings: readonly string[] = []): void {
  for (const warning of warnings) {
    expect(warning).toMatch(/^sidecar-injector: /);
    expect(warning).not.toMatch(/\p{Cc}/u);
    expect(Array.from(warning).length).toBeLessThanOrEqual(256);
    expect(Buffer.from(warning).toString('utf8')).toBe(warning);
  }
  expect(warnings.reduce((sum, warning) => sum + Array.from(warning).length, 0)).toBeLessThanOrEqual(4_096);
}

const unknown = 'sidecar.istio.io/unknown';

test('an annotation that has no effect is a warning, not a denial', async () => {
  const response = await send(annotated({ 'sidecar.istio.io/proxyCPUs': '1' }));
  expect(response).toMatchObject({
    allowed: true,
    patchType: 'JSONPatch',
    warnings: [
      'sidecar-injector: annotation "sidecar.istio.io/proxyCPUs" is unknown and has no effect, did you mean "sidecar.istio.io/proxyCPU"?',
    ],
  });
});

describe('a warning is one line that the API server passes on', () => {
  test.each([
    'a\nb',
    'a\r\nHeader: x',
    '\u0000\u0001\u007f\u0085\u009f',
    '\u2028\u2029',
    'é😀',
    '\u202eevil',
    '\ud800',
    '😀'.repeat(300),
    'x'.repeat(100_000),
    '"; \\',
  ])('with text %# in it', async (odd) => {
    const { warnings } = await send(annotated({ [unknown + odd]: 'x' }));
    expect(warnings).toHaveLength(1);
    expectPassable(warnings);
    const container = { name: odd, readinessProbe: { httpGet: { port: odd } } };
    const probes = await send(podOf({}, { containers: [container] }));
    expect(probes.warnings).toHaveLength(1);
    expectPassable(probes.warnings);
  });
});

test('of a thousand warnings the first are told, and how many there are more', async () => {
  const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`${unknown}-${index}`, 'x']));
  const { warnings = [] } = await send(annotated(many));
  expectPassable(warnings);
  expect(warnings.length).toBeGreaterThan(10);
  expect(warnings.at(-1)).toBe(`sidecar-injector: ${1_000 - warnings.length + 1} more warnings were left out`);
});

test('a body full of unknown annotations is answered while its caller still waits', async () => {
  const many = Object.fromEntries(Array.from({ length: 80_000 }, (_, index) => [`${unknown}-${index}`, '']));
  const response = await send(annotated(many));
  expect(response.auditAnnotations).toMatchObject({ reasons: 'AnnotationsTooLarge' });
  expectPassable(response.warnings);
});

test('an ordinary pod gets none', async () => {
  expect((await send(podOf())).warnings).toBeUndefined();
});

test('that the namespace will refuse the injected pod is told with the patch, in two warnings', async () => {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  const { request } = reviewOf(podOf()) as { request: { namespace: string } };
  const namespaces = new Map([[request.namespace, { labels, annotations: {} }]]);
  const strict = await startWebhook({ snapshot: withNamespaces(snapshotOf(), namespaces) });
  const { allowed, patchType, warnings = [] } = responseOf(await postReview(strict, reviewOf(podOf())));
  await strict.close();
  expect({ allowed, patchType }).toEqual({ allowed: true, patchType: 'JSONPatch' });
  expectPassable(warnings);
  expect(warnings).toHaveLength(2);
  expect(warnings[0]).toMatch(
    /enforces Pod Security restricted, so the pod will be refused \(container "istio-init": /,
  );
  expect(warnings[1]).toMatch(/interceptionMode: NONE/);
});
