import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { containerOf, decideOn, injectedPod, podWith, type PodParts } from '../../support/builders/decisions.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';
import { templateObject } from '../../support/builders/templates.ts';

const whole = (cpu: string, memory: string): JsonObject => ({
  requests: { cpu, memory },
  limits: { cpu, memory },
});
const guaranteed = { resources: whole('1', '1Gi') };

/** The proxy's requests equal to its limits, written in two ways. */
const equal = {
  'sidecar.istio.io/proxyCPU': '500m',
  'sidecar.istio.io/proxyCPULimit': '0.5',
  'sidecar.istio.io/proxyMemory': '1Gi',
  'sidecar.istio.io/proxyMemoryLimit': '1024Mi',
};

const lost = 'sidecar-injector: the pod loses QoS class Guaranteed, because requests and limits differ in ';
const cure = '; equal sidecar.istio.io/proxyCPU and proxyCPULimit, and proxyMemory and proxyMemoryLimit, keep it';

function warningsOf(parts: PodParts, snapshot = snapshotOf()): readonly string[] {
  return decideOn(podWith(parts), snapshot).warnings.filter((text) => text.includes('QoS'));
}

function initResources(parts: PodParts, snapshot = snapshotOf()): unknown {
  return containerOf(injectedPod(podWith(parts), snapshot), 'istio-init')['resources'];
}

describe('a Guaranteed pod', () => {
  test('is told that it becomes Burstable, and how to keep its class', () => {
    expect(warningsOf({ container: guaranteed })).toEqual([`${lost}"istio-init", "istio-proxy"${cure}`]);
  });

  test('stays Guaranteed when its proxy is: the init container follows', () => {
    const parts = { container: guaranteed, annotations: equal };
    expect(warningsOf(parts)).toEqual([]);
    expect(initResources(parts)).toEqual(whole('100m', '64Mi'));
  });

  test('so by the settings', () => {
    const snapshot = snapshotOf({ proxy: { resources: whole('200m', '256Mi') } });
    expect(warningsOf({ container: guaranteed }, snapshot)).toEqual([]);
    expect(initResources({ container: guaranteed }, snapshot)).toEqual(whole('100m', '64Mi'));
  });

  test('so by its own copy of the proxy', () => {
    const own = { name: 'istio-proxy', image: 'auto', resources: whole('200m', '256Mi') };
    const containers = [{ name: 'app', image: 'app:1', ...guaranteed }, own];
    expect(warningsOf({ spec: { containers } })).toEqual([]);
    expect(initResources({ spec: { containers } })).toEqual(whole('100m', '64Mi'));
  });

  test('a declared sidecar counts too', () => {
    const containers = [{ name: 'log', image: 'log:1', resources: { requests: { cpu: '1m', memory: '1Mi' } } }];
    const snapshot = snapshotOf({}, { templates: [templateObject('log', { containers })] });
    const annotations = { ...equal, 'inject.istio.io/templates': 'sidecar,log' };
    expect(warningsOf({ container: guaranteed, annotations }, snapshot)).toEqual([`${lost}"log"`]);
  });

  test('limits alone are requests too', () => {
    const container = { resources: { limits: { cpu: '1', memory: '1Gi' } } };
    expect(warningsOf({ container })).toHaveLength(1);
  });
});

describe('any other pod hears nothing, and gets the usual init container', () => {
  const usual = { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '100m', memory: '64Mi' } };

  test.each<[string, PodParts]>([
    ['without resources', {}],
    [
      'with different ones',
      { container: { resources: { ...whole('1', '1Gi'), requests: { cpu: '1', memory: '1Mi' } } } },
    ],
    ['with one resource', { container: { resources: { limits: { cpu: '1' } } } }],
    ['with a zero', { container: { resources: whole('0', '1Gi') } }],
    [
      'with an init container without',
      { container: guaranteed, spec: { initContainers: [{ name: 'i', image: 'i' }] } },
    ],
    ['where the pod as a whole decides', { container: guaranteed, spec: { resources: whole('8', '8Gi') } }],
  ])('%s', (_, parts) => {
    expect(warningsOf(parts)).toEqual([]);
    expect(initResources({ ...parts, annotations: equal })).toEqual(usual);
  });
});
