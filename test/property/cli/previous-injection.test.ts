import { describe, expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { findPreviousInjection } from '../../../src/cli/manifests/previous-injection.ts';
import { decide, type JsonObject } from '../../../src/index.ts';
import { applyToValue } from '../../../src/json/apply.ts';
import { anyPod } from '../../support/builders/pods.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';
import { anySnapshotWithTemplates } from '../../support/builders/templates.ts';
import { istiodSnapshot } from '../../support/processes/istiod.ts';

const runs = { numRuns: Number(process.env['FAST_CHECK_RUNS'] ?? 200) };

const snapshots = [
  snapshotOf(),
  snapshotOf({ injection: { nativeSidecars: 'never' }, proxy: { applicationDrainSeconds: 5 } }),
  istiodSnapshot(),
  istiodSnapshot({}, { spec: { istiod: { hardened: true, values: { global: { tag: '1' } } } } }),
];
const others = snapshotOf({ proxy: { logLevel: 'info' } });
const anySnapshot = fc.oneof(fc.constantFrom(...snapshots), anySnapshotWithTemplates);

describe(`a pod that was injected before (seed ${fc.seed})`, () => {
  test('is outdated with other settings, and never with the same', () => {
    fc.assert(
      fc.property(anyPod, anySnapshot, (pod, snapshot) => {
        const decideWith = (one: typeof snapshot) => (asked: JsonObject) =>
          decide({ pod: asked, namespace: 'shop' }, one);
        const { outcome, operations } = decideWith(snapshot)(pod);
        fc.pre(outcome === 'inject');
        const injected = applyToValue(pod, operations) as JsonObject;
        const same = findPreviousInjection(injected, decideWith(snapshot));
        expect(same).toMatchObject({ state: 'known', outdated: undefined });
        const other = findPreviousInjection(injected, decideWith(others));
        expect(other).toMatchObject({ outdated: expect.stringMatching(/^was injected/) });
      }),
      runs,
    );
  });
});
