import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { decide, undo } from '../../../src/index.ts';
import { applyToValue } from '../../../src/manifests/apply.ts';
import type { Json, JsonObject } from '../../../src/settings/json.ts';
import { istiodSnapshot } from '../../support/istiod.ts';
import { anyPod } from '../../support/pods.ts';

const seed = Number(process.env['FAST_CHECK_SEED'] ?? Date.now() % 2 ** 31);
const runs = { numRuns: Number(process.env['FAST_CHECK_RUNS'] ?? 200), seed };

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

const statusName = 'sidecar.istio.io/status';

const anyWish = fc.dictionary(
  fc.constantFrom(
    'prometheus.io/port',
    'prometheus.io.path',
    'prometheus.istio.io/scrape-targets',
    'k8s.v1.cni.cncf.io/networks',
  ),
  fc.constantFrom('8080', '[{"name":"a"}]', 'a, b'),
);

/** Order of keys says nothing. */
function sorted(value: Json | undefined): unknown {
  if (Array.isArray(value)) return (value as readonly Json[]).map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value as JsonObject)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, inner]) => [key, sorted(inner)]);
}

/** The injected pod with a status annotation that has Istio's keys alone. */
function asIstioWrites(pod: JsonObject): JsonObject {
  const metadata = pod['metadata'] as JsonObject;
  const annotations = metadata['annotations'] as JsonObject;
  const { initContainers, containers, volumes } = JSON.parse(annotations[statusName] as string) as JsonObject;
  const status = JSON.stringify({ initContainers, containers, volumes, imagePullSecrets: null });
  return { ...pod, metadata: { ...metadata, annotations: { ...annotations, [statusName]: status } } };
}

describe(`mode istiod (seed ${seed})`, () => {
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
        const after = applyToValue(structuredClone(before), decision.operations) as JsonObject;
        expect(decide({ pod: after, namespace: 'shop' }, snapshot).operations).toEqual([]);
        const back = applyToValue(structuredClone(after), undo(after)?.operations ?? []);
        expect(JSON.stringify(sorted(back))).toBe(JSON.stringify(sorted(before)));
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
        const after = applyToValue(structuredClone(before), again.operations) as JsonObject;
        expect(decide({ pod: after, namespace: 'shop' }, second).operations).toEqual([]);
        const back = applyToValue(structuredClone(after), undo(after)?.operations ?? []);
        expect(JSON.stringify(sorted(back))).toBe(JSON.stringify(sorted(before)));
      }),
      runs,
    );
    expect(injected).toBeGreaterThan(0);
  });
});
