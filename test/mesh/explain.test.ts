import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { clientResources } from '../../src/mesh/explain/client-resources.ts';
import { explain, type Explanation } from '../../src/mesh/explain/explanation.ts';
import { member, objectMember, objectsMember } from '../../src/json/json.ts';
import type { Answered, Forwarded } from '../../src/mesh/explain/outcome.ts';
import type { Request } from '../../src/mesh/explain/request.ts';
import type { Known } from '../../src/mesh/plan/service-traffic.ts';
import * as fc from '../support/fast-check.ts';
import { drawHeaders, shareHeader } from '../support/istio/decided-routes.ts';
import { clientOf, knownOf } from '../support/mesh/explained.ts';
import { changedHeaders, type HeaderValues } from '../support/mesh/header-words.ts';
import { randomRequest, randomRules } from '../support/mesh/random-calls.ts';
import {
  serverHeaders,
  startWalkedEnvoy,
  watchedHeaders,
  type Met,
  type WalkedEnvoy,
} from '../support/mesh/walked-envoy.ts';

// Ten times as long as it takes.
jest.setTimeout(30_000 + Number(process.env['FAST_CHECK_RUNS'] ?? 40) * 1_000);

/* What `mesh explain` says of a call is what a real Envoy does, for random rules and requests. */

const configurations = Number(process.env['FAST_CHECK_RUNS'] ?? 40);
const requests = 25;
const address = '10.96.0.5';
const worlds = fc.sample(randomRules, configurations).map(knownOf);
const watched = worlds.map((known) => ({
  resources: clientResources(known, clientOf(known, 'shop', { app: 'web' })),
  listener: `${address}_80`,
}));
let envoy: WalkedEnvoy;

beforeAll(async () => {
  envoy = await startWalkedEnvoy(watched);
});

afterAll(() => envoy.stop());

function explained(known: Known, request: Request): Explanation {
  const destination = { address, service: known.world.service.get('shop/reviews'), addresses: 1 };
  const client = clientOf(known, 'shop', { app: 'web' });
  return explain(known, client, { destination, port: 80, speaks: 'http', request }, () => client.traffic);
}

/** What decides for a request on what Envoy decides by luck: parts of one. */
interface Lots {
  readonly share: number;
  readonly abort: number;
}

const lots: fc.Arbitrary<Lots> = fc.record({
  share: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  // Shares of aborts are 0, 0.5, 50 and 100 of 100.
  abort: fc.constantFrom(0, 0.004_999, 0.005, 0.499_999, 0.5, 0.999_999),
});

/** The weights of a route together; 1 if it has one cluster. */
function totalOf(configuration: number, route: number | undefined): number {
  const routes = watched[configuration]?.resources.find(
    (one) => one.name === 'outbound|80||reviews.shop.svc.cluster.local' && one.kind === 'routes',
  );
  const [host] = objectsMember(routes?.json, 'virtual_hosts');
  const action = objectMember(objectsMember(host, 'routes')[route ?? -1], 'route');
  const clusters = objectsMember(objectMember(action, 'weighted_clusters'), 'clusters');
  return clusters.length === 0 ? 1 : clusters.reduce((sum, one) => sum + Number(member(one, 'weight')), 0);
}

/** Headers by which the proxy decides so. */
function decidingHeaders({ share, abort }: Lots, total: number): Request['headers'] {
  return [
    [shareHeader, String(Math.floor(share * total))],
    [drawHeaders.abort, String(Math.round(abort * 1_000_000))],
    [drawHeaders.request_mirror_policies, '0'],
  ];
}

/** The cluster that gets such a request, by the shares that are told, which are rounded. */
function pickShare<T extends { readonly percent: number }>(
  shares: readonly T[],
  lot: number,
  total: number,
): T | undefined {
  const point = ((Math.floor(lot * total) + 0.5) / total) * 100;
  let sum = 0;
  return shares.find(({ percent }) => (sum += percent) > point);
}

/** An answer of the proxy itself, as its client sees it. */
function seen({ status, grpcStatus }: Answered): Partial<Met> {
  return grpcStatus === undefined ? { status } : { status: 200, grpcStatus };
}

