import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { containerOf, injectedPod, podWith, type PodParts } from '../../support/builders/decisions.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';

const classic = { 'sidecar.istio.io/nativeSidecar': 'false' };
const distroless = snapshotOf({ proxy: { image: 'example.com/envoy:distroless-1' } });

interface Ending {
  readonly drainTime: number;
  readonly preStop: string;
}

function endingOf(parts: PodParts, snapshot = snapshotOf()): Ending {
  const proxy = containerOf(injectedPod(podWith(parts), snapshot), 'istio-proxy');
  const args = proxy['args'] as string[];
  const { preStop } = (proxy['lifecycle'] ?? {}) as { preStop?: JsonObject };
  return { drainTime: Number(args[args.indexOf('--drain-time-s') + 1]), preStop: JSON.stringify(preStop ?? null) };
}

const grace = (terminationGracePeriodSeconds: number): PodParts => ({ spec: { terminationGracePeriodSeconds } });
const preStop = (hook: JsonObject): PodParts => ({ container: { lifecycle: { preStop: hook } } });
const config = (text: string, more: JsonObject = {}): PodParts => ({
  annotations: { 'proxy.istio.io/config': text, ...more },
});

describe('how long a pod that ends takes new connections', () => {
  test.each<[string, PodParts, number]>([
    ['usually', {}, 30],
    ['with a long grace period', grace(300), 300],
    ['without one', grace(0), 1],
    [
      'with a drain of the application',
      { ...grace(90), annotations: { 'sidecar-injector.io/applicationDrainSeconds': '45' } },
      90,
    ],
    ['with a hook that cannot be read', { ...grace(90), ...preStop({ exec: { command: ['sleep', '60'] } }) }, 90],
  ])('as long as its application: %s', (_, parts, drainTime) => {
    const ending = endingOf(parts);
    expect(ending.drainTime).toBe(drainTime);
    expect(ending.preStop).toContain('/drain_listeners?graceful&inboundonly&skip_exit ');
  });

  test.each<[string, PodParts, number]>([
    ['alone', config('drainDuration: 10s'), 10],
    [
      'shorter than a sleep of its own',
      { ...config('drainDuration: 10s'), ...preStop({ sleep: { seconds: 20 } }) },
      20,
    ],
    ['longer than it', { ...config('drainDuration: 25s'), ...preStop({ sleep: { seconds: 20 } }) }, 25],
    [
      'shorter than the drain of the application',
      { ...grace(90), ...config('drainDuration: 10s', { 'sidecar-injector.io/applicationDrainSeconds': '45' }) },
      45,
    ],
    [
      'shorter than a sleep of a native sidecar',
      {
        ...config('drainDuration: 10s'),
        spec: {
          initContainers: [
            {
              name: 'helper',
              image: 'h:1',
              restartPolicy: 'Always',
              lifecycle: { preStop: { sleep: { seconds: 12 } } },
            },
          ],
        },
      },
      12,
    ],
  ])('its own drainDuration, %s', (_, parts, drainTime) => {
    const ending = endingOf(parts);
    expect(ending.drainTime).toBe(drainTime);
    expect(ending.preStop).toContain('/drain_listeners?graceful&inboundonly ');
  });
});

describe('how long a classic proxy runs on', () => {
  test.each<[string, PodParts, string]>([
    [
      'while the application has sockets',
      { annotations: classic },
      'while [[ SECONDS -lt 25 ]] && { [[ SECONDS -lt 15 ]] || inUse; }',
    ],
    [
      'a short grace period',
      { annotations: classic, ...grace(8) },
      'while [[ SECONDS -lt 3 ]] && { [[ SECONDS -lt 3 ]] || inUse; }',
    ],
    ['a time of its own', config('terminationDrainDuration: 20s', classic), 'sleep 20'],
  ])('%s', (_, parts, expected) => {
    expect(endingOf(parts).preStop).toContain(expected);
  });

  test('it does not wait where there is no time, nor as a native sidecar', () => {
    expect(endingOf({ annotations: classic, ...grace(5) }).preStop).not.toContain('sleep');
    expect(endingOf({}).preStop).not.toContain('sleep');
  });

  test.each<[string, PodParts, number]>([
    ['usually', grace(90), 15],
    ['after a sleep', { ...grace(90), ...preStop({ sleep: { seconds: 40 } }) }, 55],
    ['after a hook that cannot be read', { ...grace(90), ...preStop({ httpGet: { port: 1 } }) }, 85],
    ['in a short grace period', { ...grace(20), ...preStop({ sleep: { seconds: 10 } }) }, 15],
  ])('without a shell it cannot look for sockets: %s', (_, parts, seconds) => {
    expect(endingOf({ ...parts, annotations: classic }, distroless).preStop).toBe(
      JSON.stringify({ sleep: { seconds } }),
    );
  });
});
