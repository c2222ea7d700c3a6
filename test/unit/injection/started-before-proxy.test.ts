import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { containerOf, decideOn, injectedPod, podWith, rulesOf } from '../../support/builders/decisions.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';
import { templateObject } from '../../support/builders/templates.ts';

const classic = { 'sidecar.istio.io/nativeSidecar': 'false' };
const hold = { 'proxy.istio.io/config': 'holdApplicationUntilProxyStarts: true' };

const get = (port: number): JsonObject => ({ httpGet: { path: '/x', port } });

const handlers = {
  startupProbe: get(9801),
  livenessProbe: { tcpSocket: { port: 9802 } },
  readinessProbe: { grpc: { port: 9803 } },
  lifecycle: { postStart: get(9804), preStop: get(9805) },
};

function podOf(annotations: JsonObject, container: JsonObject = {}): JsonObject {
  const helper = { name: 'helper', image: 'helper:1', restartPolicy: 'Always', ...handlers };
  return podWith({ annotations, container, spec: { initContainers: [helper] } });
}

/** Ports that the rules let pass inbound, without the proxy's own. */
function passing(pod: ReturnType<typeof injectedPod>): number[] {
  const returned = rulesOf(pod).filter((rule) => rule.includes('ISTIO_INBOUND') && rule.includes('RETURN'));
  const ports = returned.flatMap((rule) => (/--dports? ([\d,:]+)/.exec(rule)?.[1] ?? '').split(',').map(Number));
  return ports.filter((port) => port < 15_000).toSorted((left, right) => left - right);
}

describe('handlers of a native sidecar of the pod', () => {
  test('with a classic proxy stay as they are and pass by it, with a word', () => {
    const pod = podOf(classic);
    const injected = injectedPod(pod);
    expect(containerOf(injected, 'helper')).toMatchObject(handlers);
    expect(passing(injected)).toEqual([9801, 9802, 9803, 9804, 9805]);
    const { warnings } = decideOn(pod);
    expect(warnings).toContain(
      'sidecar-injector: container "helper": startupProbe stays as it is and its port 9801 is not captured, because its container starts before the proxy',
    );
    expect(warnings.filter((text) => text.includes('starts before the proxy'))).toHaveLength(5);
  });

  test.each([
    ['where the cluster knows no native sidecars', {}, snapshotOf({}, { nativeSidecars: false })],
    ['where the settings want classic ones', {}, snapshotOf({ injection: { nativeSidecars: 'never' } })],
    ['also when the proxy holds the application', { ...classic, ...hold }, snapshotOf()],
  ])('%s', (_, annotations, snapshot) => {
    const injected = injectedPod(podOf(annotations), snapshot);
    expect(containerOf(injected, 'helper')).toMatchObject(handlers);
    expect(passing(injected)).toEqual([9801, 9802, 9803, 9804, 9805]);
  });

  test('with a native proxy go through it', () => {
    const injected = injectedPod(podOf({}));
    expect(containerOf(injected, 'helper')).toMatchObject({
      startupProbe: { httpGet: { path: '/app-health/helper/startupz', port: 15_020 } },
    });
    expect(passing(injected)).toEqual([]);
  });
});

describe('the application’s own postStart hook beside a classic proxy', () => {
  const container = { readinessProbe: get(8080), lifecycle: { postStart: get(8080), preStop: get(8081) } };

  test('runs before the proxy starts: it alone stays as it is', () => {
    const pod = podWith({ annotations: classic, container });
    const injected = injectedPod(pod);
    expect(containerOf(injected, 'app')).toMatchObject({
      readinessProbe: { httpGet: { port: 15_020 } },
      lifecycle: { postStart: get(8080), preStop: { httpGet: { port: 15_020 } } },
    });
    expect(passing(injected)).toEqual([8080]);
    expect(decideOn(pod).warnings).toContain(
      'sidecar-injector: container "app": lifecycle/postStart stays as it is and its port 8080 is not captured, because it runs before the proxy starts (holdApplicationUntilProxyStarts changes the order)',
    );
  });

  test('runs after it where the proxy holds the application', () => {
    const injected = injectedPod(podWith({ annotations: { ...classic, ...hold }, container }));
    expect(containerOf(injected, 'app')).toMatchObject({ lifecycle: { postStart: { httpGet: { port: 15_020 } } } });
    expect(passing(injected)).toEqual([]);
  });
});

describe('declared native sidecars', () => {
  const spec = { mode: 'native', containers: [{ name: 'log', image: 'log:1', startupProbe: get(9900) }] };

  test.each<[string, object, string, boolean]>([
    ['selected before the proxy', spec, 'log,sidecar', true],
    ['selected after it', spec, 'sidecar,log', false],
    ['ordered before it', { ...spec, order: { proxy: 'before' } }, 'sidecar,log', true],
    ['ordered after it', { ...spec, order: { proxy: 'after' } }, 'log,sidecar', false],
    [
      'placed after the application’s init containers',
      { ...spec, order: { application: 'after' } },
      'log,sidecar',
      false,
    ],
  ])('%s', (_, template, templates, isEarly) => {
    const snapshot = snapshotOf({}, { templates: [templateObject('log', template)] });
    const pod = podWith({ annotations: { 'inject.istio.io/templates': templates } });
    const injected = injectedPod(pod, snapshot);
    const names = injected.spec.initContainers.map(({ name }) => name);
    expect(names.indexOf('log') < names.indexOf('istio-proxy')).toBe(isEarly);
    expect(containerOf(injected, 'log')).toMatchObject({
      startupProbe: { httpGet: { port: isEarly ? 9900 : 15_020 } },
    });
    expect(passing(injected)).toEqual(isEarly ? [9900] : []);
  });
});

test('a container that another webhook puts before the proxy later', () => {
  const injected = injectedPod(podWith()) as unknown as { spec: { initContainers: JsonObject[] } };
  const early = { name: 'early', image: 'early:1', restartPolicy: 'Always', startupProbe: get(9700) };
  const late = { name: 'late', image: 'late:1', restartPolicy: 'Always', startupProbe: get(9701) };
  const initContainers = [early, ...injected.spec.initContainers, late];
  const pod = { ...injected, spec: { ...injected.spec, initContainers } } as unknown as JsonObject;
  const again = injectedPod(pod);
  expect(containerOf(again, 'early')).toMatchObject({ startupProbe: get(9700) });
  expect(containerOf(again, 'late')).toMatchObject({ startupProbe: { httpGet: { port: 15_020 } } });
  expect(passing(again)).toEqual([9700]);
});

test('a profile that fixes the capture does not let a pod choose a classic proxy to get a port out of it', () => {
  const profiles = [{ name: 'strict', namespaces: ['shop'], caps: { capture: 'fixed' } }];
  const settings = { profiles };
  expect(decideOn(podOf({}), snapshotOf(settings)).outcome).toBe('inject');
  const decision = decideOn(podOf(classic), snapshotOf(settings));
  expect(decision.outcome).toBe('deny');
  expect(decision.reasons[0].message).toContain('changes what is captured');
  const old = snapshotOf(settings, { nativeSidecars: false });
  expect(decideOn(podOf({}), old).outcome).toBe('inject');
});
