import { describe, expect, test } from '@jest/globals';
import { decide } from '../../../src/injection/decide.ts';
import type { Decision } from '../../../src/injection/decision.ts';
import type { JsonObject } from '../../../src/settings/json.ts';
import { snapshotOf } from '../../support/snapshots.ts';

const namespace = 'shop';

function podOf(name: string, more: JsonObject = {}, container: JsonObject = {}): JsonObject {
  return {
    metadata: { name },
    spec: { containers: [{ name: 'app', ports: [{ containerPort: 8080 }], ...container }], ...more },
  };
}

function probing(path: string): JsonObject {
  return { readinessProbe: { httpGet: { path, port: 8080 } } };
}

/** The text of the whole decision; its values must be plain JSON anyway. */
function textOf(decision: Decision): string {
  return JSON.stringify(decision);
}

const pods: readonly (readonly [what: string, pod: JsonObject])[] = [
  ['no init containers', podOf('web')],
  ['init containers', podOf('web', { initContainers: [{ name: 'migrate' }] })],
  ['init containers null', podOf('web', { initContainers: null })],
  ['a probe', podOf('web', {}, probing('/ready'))],
  ['odd text in a probe', podOf('web', {}, probing('/é"\\$(HOME)\u2028'))],
  ['an override', podOf('web', { initContainers: [{ name: 'istio-proxy', image: 'auto', env: [{ name: 'A' }] }] })],
];

describe.each([
  ['native', {}],
  ['classic', { injection: { nativeSidecars: 'never' } }],
])('%s', (_kind, spec) => {
  test.each(pods)('%s: the patch is the operations as JSON text, the first time and later', (_what, pod) => {
    const snapshot = snapshotOf(spec);
    for (const decision of [decide({ pod, namespace }, snapshot), decide({ pod, namespace }, snapshot)]) {
      expect(decision.outcome).toBe('inject');
      expect(decision.patch).toBe(JSON.stringify(JSON.parse(decision.patch)));
      expect(JSON.parse(decision.patch)).toEqual(JSON.parse(JSON.stringify(decision.operations)));
    }
  });

  test.each(pods)('%s: what is remembered changes no decision', (_what, pod) => {
    const used = snapshotOf(spec);
    for (const [, other] of pods) decide({ pod: other, namespace }, used);
    expect(textOf(decide({ pod, namespace }, used))).toBe(textOf(decide({ pod, namespace }, snapshotOf(spec))));
  });
});

test('edits of one pod do not reach the next one', () => {
  const snapshot = snapshotOf();
  const pod = podOf('web', {}, probing('/ready'));
  const first = decide({ pod, namespace }, snapshot);
  const before = textOf(first);
  for (const container of first.added?.initContainers ?? []) {
    const { args, env } = container as { args?: string[]; env?: { value?: string }[] };
    args?.fill('edited');
    for (const variable of env ?? []) if (variable.value !== undefined) variable.value = 'edited';
  }
  expect(textOf(first)).not.toBe(before);
  expect(textOf(decide({ pod, namespace }, snapshot))).toBe(before);
});

test('more workloads than are remembered all get their own', () => {
  const snapshot = snapshotOf();
  const patches = Array.from({ length: 300 }, (_, index) =>
    decide({ pod: podOf(`web-${index}`), namespace }, snapshot),
  );
  expect(new Set(patches.map(({ patch }) => patch)).size).toBe(300);
  expect(textOf(decide({ pod: podOf('web-0'), namespace }, snapshot))).toBe(textOf(patches[0] as Decision));
});
