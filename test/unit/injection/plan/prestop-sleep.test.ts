import { describe, expect, test } from '@jest/globals';
import { containerOf, decideOn, injectedPod, podWith, type PodParts } from '../../../support/builders/decisions.ts';
import { istiodSnapshot } from '../../../support/processes/istiod.ts';
import { snapshotOf } from '../../../support/builders/snapshots.ts';
import type { JsonObject } from '../../../../src/json/json.ts';
import { undo } from '../../../../src/index.ts';
import jsonPatch from 'fast-json-patch';

const wanted = 'sidecar-injector.io/applicationDrainSeconds';

function lifecycle(parts: PodParts, seconds = '5'): unknown {
  return containerOf(injectedPod(podWith({ annotations: { [wanted]: seconds }, ...parts })), 'app')['lifecycle'];
}

describe('which containers sleep before their end', () => {
  const exec = { exec: { command: ['true'] } };
  test.each<[string, JsonObject, unknown]>([
    ['no lifecycle', {}, { preStop: { sleep: { seconds: 5 } } }],
    ['a null lifecycle', { lifecycle: null }, { preStop: { sleep: { seconds: 5 } } }],
    ['another hook', { lifecycle: { postStart: exec } }, { postStart: exec, preStop: { sleep: { seconds: 5 } } }],
    ['a null hook', { lifecycle: { preStop: null } }, { preStop: { sleep: { seconds: 5 } } }],
    ['a hook of its own', { lifecycle: { preStop: exec } }, { preStop: exec }],
  ])('%s', (_, container, expected) => {
    expect(lifecycle({ container })).toEqual(expected);
  });

  test('neither init containers nor what is injected', () => {
    const other = { name: 'other', image: 'x', restartPolicy: 'Always' };
    const pod = injectedPod(podWith({ annotations: { [wanted]: '5' }, spec: { initContainers: [other] } }));
    expect(containerOf(pod, 'other')).toEqual(other);
    expect(JSON.stringify(containerOf(pod, 'istio-proxy'))).not.toContain('sleep');
  });

  test('the setting gives the default, 0 switches it off', () => {
    const snapshot = snapshotOf({ proxy: { applicationDrainSeconds: 7 } });
    const sleeping = containerOf(injectedPod(podWith(), snapshot), 'app')['lifecycle'];
    expect(sleeping).toEqual({ preStop: { sleep: { seconds: 7 } } });
    const not = injectedPod(podWith({ annotations: { [wanted]: '0' } }), snapshot);
    expect(containerOf(not, 'app')['lifecycle']).toBeUndefined();
  });
});

describe('never longer than the pod may take', () => {
  test.each<[number | undefined, string, number | undefined]>([
    [undefined, '29', 29],
    [undefined, '30', 29],
    [10, '3600', 9],
    [1, '5', undefined],
    [0, '5', undefined],
  ])('grace period %s, asked for %s', (grace, asked, seconds) => {
    const spec = grace === undefined ? {} : { terminationGracePeriodSeconds: grace };
    const pod = podWith({ annotations: { [wanted]: asked }, spec });
    const expected = seconds === undefined ? undefined : { preStop: { sleep: { seconds } } };
    expect(containerOf(injectedPod(pod), 'app')['lifecycle']).toEqual(expected);
    const warned = decideOn(pod).warnings.filter((text) => text.includes('does not fit into the grace period'));
    expect(warned).toHaveLength(String(seconds) === asked ? 0 : 1);
  });
});

test('a cluster that does not know the hook gets none, and says so', () => {
  const snapshot = snapshotOf({}, { sleepHook: false });
  const pod = podWith({ annotations: { [wanted]: '5' } });
  expect(containerOf(injectedPod(pod, snapshot), 'app')['lifecycle']).toBeUndefined();
  expect(decideOn(pod, snapshot).warnings).toEqual([expect.stringContaining('Kubernetes 1.30')]);
});

