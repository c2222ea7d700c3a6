import { describe, expect, test } from '@jest/globals';
import { recordOf } from '../../../src/audit/pod-record.ts';
import { createRoster } from '../../../src/audit/roster.ts';
import { createInjector } from '../../../src/injection/injector.ts';
import { registrationEntries } from '../../../src/injection/policy/registration.ts';
import { applyToValue } from '../../../src/json/apply.ts';
import { withField } from '../../../src/json/field.ts';
import { objectMember, stringMember, type JsonObject } from '../../../src/json/json.ts';
import { escapeToken } from '../../../src/json/operation.ts';
import { statusAnnotation } from '../../../src/pod/conventions.ts';
import { podRecord } from '../../support/builders/pod-records.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';

const injector = createInjector(snapshotOf());
const yardstick = { entries: registrationEntries, injector };
const enabled = { name: 'shop', labels: { 'istio-injection': 'enabled' }, annotations: {} };

const controller = (kind: string, name: string, apiVersion = 'apps/v1') => ({
  apiVersion,
  kind,
  name,
  uid: `uid-${name}`,
  controller: true,
});

function pod(metadata: JsonObject = {}, more: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-5d8f-x', generateName: 'web-5d8f-', uid: 'u', ...metadata },
    spec: { containers: [{ name: 'app', image: 'registry.example/app:1' }] },
    status: { phase: 'Running' },
    ...more,
  };
}

const ofReplicaSet = {
  labels: { 'pod-template-hash': '5d8f' },
  ownerReferences: [controller('ReplicaSet', 'web-5d8f')],
};

function injectedPod(by = injector, plain = pod(ofReplicaSet)): JsonObject {
  const decision = by.decide({ pod: plain, namespace: 'shop', namespaceAnnotations: {} });
  return applyToValue(plain, decision.operations) as JsonObject;
}

/** An injected pod whose record somebody has changed. */
function forged(undo: JsonObject, more: JsonObject): JsonObject {
  const plain = pod(ofReplicaSet, { spec: { containers: [{ name: 'app', image: 'a:1', ...more }] } });
  const injected = injectedPod(injector, plain);
  const annotations = objectMember(objectMember(injected, 'metadata'), 'annotations');
  const status = JSON.parse(stringMember(annotations, statusAnnotation) ?? '') as JsonObject;
  const text = JSON.stringify({ ...status, undo: { ...objectMember(status, 'undo'), ...undo } });
  return withField(injected, `/metadata/annotations/${escapeToken(statusAnnotation)}`, text);
}

/** Undone twice, the second time there is nothing left. */
const edit = { container: 'app', field: 'env', keys: ['MODE'] };
const twice = forged({ edits: [edit, edit] }, { env: [{ name: 'MODE', value: 'x' }] });
const clash = {
  ...pod(ofReplicaSet),
  spec: { containers: [{ name: 'app', image: 'a:1', ports: [{ containerPort: 8080 }] }] },
};
const port8080 = createInjector(snapshotOf({ proxy: { statusPort: 8080 } }));

const ended = (exitCode: number) => ({ terminated: { exitCode } });
const checked = (status: JsonObject): JsonObject => ({
  ...injectedPod(),
  status: { phase: 'Pending', initContainerStatuses: [{ name: 'istio-validation', ...status }] },
});

