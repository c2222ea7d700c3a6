import { describe, expect, test } from '@jest/globals';
import { isDocumented, withoutDocumented } from '../../support/istio/documented.ts';
import type { Case, Outcome } from '../../support/istio/injector.ts';
import { comparedOf } from '../../support/istio/normal-form.ts';
import { canonicalText, type JsonObject } from '../../../src/json/json.ts';

/** A pod whose agent has these probers. */
function podWith(env: readonly JsonObject[]): JsonObject {
  const containers = [{ name: 'app' }, { name: 'istio-proxy', env }];
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'n' }, spec: { containers } };
}

const probers = (value: object): JsonObject => ({ name: 'ISTIO_KUBE_APP_PROBERS', value: JSON.stringify(value) });

const hook = '/app-lifecycle/app/prestopz';
const toItself = { [hook]: { httpGet: { path: hook, port: 15_999 } } };
const toApplication = { '/app-health/app/readyz': { tcpSocket: { port: 80 } } };

describe('the comparison with Istio’s injector after a second injection', () => {
  const again = { way: 'again', object: podWith([]), settings: {}, path: '/inject' } as unknown as Case;

  function areAlike(ours: readonly JsonObject[], istio: readonly JsonObject[]): boolean {
    const [left] = comparedOf(podWith(ours));
    const [right] = comparedOf(podWith(istio));
    const [one, other] = withoutDocumented(again, left, right);
    return canonicalText(one ?? null) === canonicalText(other ?? null);
  }

  test.each([
    ['none', []],
    ['an empty variable', [probers({})]],
    ['no text', [{ name: 'ISTIO_KUBE_APP_PROBERS', value: '' }]],
  ])('leaves out probers by which Istio’s agent asks itself, where ours has %s', (_, ours) => {
    expect(areAlike(ours, [probers(toItself)])).toBe(true);
    expect(areAlike(ours, [probers({ ...toItself, ...toApplication })])).toBe(false);
  });

  test('sees every other prober', () => {
    expect(areAlike([probers(toApplication)], [probers({ ...toItself, ...toApplication })])).toBe(true);
    expect(areAlike([], [probers(toApplication)])).toBe(false);
    expect(areAlike([probers(toApplication)], [])).toBe(false);
  });

  test('sees where a variable comes from', () => {
    const source: JsonObject = { name: 'ISTIO_KUBE_APP_PROBERS', valueFrom: { fieldRef: { fieldPath: 'x' } } };
    expect(areAlike([source], [])).toBe(false);
  });
});

test('a failed verification of ours is never documented', () => {
  const ours: Outcome = { outcome: 'deny', message: 'InvalidPatch: x' };
  const istio: Outcome = { outcome: 'deny', message: 'x' };
  expect(isDocumented({} as Case, ours, istio)).toBe(false);
});
