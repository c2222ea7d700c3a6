import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { clientResources } from '../../src/mesh/explain/client-resources.ts';
import { explain, type Explanation } from '../../src/mesh/explain/explanation.ts';
import type { Answered } from '../../src/mesh/explain/outcome.ts';
import type { Request } from '../../src/mesh/explain/request.ts';
import type { Known } from '../../src/mesh/plan/service-traffic.ts';
import * as fc from '../support/fast-check.ts';
import { clientOf, knownOf } from '../support/mesh/explained.ts';
import { randomRequest, randomRules } from '../support/mesh/random-calls.ts';
import { startWalkedEnvoy, type Met, type WalkedEnvoy } from '../support/mesh/walked-envoy.ts';

// Ten times as long as it takes.
jest.setTimeout(30_000 + Number(process.env['FAST_CHECK_RUNS'] ?? 40) * 1_000);

/* What `mesh explain` says of a call is what a real Envoy does, for random rules and requests. */

const configurations = Number(process.env['FAST_CHECK_RUNS'] ?? 40);
const requests = 25;
const address = '10.96.0.5';
const worlds = fc.sample(randomRules, configurations).map(knownOf);
let envoy: WalkedEnvoy;

beforeAll(async () => {
  const watched = worlds.map((known) => ({
    resources: clientResources(known, clientOf(known, 'shop', { app: 'web' })),
    listener: `${address}_80`,
  }));
  envoy = await startWalkedEnvoy(watched);
});

afterAll(() => envoy.stop());

function explained(known: Known, request: Request): Explanation {
  const destination = { address, service: known.world.service.get('shop/reviews'), addresses: 1 };
  const client = clientOf(known, 'shop', { app: 'web' });
  return explain(known, client, { destination, port: 80, speaks: 'http', request }, () => client.traffic);
}

/** An answer of the proxy itself, as its client sees it. */
function seen({ status, grpcStatus }: Answered): Partial<Met> {
  return grpcStatus === undefined ? { status } : { status: 200, grpcStatus };
}

/** What an explanation says of the answer: one of these. */
function expected({ outcome, route, clusters }: Explanation): readonly Partial<Met>[] {
  const common = { route: route?.index };
  switch (outcome?.type) {
    case undefined:
      return [];
    case 'redirect':
      return [{ ...common, ...seen(outcome), location: outcome.location }];
    case 'answer':
      return outcome.why === 'direct response' ? [{ ...common, ...seen(outcome) }] : [seen(outcome)];
    case 'forward': {
      const { abort } = outcome.faults;
      const aborted = abort === undefined || abort.percent === 0 ? [] : [seen(abort)];
      const there = new Set(clusters.flatMap(({ name, picks }) => (picks === undefined ? [] : [name])));
      const shares = outcome.shares.map(({ cluster, authority = outcome.authority }) => {
        if (!there.has(cluster)) return seen(outcome.withoutCluster);
        // The server refuses a CONNECT without a port.
        if (outcome.path === '' && !authority.includes(':')) return { ...common, cluster, status: 400 };
        const path = outcome.path === '' ? {} : { path: outcome.path };
        return { ...common, cluster, status: 200, authority, ...path };
      });
      return [...(abort?.percent === 100 ? [] : shares), ...aborted];
    }
  }
}

test(`a real Envoy does what is explained (seed ${fc.seed})`, async () => {
  const wrong: string[] = [];
  let compared = 0;
  const all = fc.sample(randomRequest, configurations * requests);
  for (const [index, known] of worlds.entries()) {
    for (const request of all.slice(index * requests, (index + 1) * requests)) {
      const explanation = explained(known, request);
      const met = await envoy.ask(index, request);
      const possible = expected(explanation);
      const isSo = possible.some((one) => Object.entries(one).every(([key, value]) => met[key as keyof Met] === value));
      if (explanation.passedRoutes.length > 0 && explanation.route !== undefined) compared += 1;
      if (isSo) continue;
      const route = explanation.route === undefined ? '' : `${explanation.route.index} ${explanation.route.match}`;
      wrong.push([request, route, { met }, { possible }].map((one) => JSON.stringify(one)).join('\n'));
    }
  }
  expect(wrong.slice(0, 5).join('\n\n')).toBe('');
  // Not all of it was easy.
  expect(compared).toBeGreaterThan(configurations * 5);
});