describe('the finding', () => {
  test.each<[string, JsonObject, string | undefined, string]>([
    ['none of an injected pod', injectedPod(), undefined, ''],
    ['missed', pod(), 'missed', ''],
    ['none of a pod that refuses', pod({ labels: { 'sidecar.istio.io/inject': 'false' } }), undefined, ''],
    [
      'denied',
      pod({ annotations: { 'sidecar.istio.io/proxyCPU': 'much' } }),
      'denied',
      'sidecar.istio.io/proxyCPU: "much" is not allowed',
    ],
    [
      'outdated',
      injectedPod(createInjector(snapshotOf({ proxy: { resources: { requests: { cpu: '1m' } } } }))),
      'outdated',
      'version 0.1.0',
    ],
    ['none of a pod by a record that does not fit it', twice, undefined, ''],
    ['uncaptured, by its state', checked({ state: ended(126) }), 'uncaptured', ''],
    ['uncaptured, by its last state', checked({ state: { waiting: {} }, lastState: ended(126) }), 'uncaptured', ''],
    ['none when a later try was good', checked({ state: ended(0), lastState: ended(126) }), undefined, ''],
    ['none while it runs for the first time', checked({ state: { running: {} } }), undefined, ''],
  ])('%s', (_what, object, finding, detail) => {
    const record = recordOf(object, enabled, yardstick);
    expect(record).toMatchObject({ finding });
    expect(record?.detail).toContain(detail);
  });

  test('denied, although it has a sidecar', () => {
    const record = recordOf(injectedPod(injector, clash), enabled, { ...yardstick, injector: port8080 });
    expect(record).toMatchObject({ finding: 'denied', detail: expect.stringMatching(/8080.*\(PortConflict\)$/) });
  });

  test.each([
    ['other settings that say the same of it', snapshotOf({ injection: { excludedNamespaces: ['other'] } })],
    ['another version that makes the same of it', { ...snapshotOf(), version: '9.9.9' }],
  ])('none of a pod by %s', (_what, snapshot) => {
    const other = { ...yardstick, injector: createInjector(snapshot) };
    expect(recordOf(injectedPod(), enabled, other)).toMatchObject({ finding: undefined });
  });

  test('outdated by a default of its namespace, with the same settings', () => {
    const annotations = { 'sidecar-injector.io/defaults': 'true', 'sidecar.istio.io/proxyCPU': '77m' };
    expect(recordOf(injectedPod(), { ...enabled, annotations }, yardstick)).toMatchObject({ finding: 'outdated' });
  });

  describe('after another webhook has rewritten our image and resources', () => {
    const rewritten = structuredClone(injectedPod()) as { spec: { initContainers: { [key: string]: unknown }[] } };
    const proxy = rewritten.spec.initContainers[1];
    if (proxy !== undefined) Object.assign(proxy, { image: 'mirror.example/envoy:1', resources: {} });
    const withProxy = (...initContainers: readonly unknown[]): JsonObject =>
      ({ ...rewritten, spec: { ...rewritten.spec, initContainers } }) as unknown as JsonObject;
    const whole = withProxy(...rewritten.spec.initContainers);
    const elsewhere = {
      ...yardstick,
      injector: createInjector(snapshotOf({ injection: { excludedNamespaces: ['x'] } })),
    };
    const annotations = { 'sidecar-injector.io/defaults': 'true', 'sidecar.istio.io/proxyCPU': '77m' };

    test.each([
      ['none while nothing has changed that decides', whole, enabled, yardstick, undefined],
      ['outdated by other settings, until it is created anew', whole, enabled, elsewhere, 'outdated'],
      ['outdated by a default of its namespace', whole, { ...enabled, annotations }, yardstick, 'outdated'],
      ['outdated without one of the containers', withProxy(proxy), enabled, yardstick, 'outdated'],
    ])('%s', (_what, object, namespace, by, finding) => {
      expect(recordOf(object, namespace, by)).toMatchObject({ finding });
    });
  });

  test('none of a namespace that nothing selects', () => {
    expect(recordOf(pod(), { ...enabled, labels: {} }, yardstick)).toMatchObject({ finding: undefined });
  });

  test.each<[string, JsonObject]>([
    ['has ended', pod({}, { status: { phase: 'Succeeded' } })],
    ['is to end', pod({ deletionTimestamp: '2026-01-01T00:00:00Z' })],
  ])('nothing is said of a pod that %s', (_what, object) => {
    expect(recordOf(object, enabled, yardstick)).toBeUndefined();
  });
});

describe('the owner', () => {
  test.each<[string, JsonObject, JsonObject]>([
    ['a Deployment, whose uid no pod has', ofReplicaSet, { kind: 'Deployment', name: 'web', uid: undefined }],
    ['a StatefulSet', { ownerReferences: [controller('StatefulSet', 'db')] }, { kind: 'StatefulSet', uid: 'uid-db' }],
    ['the pod itself', { generateName: '' }, { kind: 'Pod', name: 'web-5d8f-x', uid: 'u' }],
    [
      'a CronJob, whose uid no pod has',
      { ownerReferences: [controller('Job', 'nightly-28000000', 'batch/v1')] },
      { kind: 'CronJob', name: 'nightly', uid: undefined },
    ],
  ])('%s', (_what, metadata, owner) => {
    expect(recordOf(pod(metadata), enabled, yardstick)?.owner).toMatchObject({ namespace: 'shop', ...owner });
  });

  test.each([
    ['ReplicaSet', true],
    ['StatefulSet', true],
    ['DaemonSet', true],
    ['ReplicationController', true],
    ['Job', false],
    ['Train', false],
  ])('%s makes another pod like it: %p', (kind, isReplaced) => {
    expect(recordOf(pod({ ownerReferences: [controller(kind, 'x')] }), enabled, yardstick)).toMatchObject({
      isReplaced,
    });
  });

  test('nobody makes a bare pod anew', () => {
    expect(recordOf(pod(), enabled, yardstick)).toMatchObject({ isReplaced: false });
  });
});

test('a roster counts by owner and finding, and forgets what is gone', () => {
  const roster = createRoster();
  roster.take('shop/a', podRecord('a', 'web', { finding: 'outdated' }));
  roster.take('shop/b', podRecord('b'));
  roster.take('shop/c', podRecord('c'));
  const counts = () => roster.groups().map(({ owner, finding, pods }) => [owner.name, finding, pods.length]);
  expect(counts()).toEqual([
    ['web', 'missed', 2],
    ['web', 'outdated', 1],
  ]);
  roster.take('shop/b', podRecord('b', 'web', { finding: undefined }));
  roster.take('shop/a', undefined);
  expect(counts()).toEqual([['web', 'missed', 1]]);
  expect([roster.size, [...roster.podsOf(podRecord('b').owner)]]).toEqual([2, ['c', 'b']]);
});
