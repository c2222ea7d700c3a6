import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { limitFilter } from '../../src/envoy/limit-filter.ts';
import { objectMember } from '../../src/json/json.ts';
import { countingLimits } from '../../src/mesh/explain/limits.ts';
import { indexLimits } from '../../src/mesh/plan/limit-plan.ts';
import { httpLimits } from '../../src/mesh/resources/limits.ts';
import * as fc from '../support/fast-check.ts';
import { startAccessEnvoy, type AccessEnvoy } from '../support/mesh/access-envoy.ts';
import { randomArrival } from '../support/mesh/random-access.ts';
import { randomLimits } from '../support/mesh/random-limits.ts';
import { rulesOf } from '../support/mesh/rules.ts';

jest.setTimeout(120_000);

/* The limits that `mesh explain` says a request counts in are those by which a real Envoy counts it, for random limits and requests. */

const count = 10 * Number(process.env['FAST_CHECK_RUNS'] ?? 40);
const most = 4;
const plans = fc
  .sample(randomLimits, count)
  .map((limits) => indexLimits(rulesOf([limits]), 'istio-system')({ namespace: 'shop', labels: {} }));
const calls = fc.sample(randomArrival, count);
const routes = plans.map(httpLimits);

let envoy: AccessEnvoy;
beforeAll(async () => {
  envoy = await startAccessEnvoy({ ours: { filters: [limitFilter.json], routes } });
});
afterAll(() => envoy.stop());

/** How many of some requests a pod lets in, as the explanation says it. */
function letIn(index: number): number {
  const { method, path, host, headers } = calls[index] as (typeof calls)[number];
  const seen = new Map(Object.entries({ ':method': method, ':path': path, ':authority': host, ...headers }));
  const counting = countingLimits(objectMember(routes[index], limitFilter.name), seen);
  const bursts = plans[index]?.filter(({ name }) => counting.has(name)).map(({ burst }) => burst) ?? [];
  return Math.min(most, ...bursts);
}

test(`the limits of requests (seed ${fc.seed})`, async () => {
  const outcomes = new Set<number>();
  const wrong: unknown[] = [];
  for (const [index, call] of calls.entries()) {
    let taken = 0;
    for (let time = 0; time < most; time++) if ((await envoy.ask('ours', index, call)).status === 200) taken += 1;
    outcomes.add(taken);
    if (taken !== letIn(index)) wrong.push({ call, taken, said: letIn(index), route: routes[index] });
  }
  expect(wrong.slice(0, 3)).toEqual([]);
  expect(outcomes).toEqual(new Set([1, 2, 3, 4]));
});