/** Headers on both ways; an empty one of a request is not told. */
function headersOf(
  outcome: Forwarded,
  share: Forwarded['shares'][number],
  request: Request,
): Pick<Met, 'got' | 'answered'> {
  const sent = new Map(request.headers.map(([name, value]) => [name.toLowerCase(), [value]] as const));
  const server = new Map(Object.entries(serverHeaders).map(([name, value]) => [name, [value]] as const));
  const watched = (of: 'request' | 'response', from: HeaderValues): (readonly [string, readonly string[]])[] => {
    // Destinations come first, where requests are shared out.
    const changed = changedHeaders(from, [share.headers[of], outcome.headers[of]]);
    return watchedHeaders.flatMap((name) => {
      const values = changed.get(name);
      return values === undefined ? [] : [[name, values] as const];
    });
  };
  const first = watched('request', sent).flatMap(([name, [value = '']]) =>
    value === '' ? [] : [[name, value] as const],
  );
  return {
    got: Object.fromEntries(first),
    answered: Object.fromEntries(watched('response', server).map(([name, values]) => [name, values.join(', ')])),
  };
}

/** What an explanation says of the answer. */
function expected(
  { outcome, route, clusters }: Explanation,
  request: Request,
  lot: Lots,
  total: number,
): Partial<Met> | undefined {
  const common = { route: route?.index };
  switch (outcome?.type) {
    case undefined:
      return undefined;
    case 'redirect':
      return { ...common, ...seen(outcome), location: outcome.location };
    case 'answer':
      return outcome.why === 'direct response' ? { ...common, ...seen(outcome) } : seen(outcome);
    case 'forward': {
      const { abort } = outcome.faults;
      if (abort !== undefined && lot.abort * 100 < abort.percent) return seen(abort);
      const there = new Set(clusters.flatMap(({ name, picks }) => (picks === undefined ? [] : [name])));
      const share = pickShare(outcome.shares, lot.share, total);
      if (share === undefined) return undefined;
      const { cluster, authority = outcome.authority } = share;
      if (!there.has(cluster)) return seen(outcome.withoutCluster);
      // The server refuses a CONNECT without a port.
      if (outcome.path === '' && !authority.includes(':')) return { ...common, cluster, status: 400 };
      const path = outcome.path === '' ? {} : { path: outcome.path };
      return { ...common, cluster, status: 200, authority, ...path, ...headersOf(outcome, share, request) };
    }
  }
}

/** Whether a request has met what was to be expected of it. */
function isSo(met: Met, said: Partial<Met>): boolean {
  return Object.entries(said).every(([key, value]) => isDeepStrictEqual(met[key as keyof Met], value));
}

test(`a real Envoy does what is explained (seed ${fc.seed})`, async () => {
  const wrong: string[] = [];
  let compared = 0;
  const shared = new Set<string>();
  const all = fc.sample(fc.tuple(randomRequest, lots), configurations * requests);
  for (const [index, known] of worlds.entries()) {
    for (const [request, lot] of all.slice(index * requests, (index + 1) * requests)) {
      const explanation = explained(known, request);
      const total = totalOf(index, explanation.route?.index);
      const headers = [...request.headers, ...decidingHeaders(lot, total)];
      const met = await envoy.ask(index, { ...request, headers });
      const said = expected(explanation, request, lot, total);
      if (explanation.passedRoutes.length > 0 && explanation.route !== undefined) compared += 1;
      if (total > 1 && met.cluster !== undefined) shared.add(`${index} ${met.route} ${met.cluster}`);
      if (said !== undefined && isSo(met, said)) continue;
      const route = explanation.route === undefined ? '' : `${explanation.route.index} ${explanation.route.match}`;
      wrong.push([request, lot, route, { met }, { said }].map((one) => JSON.stringify(one)).join('\n'));
    }
  }
  expect(wrong.slice(0, 5).join('\n\n')).toBe('');
  // Not all of it was easy.
  expect(compared).toBeGreaterThan(configurations * 5);
  expect(shared.size).toBeGreaterThan(configurations / 2);
});
