import { describe, expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { decide, undo, type Operation, type Snapshot } from '../../../src/index.ts';
import { applyToValue } from '../../../src/json/apply.ts';
import { statusAnnotation } from '../../../src/pod/conventions.ts';
import { canonicalText, type JsonObject } from '../../../src/json/json.ts';
import { istiodSnapshot } from '../../support/processes/istiod.ts';
import { anyPod } from '../../support/builders/pods.ts';

const runs = { numRuns: Number(process.env['FAST_CHECK_RUNS'] ?? 200) };

const anySnapshot = fc.constantFrom(
  istiodSnapshot(),
  istiodSnapshot({
    pilot: { cni: { enabled: true, provider: 'multus' } },
    global: { network: 'n', imagePullSecrets: ['a'] },
  }),
  istiodSnapshot({ sidecarInjectorWebhook: { defaultTemplates: ['gateway'] } }),
  istiodSnapshot({ sidecarInjectorWebhook: { defaultTemplates: ['grpc-simple'] } }),
  istiodSnapshot({ sidecarInjectorWebhook: { defaultTemplates: ['grpc-agent'] } }),
  istiodSnapshot({}, { spec: { injection: { nativeSidecars: 'never' } } }),
  istiodSnapshot({}, { spec: { istiod: { hardened: true, values: { global: { tag: '1' } } } } }),
);

const anyWish = fc.dictionary(
  fc.constantFrom(
    'prometheus.io/port',
    'prometheus.io.path',
    'prometheus.istio.io/scrape-targets',
    'k8s.v1.cni.cncf.io/networks',
  ),
  fc.constantFrom('8080', '[{"name":"a"}]', 'a, b'),
);

/** The injected pod with a status annotation that has Istio's keys alone. */
function asIstioWrites(pod: JsonObject): JsonObject {
  const metadata = pod['metadata'] as JsonObject;
  const annotations = metadata['annotations'] as JsonObject;
  const { initContainers, containers, volumes } = JSON.parse(annotations[statusAnnotation] as string) as JsonObject;
  const status = JSON.stringify({ initContainers, containers, volumes, imagePullSecrets: null });
  return { ...pod, metadata: { ...metadata, annotations: { ...annotations, [statusAnnotation]: status } } };
}

/** A second injection of what these operations make changes nothing, and undoing it gives the pod that was. */
function expectRepeatableAndUndone(before: JsonObject, operations: readonly Operation[], snapshot: Snapshot): void {
  const after = applyToValue(structuredClone(before), operations) as JsonObject;
  expect(decide({ pod: after, namespace: 'shop' }, snapshot).operations).toEqual([]);
  const back = applyToValue(structuredClone(after), undo(after)?.operations ?? []);
  expect(canonicalText(back)).toBe(canonicalText(before));
}

describe(`mode istiod (seed ${fc.seed})`, () => {
  test('what is injected is verified, changes nothing a second time, and is taken back to the pod that was', () => {
    let injected = 0;
    fc.assert(
      fc.property(anyPod, anyWish, anySnapshot, (pod, wishes, snapshot) => {
        const { metadata } = pod as { metadata?: JsonObject };
        const annotations = { ...(metadata?.['annotations'] as JsonObject | undefined), ...wishes };
        const before: JsonObject =
          Object.keys(wishes).length === 0 ? pod : { ...pod, metadata: { ...metadata, annotations } };
        const decision = decide({ pod: before, namespace: 'shop' }, snapshot);
        expect(decision.reasons.map(({ code }) => code)).not.toContain('InvalidPatch');
        if (decision.outcome !== 'inject') return;
        injected += 1;
        expectRepeatableAndUndone(before, decision.operations, snapshot);
      }),
      runs,
    );
    expect(injected).toBeGreaterThan(0);
  });

  test('the same of a pod that Istio’s own injector has injected, by the same settings or others', () => {
    let injected = 0;
    fc.assert(
      fc.property(anyPod, anySnapshot, anySnapshot, (pod, first, second) => {
        const decision = decide({ pod, namespace: 'shop' }, first);
        if (decision.outcome !== 'inject') return;
        const before = asIstioWrites(applyToValue(structuredClone(pod), decision.operations) as JsonObject);
        const again = decide({ pod: before, namespace: 'shop' }, second);
        expect(again.reasons.map(({ code }) => code)).not.toContain('InvalidPatch');
        if (again.outcome !== 'inject') return;
        injected += 1;
        expectRepeatableAndUndone(before, again.operations, second);
      }),
      runs,
    );
    expect(injected).toBeGreaterThan(0);
  });
});
