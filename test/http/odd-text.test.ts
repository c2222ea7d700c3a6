import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { assert, asyncProperty } from '../support/fast-check.ts';
import type { JsonObject } from '../../src/json/json.ts';
import { postReview } from '../support/http/https-client.ts';
import { jsonRecord, anyJson } from '../support/builders/pods.ts';
import { annotated, operationsOf, patchedPod, podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { startWebhook, type Webhook } from '../support/processes/webhook-server.ts';

let webhook: Webhook;
const prototype = JSON.stringify(Object.getOwnPropertyNames(Object.prototype));
beforeAll(async () => {
  webhook = await startWebhook();
});
afterAll(() => webhook.close());
afterEach(() => {
  expect(JSON.stringify(Object.getOwnPropertyNames(Object.prototype))).toBe(prototype);
});

const keys = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  'then',
  'toJSON',
  'a/b',
  'a~b',
  '~1',
  '~0',
  '',
  '-',
  '0',
  'é',
  '😀',
  '\u0000',
  '\ud800',
  '\u202e',
  ' ',
  '$(A)',
  '${a}',
  '{{ a }}',
  'x'.repeat(300),
];

const values = [
  '',
  ' ',
  'a\u0000b',
  '\ud800',
  '\udfff\ud83d',
  '\u202eevil\u202c',
  '\u2028\u2029',
  '\u0007\u001b[31m',
  '😀',
  'line\nline\r\n',
  '"quoted" \\ back',
  '`whoami`',
  '$(whoami) $$(A)',
  '${process.env.HOME}',
  '{{ .Values.x }} {{ range }}',
  '%s %n %d',
  '*anchor &anchor !!js/function',
  '</script>',
  '{"a":1}',
];

/** Parsed, not written: a literal `__proto__` would set the prototype. */
const single = (key: string, value: unknown): JsonObject => Object.fromEntries([[key, value]]) as JsonObject;

const send = async (pod: JsonObject) => responseOf(await postReview(webhook, reviewOf(pod)));

/** The pod is injected, and what was in it is in it still, letter by letter. */
async function expectUntouched(pod: JsonObject): Promise<void> {
  const response = await send(pod);
  expect(response).toMatchObject({ allowed: true, patchType: 'JSONPatch' });
  for (const { op } of operationsOf(response)) expect(op).toBe('add');
  const result = patchedPod(pod, response);
  expect(JSON.stringify(result.spec.containers)).toBe(JSON.stringify((pod['spec'] as JsonObject)['containers']));
  for (const name of ['labels', 'annotations'] as const) {
    const before = (pod['metadata'] as JsonObject)[name] as JsonObject | undefined;
    for (const [key, value] of Object.entries(before ?? {})) {
      expect(Object.getOwnPropertyDescriptor(result.metadata[name], key)?.value).toBe(value);
    }
  }
}

describe('a key of labels, annotations and of objects that nobody knows may be', () => {
  test.each(keys)('key %#', async (key) => {
    await expectUntouched(podOf({ labels: single(key, 'x') }));
    await expectUntouched(annotated(single(key, 'x')));
    await expectUntouched(
      podOf(single(key, { a: [] }), { containers: [{ name: 'app', image: 'a', ...single(key, 1) }] }),
    );
    await expectUntouched({ ...podOf(), ...single(key, [single(key, null)]) });
  });
});

describe('a value of labels, annotations, environment and command may be', () => {
  test.each(values)('%j', async (value) => {
    await expectUntouched(podOf({ labels: { a: value }, annotations: { b: value } }));
    const container = { name: 'app', image: 'a', args: [value], command: [value], env: [{ name: 'A', value }] };
    await expectUntouched(podOf({}, { containers: [container] }));
  });
});

describe('the name of a container, a pod or its owner', () => {
  test.each([...keys, ...values])('may be text %#', async (name) => {
    const probe = { httpGet: { port: 8080, path: '/' } };
    const pod = podOf(
      { name, generateName: name, ownerReferences: [{ controller: true, kind: 'ReplicaSet', apiVersion: name, name }] },
      { containers: [{ name, image: 'a', readinessProbe: probe }] },
    );
    const before = await webhook.sample('sidecar_injector_internal_failures_total');
    const response = await send(pod);
    expect(response.allowed).toBe(true);
    const result = patchedPod(pod, response);
    const names = [...(result.spec.initContainers ?? []), ...result.spec.containers].map((container) => container.name);
    expect(names.toSorted()).toEqual(['istio-init', 'istio-proxy', name].toSorted());
    expect(await webhook.sample('sidecar_injector_internal_failures_total')).toBe(before);
  });
});

test('no value is ever run, expanded or rendered', async () => {
  const marker = '$(CAPTURE_RULES_V4) ${HOME} {{ .Name }} `id`';
  const pod = podOf(
    { name: marker },
    { containers: [{ name: 'app', image: marker, env: [{ name: 'A', value: marker }] }] },
  );
  const text = JSON.stringify(patchedPod(pod, await send(pod)).spec.containers);
  expect(text).toContain(marker);
});

test('any JSON where a pod should be gets an answer and leaves the prototypes alone', async () => {
  await assert(
    asyncProperty(anyJson, jsonRecord(anyJson), jsonRecord(anyJson), async (anything, metadata, spec) => {
      const failures = await webhook.sample('sidecar_injector_internal_failures_total');
      for (const pod of [
        anything,
        { metadata, spec },
        podOf(metadata, spec),
        podOf({}, { containers: [spec, metadata] }),
      ]) {
        expect([200, 400]).toContain((await postReview(webhook, reviewOf(pod))).status);
      }
      expect(await webhook.sample('sidecar_injector_internal_failures_total')).toBe(failures);
      expect(JSON.stringify(Object.getOwnPropertyNames(Object.prototype))).toBe(prototype);
    }),
    { numRuns: 60 },
  );
}, 120_000);