test('a container that came later gets its hook, too; those that have it keep it', () => {
  const pod = injectedPod(podWith({ annotations: { [wanted]: '5' } }));
  const grown = { ...pod, spec: { ...pod.spec, containers: [...pod.spec.containers, { name: 'late', image: 'x' }] } };
  const again = injectedPod(grown as unknown as JsonObject);
  expect(containerOf(again, 'late')['lifecycle']).toEqual({ preStop: { sleep: { seconds: 5 } } });
  expect(decideOn(again as unknown as JsonObject).operations).toEqual([]);
});

test('a declared sidecar’s containers are no application', () => {
  const template = {
    apiVersion: 'sidecar-injector.io/v1alpha1',
    kind: 'SidecarTemplate',
    metadata: { name: 'logs' },
    spec: { containers: [{ name: 'shipper', image: 'x' }] },
  };
  const snapshot = snapshotOf({}, { templates: [template] });
  const annotations = { [wanted]: '5', 'inject.istio.io/templates': 'sidecar,logs' };
  const pod = injectedPod(podWith({ annotations }), snapshot);
  expect(containerOf(pod, 'shipper')['lifecycle']).toBeUndefined();
  expect(decideOn(pod as unknown as JsonObject, snapshot).operations).toEqual([]);
});

test('a hook that somebody has changed since is theirs', () => {
  const pod = injectedPod(podWith({ annotations: { [wanted]: '5' } })) as unknown as JsonObject;
  const theirs = structuredClone(pod) as unknown as { spec: { containers: JsonObject[] } };
  theirs.spec.containers[0] = { ...theirs.spec.containers[0], lifecycle: { preStop: { sleep: { seconds: 6 } } } };
  const { operations } = undo(theirs) ?? { operations: [] };
  const bare = jsonPatch.applyPatch(theirs, operations as jsonPatch.Operation[]).newDocument;
  expect(bare.spec.containers[0]).toMatchObject({ name: 'app', lifecycle: { preStop: { sleep: { seconds: 6 } } } });
});

describe('in the mode istiod', () => {
  const snapshot = istiodSnapshot();
  const sleeping = { preStop: { sleep: { seconds: 5 } } };

  test('the annotation and the setting mean the same', () => {
    const annotated = podWith({ annotations: { [wanted]: '5' } });
    const pod = injectedPod(annotated, snapshot);
    expect(containerOf(pod, 'app')['lifecycle']).toEqual(sleeping);
    expect(decideOn(annotated, snapshot).warnings).toEqual([]);
    const bySetting = istiodSnapshot({}, { spec: { proxy: { applicationDrainSeconds: 5 } } });
    expect(containerOf(injectedPod(podWith(), bySetting), 'app')['lifecycle']).toEqual(sleeping);
    expect(containerOf(injectedPod(podWith(), snapshot), 'app')['lifecycle']).toBeUndefined();
  });

  test('the proxy keeps its own hook, and it all can be taken back', () => {
    const before = podWith({ annotations: { [wanted]: '5' } });
    const pod = injectedPod(before, snapshot) as unknown as JsonObject;
    expect(JSON.stringify(containerOf(pod as never, 'istio-proxy'))).not.toContain('sleep');
    const { operations } = undo(pod) ?? { operations: [] };
    const bare = jsonPatch.applyPatch(structuredClone(pod), operations as jsonPatch.Operation[]).newDocument;
    expect(bare).toEqual(before);
  });

  test('a container that came later gets its hook, too', () => {
    const pod = injectedPod(podWith({ annotations: { [wanted]: '5' } }), snapshot);
    const grown = { ...pod, spec: { ...pod.spec, containers: [...pod.spec.containers, { name: 'late', image: 'x' }] } };
    const again = injectedPod(grown as unknown as JsonObject, snapshot);
    expect(containerOf(again, 'late')['lifecycle']).toEqual(sleeping);
    expect(decideOn(again as unknown as JsonObject, snapshot).operations).toEqual([]);
  });

  test('a bad value is refused', () => {
    const { outcome, reasons } = decideOn(podWith({ annotations: { [wanted]: 'soon' } }), snapshot);
    expect(outcome).toBe('deny');
    expect(reasons[0].message).toContain(`${wanted}: "soon" is not allowed`);
  });
});
