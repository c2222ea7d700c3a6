import { describe, expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import jsonPatch from 'fast-json-patch';
import { decide, type Decision } from '../../../src/index.ts';
import { undo } from '../../../src/injection/patch/undo.ts';
import { joinPatch } from '../../../src/injection/patch/patch-text.ts';
import type { Operation } from '../../../src/json/operation.ts';
import { statusAnnotation } from '../../../src/pod/conventions.ts';
import { canonicalText, type Json, type JsonObject } from '../../../src/json/json.ts';
import { anyPod } from '../../support/builders/pods.ts';
import { meshSnapshot, snapshotOf } from '../../support/builders/snapshots.ts';
import { anySnapshotWithTemplates } from '../../support/builders/templates.ts';

const runs = { numRuns: Number(process.env['FAST_CHECK_RUNS'] ?? 300) };
const snapshots = [
  snapshotOf(),
  snapshotOf({ proxy: { imagePullSecrets: ['mine', 'ours'] } }),
  snapshotOf({ injection: { nativeSidecars: 'never' }, proxy: { holdApplicationUntilProxyStarts: true } }),
  meshSnapshot(),
];
const anySnapshot = fc.oneof(fc.constantFrom(...snapshots), anySnapshotWithTemplates);

function clone<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function apply(pod: JsonObject, operations: readonly Operation[]): JsonObject {
  // An emptied document is not the case here, so the library's result is always the object.
  return jsonPatch.applyPatch(clone(pod), clone(operations) as jsonPatch.Operation[]).newDocument;
}

function injected(pod: JsonObject, decision: Decision): JsonObject {
  expect(decision.reasons.map(({ code, message }) => `${code} ${message}`).join()).toMatch(/^PolicyEnabled/);
  return apply(pod, decision.operations);
}

const request = (pod: JsonObject) => ({ pod, namespace: 'shop' });

describe(`injection (seed ${fc.seed})`, () => {
  test('gives back the pod when it is undone', () => {
    fc.assert(
      fc.property(anyPod, anySnapshot, (pod, snapshot) => {
        const result = injected(pod, decide(request(pod), snapshot));
        const back = undo(result);
        expect(canonicalText(apply(result, back?.operations ?? []))).toBe(canonicalText(pod));
      }),
      runs,
    );
  });

  test('is what a fresh snapshot decides, whatever was decided for other pods of the same controller', () => {
    const ofOneController = anyPod.map((pod): JsonObject => {
      const { name: _name, ...metadata } = { ...(pod['metadata'] as JsonObject | null) };
      return { ...pod, metadata: { ...metadata, generateName: 'web-7f9c-' } };
    });
    fc.assert(
      fc.property(fc.array(ofOneController, { minLength: 1, maxLength: 3 }), fc.nat(2), (pods, which) => {
        const settings = [
          {},
          { proxy: { imagePullSecrets: ['mine', 'ours'] } },
          { injection: { nativeSidecars: 'never' as const } },
        ];
        const used = snapshotOf(settings[which]);
        for (const pod of [...pods, ...pods, ...pods, ...pods.toReversed()]) {
          const decision = decide(request(pod), used);
          const fresh = decide(request(pod), snapshotOf(settings[which]));
          expect(joinPatch(decision.patch)).toBe(joinPatch(fresh.patch));
          expect(canonicalText({ ...decision, patch: [] })).toBe(canonicalText({ ...fresh, patch: [] }));
        }
      }),
      { numRuns: Math.ceil(runs.numRuns / 10) },
    );
  });

  test('changes nothing a second time', () => {
    fc.assert(
      fc.property(anyPod, anySnapshot, (pod, snapshot) => {
        const result = injected(pod, decide(request(pod), snapshot));
        const again = decide(request(result), snapshot);
        expect(again.outcome).toBe('skip');
        expect(again.reasons[0].code).toBe('AlreadyInjected');
        expect(again.operations).toEqual([]);
      }),
      runs,
    );
  });

  test('is deterministic and leaves the request and Object.prototype alone', () => {
    fc.assert(
      fc.property(anyPod, anySnapshot, (pod, snapshot) => {
        const before = JSON.stringify(pod);
        const one = decide(request(pod), snapshot);
        const other = decide(request(clone(pod)), snapshot);
        expect(joinPatch(one.patch)).toBe(joinPatch(other.patch));
        expect(JSON.stringify(pod)).toBe(before);
        expect(Object.getOwnPropertyNames(Object.prototype).toSorted()).toEqual(prototypeNames);
      }),
      runs,
    );
  });

  test('keeps everything that is not ours byte for byte, in its order', () => {
    fc.assert(
      fc.property(anyPod, anySnapshot, (pod, snapshot) => {
        const decision = decide(request(pod), snapshot);
        const result = injected(pod, decision);
        const status = JSON.parse(
          ((result['metadata'] as JsonObject)['annotations'] as JsonObject)[statusAnnotation] as string,
        ) as Record<string, string[] | null>;
        const spec = result['spec'] as JsonObject;
        const before = pod['spec'] as JsonObject;
        for (const key of Object.keys(before)) {
          if (['containers', 'initContainers', 'volumes', 'imagePullSecrets'].includes(key)) continue;
          expect(JSON.stringify(spec[key])).toBe(JSON.stringify(before[key]));
        }
        for (const list of ['containers', 'initContainers'] as const) {
          const ours = status[list] ?? [];
          const rest = ((spec[list] ?? []) as JsonObject[]).filter(({ name }) => !ours.includes(name as string));
          const own = (before[list] ?? []) as JsonObject[];
          expect(rest.map(({ name }) => name)).toEqual(own.map(({ name }) => name));
          const { probes = [], sleeps = [], edits = [] } = decision.added ?? {};
          const edited = new Set([...probes, ...sleeps, ...edits].map((entry) => entry.split(/[ :]/)[0]));
          for (const [index, container] of own.entries()) {
            if (!edited.has(container['name'] as string)) {
              expect(JSON.stringify(rest[index])).toBe(JSON.stringify(container));
              continue;
            }
            const fields = ['readinessProbe', 'livenessProbe', 'startupProbe', 'lifecycle', 'env', 'volumeMounts'];
            const handlers = new Set(fields);
            const without = (value: Json | undefined): string =>
              JSON.stringify(Object.entries((value ?? {}) as JsonObject).filter(([key]) => !handlers.has(key)));
            expect(without(rest[index])).toBe(without(container));
            for (const field of ['env', 'volumeMounts'] as const) {
              const own = container[field];
              const now = rest[index]?.[field];
              if (Array.isArray(own)) expect((now as Json[]).slice(0, own.length)).toEqual(own);
            }
          }
        }
      }),
      runs,
    );
  });
});

const prototypeNames = Object.getOwnPropertyNames(Object.prototype).toSorted();
