import { describe, expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { decide, undo } from '../../../src/index.ts';
import { applyToValue } from '../../../src/json/apply.ts';
import { isObject, type Json, type JsonObject } from '../../../src/json/json.ts';
import { escapeToken } from '../../../src/json/operation.ts';
import { statusAnnotation } from '../../../src/pod/conventions.ts';
import { anyPod } from '../../support/builders/pods.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';
import { anySnapshotWithTemplates } from '../../support/builders/templates.ts';
import { istiodSnapshot } from '../../support/processes/istiod.ts';

const runs = { numRuns: Number(process.env['FAST_CHECK_RUNS'] ?? 200) };

const anySnapshot = fc.oneof(
  fc.constantFrom(snapshotOf({ proxy: { applicationDrainSeconds: 5 } }), istiodSnapshot()),
  anySnapshotWithTemplates,
);

/** The pointers of everything in the value, and the names among them. */
function pointersOf(value: Json, pointer = ''): string[] {
  const inside: [string, Json | undefined][] = Array.isArray(value)
    ? value.map((item: Json, index) => [String(index), item])
    : isObject(value)
      ? Object.entries(value)
      : [];
  return inside.flatMap(([key, inner]) => {
    const at = `${pointer}/${escapeToken(key)}`;
    return [at, ...pointersOf(inner ?? null, at)];
  });
}

const status = `/metadata/annotations/${escapeToken(statusAnnotation)}`;

describe(`a pod that was injected and then edited (seed ${fc.seed})`, () => {
  test('is undone without a fault, whatever was removed or renamed', () => {
    let undone = 0;
    fc.assert(
      fc.property(anyPod, anySnapshot, fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), (pod, snapshot, picks) => {
        const { outcome, operations } = decide({ pod, namespace: 'shop' }, snapshot);
        fc.pre(outcome === 'inject');
        let edited = applyToValue(pod, operations) as JsonObject;
        for (const pick of picks) {
          const places = pointersOf(edited).filter(
            (pointer) => !status.startsWith(pointer) && !/__proto__/.test(pointer),
          );
          const path = places[pick % places.length] ?? '/spec';
          const isName = /^\/spec\/[a-zA-Z]+\/\d+\/name$/.test(path);
          edited = applyToValue(edited, [
            isName ? { op: 'replace', path, value: 'renamed' } : { op: 'remove', path },
          ]) as JsonObject;
        }
        const back = undo(edited);
        if (back === undefined || back.leftovers.length > 0) return;
        const result = applyToValue(edited, back.operations);
        expect(JSON.stringify(result)).not.toContain('--config-yaml');
        undone += 1;
      }),
      runs,
    );
    expect(undone).toBeGreaterThan(runs.numRuns / 4);
  });
});
