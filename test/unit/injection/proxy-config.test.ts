import { describe, expect, test } from '@jest/globals';
import { containerOf, injectedPod, namesOf, podWith } from '../../support/builders/decisions.ts';

const config = (text: string, more: Record<string, string> = {}) => ({
  annotations: { ...more, 'proxy.istio.io/config': text },
});

const native = { 'sidecar.istio.io/nativeSidecar': 'true' };
const classic = { 'sidecar.istio.io/nativeSidecar': 'false' };
const noStatus = { 'status.sidecar.istio.io/port': '0' };

/** How the pod makes the application wait for the proxy; undefined when it does not. */
function waitsBy(pod: ReturnType<typeof injectedPod>): string | undefined {
  const proxy = containerOf(pod, 'istio-proxy');
  if (proxy['restartPolicy'] === 'Always') return proxy['startupProbe'] === undefined ? undefined : 'startup probe';
  const isFirst = namesOf(pod.spec.containers)[0] === 'istio-proxy';
  return isFirst && (proxy['lifecycle'] as { postStart?: unknown }).postStart !== undefined ? 'hook' : undefined;
}

describe('holdApplicationUntilProxyStarts', () => {
  test.each([
    ['native', native, 'startup probe'],
    ['native without a status port', { ...native, ...noStatus }, 'startup probe'],
    ['classic', classic, 'hook'],
    ['classic without a status port', { ...classic, ...noStatus }, 'hook'],
  ])('holds: %s', (_, annotations, how) => {
    const pod = injectedPod(podWith(config('holdApplicationUntilProxyStarts: true', annotations)));
    expect(waitsBy(pod)).toBe(how);
    expect(containerOf(pod, 'istio-proxy')['lifecycle']).toHaveProperty('preStop');
  });

  test('does not hold a classic pod that did not ask', () => {
    expect(waitsBy(injectedPod(podWith({ annotations: classic })))).toBeUndefined();
  });
});

test('threads and drain time go to Envoy', () => {
  const pod = injectedPod(podWith(config('concurrency: 3\ndrainDuration: 40s')));
  const args = containerOf(pod, 'istio-proxy')['args'] as string[];
  expect(args[args.indexOf('--concurrency') + 1]).toBe('3');
  expect(args[args.indexOf('--drain-time-s') + 1]).toBe('40');
});

test.each([
  ['classic', classic, undefined, 'sleep 20'],
  ['a short grace period', classic, 10, 'sleep 5'],
])('terminationDrainDuration: %s', (_, annotations, grace, sleep) => {
  const spec = grace === undefined ? {} : { spec: { terminationGracePeriodSeconds: grace } };
  const pod = injectedPod(podWith({ ...config('terminationDrainDuration: 20s', annotations), ...spec }));
  expect(JSON.stringify(containerOf(pod, 'istio-proxy')['lifecycle'])).toContain(sleep);
});

test('a label names the workload otherwise', () => {
  const pod = injectedPod(podWith({ labels: { 'service.istio.io/workload-name': 'checkout' } }));
  expect(JSON.stringify(containerOf(pod, 'istio-proxy')['args'])).toContain('checkout.$(POD_NAMESPACE)');
});
