import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as fc from '../support/fast-check.ts';
import { decide } from '../../src/injection/injector.ts';
import type { Snapshot } from '../../src/injection/snapshot.ts';
import { applyToValue } from '../../src/json/apply.ts';
import type { JsonObject } from '../../src/json/json.ts';
import { podWithCopies } from '../support/builders/own-copies.ts';
import { snapshotOf } from '../support/builders/snapshots.ts';
import { istiodSnapshot } from '../support/processes/istiod.ts';
import { sharedCluster } from '../support/processes/shared-cluster.ts';
import { injected, openTestCluster } from '../support/processes/test-cluster.ts';

const runs = { numRuns: Number(process.env['FAST_CHECK_RUNS'] ?? 300) };
const longest = 10 * 60_000;

const cluster = openTestCluster(sharedCluster());
let enabled: string;
let plain: string;

beforeAll(async () => {
  [enabled, plain] = await Promise.all([cluster.createNamespace(injected), cluster.createNamespace()]);
});
afterAll(() => cluster.api.close());

/** What the API server says to the pod; undefined if it would create it. */
async function refusalOf(namespace: string, pod: JsonObject): Promise<string | undefined> {
  const { status, body } = await cluster.createPod(namespace, pod, 'dryRun=All');
  return status === 201 ? undefined : `${status}: ${body.message}`;
}

/** Our own sentence: from the webhook, with the code of a reason. */
const ours =
  /^400: admission webhook "namespace\.sidecar-injector\.io" denied the request: .* \((?!InvalidPatch)[A-Z]\w+\)$/s;

/** Counts what the property has seen, so that it cannot hold because no pod is injected. */
const seen = { refused: 0, denied: 0, injected: 0 };

describe('a pod with own copies of the injected containers, valid without us', () => {
  test(
    'is admitted, or denied with a reason of ours',
    async () => {
      await fc.assert(
        fc.asyncProperty(podWithCopies, async (pod) => {
          if ((await refusalOf(plain, pod)) !== undefined) {
            seen.refused += 1;
            return;
          }
          const refusal = await refusalOf(enabled, pod);
          if (refusal === undefined) seen.injected += 1;
          else seen.denied += 1;
          expect(refusal ?? '').toMatch(refusal === undefined ? /^$/ : ours);
        }),
        runs,
      );
      expect(seen.injected).toBeGreaterThan(runs.numRuns / 20);
    },
    longest,
  );

  test.each<[string, Snapshot]>([
    ['standalone', snapshotOf()],
    ['istiod', istiodSnapshot()],
    [
      'istiod, hardened',
      istiodSnapshot({}, { spec: { istiod: { hardened: true, values: { global: { tag: '1' } } } } }),
    ],
  ])(
    'is valid as the command line writes it, mode %s',
    async (_mode, snapshot) => {
      let written = 0;
      await fc.assert(
        fc.asyncProperty(podWithCopies, async (pod) => {
          const decision = decide({ pod, namespace: 'demo' }, snapshot);
          expect(decision.reasons.map(({ code }) => code)).not.toContain('InvalidPatch');
          if (decision.outcome !== 'inject' || (await refusalOf(plain, pod)) !== undefined) return;
          written += 1;
          expect(await refusalOf(plain, applyToValue(pod, decision.operations) as JsonObject)).toBeUndefined();
        }),
        { numRuns: Math.ceil(runs.numRuns / 2) },
      );
      expect(written).toBeGreaterThan(runs.numRuns / 50);
    },
    longest,
  );
});
