import { describe, expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { createInjector } from '../../../src/injection/injector.ts';
import { registrationEntries } from '../../../src/injection/policy/registration.ts';
import { standingOf } from '../../../src/injection/standing.ts';
import { applyToValue } from '../../../src/json/apply.ts';
import { withField } from '../../../src/json/field.ts';
import { isObject, member, objectMember, type JsonObject } from '../../../src/json/json.ts';
import { escapeToken } from '../../../src/json/operation.ts';
import { statusAnnotation } from '../../../src/pod/conventions.ts';
import { annotationNames } from '../../../src/pod/annotation-names.ts';
import { anyJson, anyPod, jsonRecord } from '../../support/builders/pods.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';
import { anySnapshotWithTemplates } from '../../support/builders/templates.ts';
import { istiodSnapshot } from '../../support/processes/istiod.ts';

const runs = { numRuns: Number(process.env['FAST_CHECK_RUNS'] ?? 200) };
const namespace = { name: 'shop', labels: { 'istio-injection': 'enabled' }, annotations: {} };
const snapshots = [
  snapshotOf(),
  snapshotOf({ injection: { nativeSidecars: 'never' }, proxy: { applicationDrainSeconds: 5 } }),
  istiodSnapshot(),
];
const anySnapshot = fc.oneof(fc.constantFrom(...snapshots), anySnapshotWithTemplates);
const other = createInjector(snapshotOf({ proxy: { image: 'other:1' } }));

const decideAbout = (pod: JsonObject, injector: ReturnType<typeof createInjector>) =>
  injector.decide({
    pod,
    namespace: 'shop',
    namespaceLabels: namespace.labels,
    namespaceAnnotations: namespace.annotations,
  });

const pointers = ['/metadata', '/metadata/labels', '/metadata/annotations', '/spec/containers', '/spec/volumes'];
const names = fc.subarray(['istio-proxy', 'istio-init', 'app', 'main', 'workload-socket', 'istio-envoy', 'x']);
const anyParts = fc.record(
  { containers: names, initContainers: names, volumes: names, imagePullSecrets: names },
  { requiredKeys: [] },
);
const anyContainer = fc.record({
  list: fc.constantFrom('containers', 'initContainers'),
  index: fc.nat(9),
  container: fc.record({ name: fc.constantFrom('istio-proxy', 'app', 'x') }),
});
const anyUndo = fc.record(
  {
    absent: fc.subarray(pointers),
    null: fc.subarray(pointers),
    labels: names,
    annotations: names,
    secrets: names,
    overrides: fc.array(anyContainer, { maxLength: 2 }),
    edits: fc.array(
      fc.record({
        container: fc.constantFrom('app', 'main'),
        field: fc.constantFrom('env', 'volumeMounts'),
        keys: names,
      }),
    ),
    probes: jsonRecord(anyJson),
    own: jsonRecord(anyJson),
  },
  { requiredKeys: [] },
);

/** Whether the API server sends the pod to the webhook, also when it was injected by one that does not ask for labels. */
const isAsked = (pod: JsonObject): boolean =>
  member(objectMember(objectMember(pod, 'metadata'), 'labels'), annotationNames.inject) !== 'false';

/** The pod with a change in each of its containers. */
function withEach(pod: JsonObject, change: (container: JsonObject) => JsonObject): JsonObject {
  const lists = ['initContainers', 'containers'] as const;
  const spec = objectMember(pod, 'spec') ?? {};
  const more = lists.flatMap((list) => {
    const containers = member(spec, list);
    if (!Array.isArray(containers)) return [];
    return [[list, containers.map((one) => (isObject(one) ? change(one) : one))] as const];
  });
  return { ...pod, spec: { ...spec, ...Object.fromEntries(more) } };
}

/** What an API server adds when it stores a pod. */
const stored = (pod: JsonObject): JsonObject =>
  withEach(pod, (container) => ({ terminationMessagePath: '/dev/log', ...container }));

/** What other webhooks commonly do with every container. */
const mirrored = (pod: JsonObject): JsonObject =>
  withEach(pod, (container) => ({ ...container, image: 'mirror.example/all:1', imagePullPolicy: 'Always' }));

describe(`the standing of a stored pod (seed ${fc.seed})`, () => {
  test('an injected pod is current for who injected it, and outdated for another image', () => {
    fc.assert(
      fc.property(anyPod, anySnapshot, (pod, snapshot) => {
        const injector = createInjector(snapshot);
        const { outcome, operations, added } = decideAbout(pod, injector);
        fc.pre(outcome === 'inject' && isAsked(pod));
        const injected = stored(applyToValue(pod, operations) as JsonObject);
        const standing = standingOf(injected, namespace, registrationEntries, injector);
        // A pod for which the match conditions are not met would not be sent; the engine was asked all the same.
        if (standing.state === 'injected' && standing.renewal.as === 'uninjected') return;
        expect(standing).toMatchObject({ state: 'injected', renewal: { as: 'current' } });
        expect(standingOf(mirrored(injected), namespace, registrationEntries, injector)).toEqual(standing);
        if (added?.containers.length === 0 && added.initContainers.length === 0) return;
        const otherwise = standingOf(injected, namespace, registrationEntries, other);
        expect(otherwise).not.toMatchObject({ renewal: { as: 'current' } });
      }),
      runs,
    );
  });

  test('whatever somebody writes as a record, it is an answer and no exception', () => {
    const injector = createInjector(snapshotOf());
    fc.assert(
      fc.property(anyPod, anyParts, anyUndo, (pod, parts, undone) => {
        const { outcome, operations } = decideAbout(pod, injector);
        fc.pre(outcome === 'inject');
        const injected = applyToValue(pod, operations) as JsonObject;
        const annotations = objectMember(objectMember(injected, 'metadata'), 'annotations');
        const text = member(annotations, statusAnnotation);
        const status = JSON.parse(typeof text === 'string' ? text : '{}') as JsonObject;
        const forged = { ...status, ...parts, undo: { ...objectMember(status, 'undo'), ...undone } };
        const pointer = `/metadata/annotations/${escapeToken(statusAnnotation)}`;
        const written = withField(injected, pointer, JSON.stringify(forged));
        expect(standingOf(written, namespace, registrationEntries, injector)).toHaveProperty('state');
      }),
      runs,
    );
  });
});
