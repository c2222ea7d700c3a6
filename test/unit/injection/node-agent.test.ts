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

  test('what the agent cannot be told is refused, not left out', () => {
    const more = snapshotOf({ capture: { loadedBy: 'node-agent', dropInvalidPackets: true } });
    expect(decide({ pod: pod(), namespace: 'demo' }, more).reasons[0].message).toContain('dropping invalid packets');
  });
});
