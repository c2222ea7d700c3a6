import { describe, expect, test } from '@jest/globals';
import { decide, undo, type JsonObject } from '../../../src/index.ts';
import { applyToValue } from '../../../src/json/apply.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';

const snapshot = snapshotOf({ capture: { loadedBy: 'node-agent' } });

function pod(annotations: object = {}): JsonObject {
  return {
    metadata: { name: 'shop', annotations },
    spec: { containers: [{ name: 'app', image: 'shop' }] },
  } as JsonObject;
}

function injected(before: JsonObject): JsonObject {
  const decision = decide({ pod: before, namespace: 'demo' }, snapshot);
  expect(decision.outcome).toBe('inject');
  return applyToValue(structuredClone(before), decision.operations) as JsonObject;
}

describe('a node agent captures', () => {
  test('no container of the pod has a capability, and the annotations say what to capture', () => {
    const text = JSON.stringify(injected(pod()));
    expect(text).not.toContain('istio-init');
    expect(text).not.toContain('NET_ADMIN');
    expect(injected(pod())).toMatchObject({
      metadata: {
        annotations: {
          'sidecar.istio.io/interceptionMode': 'REDIRECT',
          'traffic.sidecar.istio.io/includeInboundPorts': '*',
          'traffic.sidecar.istio.io/includeOutboundIPRanges': '*',
          'traffic.sidecar.istio.io/excludeInboundPorts': '15090,15021,15020',
        },
      },
    });
  });

  test('the pod’s own wishes are completed by what the proxy needs, and come back with undo', () => {
    const before = pod({ 'traffic.sidecar.istio.io/excludeInboundPorts': '7' });
    const after = injected(before);
    expect(after).toMatchObject({
      metadata: { annotations: { 'traffic.sidecar.istio.io/excludeInboundPorts': '15090,15021,15020,7' } },
    });
    expect(decide({ pod: after, namespace: 'demo' }, snapshot).outcome).toBe('skip');
    expect(applyToValue(structuredClone(after), undo(after)?.operations ?? [])).toEqual(before);
  });

  test('with NONE there is nothing to say', () => {
    const after = injected(pod({ 'sidecar.istio.io/interceptionMode': 'NONE' }));
    expect(JSON.stringify(after)).not.toContain('includeInboundPorts');
  });

  describe('the container that tries whether it does', () => {
    const lists = (after: JsonObject): JsonObject => after['spec'] as JsonObject;
    const first = 'istio-validation';

    test.each([['true'], ['false']])('is the first of the pod, with a native proxy: %s', (native) => {
      const annotations = { 'sidecar.istio.io/nativeSidecar': native };
      const waits = { name: 'waits', image: 'shop' };
      const before = {
        ...pod(annotations),
        spec: { initContainers: [waits], containers: [{ name: 'app', image: 'shop' }] },
      };
      const { initContainers } = lists(injected(before)) as { initContainers: { name: string }[] };
      expect(initContainers[0]?.name).toBe(first);
      expect(initContainers.at(-1)?.name).toBe('waits');
    });

    test('has no rights, and may stand in a restricted namespace', () => {
      expect(injected(pod())).toMatchObject({
        spec: {
          initContainers: [
            {
              name: first,
              args: ['try'],
              env: [
                { name: 'CAPTURE_PROBE_V4', value: '192.0.2.1 15002 15001' },
                { name: 'CAPTURE_PROBE_V6', value: '2001:db8::1 15002 15001' },
              ],
              securityContext: {
                allowPrivilegeEscalation: false,
                capabilities: { drop: ['ALL'] },
                runAsNonRoot: true,
                runAsUser: 65_532,
                seccompProfile: { type: 'RuntimeDefault' },
              },
            },
            { name: 'istio-proxy' },
          ],
        },
      });
    });

    test('is never the user of the proxy, which is not captured', () => {
      const own = { name: 'istio-proxy', image: 'auto', securityContext: { runAsUser: 65_532, runAsGroup: 65_532 } };
      const before = { ...pod(), spec: { containers: [{ name: 'app', image: 'shop' }, own] } } as JsonObject;
      expect(injected(before)).toMatchObject({
        spec: { initContainers: [{ securityContext: { runAsUser: 65_533, runAsGroup: 65_533 } }, {}] },
      });
    });

    test.each<[string, object, object]>([
      ['the settings want none', { verify: false }, {}],
      ['nothing is captured', {}, { 'sidecar.istio.io/interceptionMode': 'NONE' }],
      ['nothing that a pod opens is', {}, { 'traffic.sidecar.istio.io/includeOutboundIPRanges': '' }],
    ])('is left out where %s', (_, capture, annotations) => {
      const settings = snapshotOf({ capture: { loadedBy: 'node-agent', ...capture } });
      const decision = decide({ pod: pod(annotations), namespace: 'demo' }, settings);
      expect(decision.outcome).toBe('inject');
      expect(JSON.stringify(decision.operations)).not.toContain(first);
    });

    test('comes once, and goes with undo; what is left of one without a status goes too', () => {
      const after = injected(pod());
      expect(decide({ pod: after, namespace: 'demo' }, snapshot).outcome).toBe('skip');
      expect(applyToValue(structuredClone(after), undo(after)?.operations ?? [])).toEqual(pod());
      const { spec } = after as { spec: JsonObject };
      expect(lists(injected({ metadata: { name: 'shop', annotations: {} }, spec }))['initContainers']).toEqual(
        spec['initContainers'],
      );
    });

    test('may not be one of the pod’s own that runs something else', () => {
      const own = { name: first, image: 'busybox', command: ['true'] };
      const before = { ...pod(), spec: { initContainers: [own], containers: [{ name: 'app', image: 'shop' }] } };
      const decision = decide({ pod: before, namespace: 'demo' }, snapshot);
      expect(decision.reasons.map(({ message }) => message)).toEqual([
        expect.stringContaining('command: may not be set'),
        expect.stringContaining('"busybox" is not allowed'),
      ]);
    });
  });

  test('what the agent cannot be told is refused, not left out', () => {
    const more = snapshotOf({ capture: { loadedBy: 'node-agent', dropInvalidPackets: true } });
    expect(decide({ pod: pod(), namespace: 'demo' }, more).reasons[0].message).toContain('dropping invalid packets');
  });
});
