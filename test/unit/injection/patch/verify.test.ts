import { describe, expect, test } from '@jest/globals';
import { applyAndVerify } from '../../../../src/injection/patch/verify.ts';
import type { Operation } from '../../../../src/json/operation.ts';
import { parseStatus, type InjectionStatus } from '../../../../src/injection/patch/status.ts';
import { statusAnnotation } from '../../../../src/pod/conventions.ts';
import type { Json, JsonObject } from '../../../../src/json/json.ts';
import { decideOn, podWith } from '../../../support/builders/decisions.ts';

function recordOf(operations: readonly Operation[]): InjectionStatus {
  const annotations = operations.find(({ path }) => path === '/metadata/annotations');
  const value = (annotations as { value: JsonObject }).value[statusAnnotation];
  const record = parseStatus(value ?? null);
  if (record === undefined) throw new Error('no record');
  return record;
}

/** The good operations of a plain pod with one of them changed. */
function violationsWith(change: (operations: Operation[]) => Operation[]): string[] {
  const good = structuredClone(decideOn(podWith()).operations) as Operation[];
  return applyAndVerify(podWith(), change(structuredClone(good)), recordOf(good));
}

const add = (path: string, value: Json): Operation => ({ op: 'add', path, value });
const without = (path: string) => (operations: Operation[]) =>
  operations.filter((operation) => operation.path !== path);

describe('verification of our own patch', () => {
  test('a good patch has no violation', () => expect(violationsWith((operations) => operations)).toEqual([]));

  test.each<[string, (operations: Operation[]) => Operation[], string]>([
    ['a missing parent', (operations) => [add('/nowhere/x', 1), ...operations], 'the patch does not apply: '],
    [
      'removing what is not there',
      (operations) => [{ op: 'remove', path: '/spec/nothing/x' }, ...operations],
      'the patch does not apply: ',
    ],
    ['no containers', without('/spec/initContainers'), 'container istio-init is there 0 times'],
    [
      'no volumes',
      without('/spec/volumes'),
      'container istio-init mounts volume istio-token-mask, which does not exist',
    ],
    [
      'a container twice',
      (operations) => [...operations, add('/spec/containers/-', { name: 'istio-proxy' })],
      'container istio-proxy is there 2 times',
    ],
    [
      'a volume twice',
      (operations) => [...operations, add('/spec/volumes/-', { name: 'istio-logs' })],
      'volume istio-logs is there 2 times',
    ],
    ['no status', without('/metadata/annotations'), 'the status annotation is missing'],
    [
      'a privileged container',
      (operations) => [...operations, add('/spec/initContainers/1/securityContext/privileged', true)],
      'container istio-proxy is privileged',
    ],
    [
      'a port twice',
      (operations) => [...operations, add('/spec/initContainers/0/ports', [{ containerPort: 15_090 }])],
      'port 15090 TCP is declared twice by injected containers',
    ],
    [
      'a path mounted twice',
      (operations) => [
        ...operations,
        add('/spec/initContainers/1/volumeMounts/-', { name: 'istio-logs', mountPath: '/var/log/istio' }),
      ],
      'container istio-proxy mounts /var/log/istio twice',
    ],
  ])('%s is found', (_name, change, violation) => {
    expect(violationsWith(change).some((found) => found.startsWith(violation))).toBe(true);
  });

  test("the user's own duplicates are not ours to refuse", () => {
    const pod = podWith({
      spec: { containers: [{ name: 'app' }, { name: 'app' }], volumes: [{ name: 'v' }, { name: 'v' }] },
    });
    expect(decideOn(pod).outcome).toBe('inject');
  });

  test('a patch cannot reach a prototype', () => {
    const violations = violationsWith((operations) => [add('/__proto__/polluted', true), ...operations]);
    expect(violations[0]).toMatch(/^the patch does not apply/);
    expect(({} as JsonObject)['polluted']).toBeUndefined();
  });
});
