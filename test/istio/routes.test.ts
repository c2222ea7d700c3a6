import { isDeepStrictEqual } from 'node:util';
import { expect, test } from '@jest/globals';
import type { JsonObject } from '../../src/json/json.ts';
import { ruleKinds } from '../../src/mesh/rules/rule-kinds.ts';
import * as fc from '../support/fast-check.ts';
import { startEchoServers, type Arrival, type EchoServers } from '../support/istio/echo-servers.ts';
import { istioProxies, ourProxies } from '../support/istio/proxies.ts';
import { services } from '../support/istio/called-services.ts';
import { routeObjects } from '../support/istio/random-routes.ts';
import { routedCall, type RoutedCall } from '../support/istio/routed-calls.ts';
import type { Answer } from '../support/istio/requests.ts';
import { startRoutedEnvoy, type Proxied, type RoutedEnvoy } from '../support/istio/routed-envoy.ts';
import { translateRoutesLikeIstiod, type CalledMesh, type IstioResources } from '../support/istio/routes.ts';
import { until } from '../support/waiting.ts';
import { inParallel } from '../support/in-parallel.ts';

/*
 * Random rules, translated by istiod's own translator (its Go module, in a program of ours) and here, both in real Envoys with the same servers behind them: a
 * request is answered alike, and the same arrives.
 */

const count = Number(process.env['FAST_CHECK_RUNS'] ?? 300);
const callsEach = 20;
const atOnce = 50;
const client = { namespace: 'shop', labels: { app: 'web' } };

function meshOf(objects: readonly JsonObject[]): CalledMesh {
  return { services, objects, ...client };
}

function refusalsOf(objects: readonly JsonObject[]): readonly string[] {
  return objects
    .flatMap((one) => ruleKinds[one['kind'] as 'VirtualService'].read(one).findings)
    .filter(({ effect }) => effect === 'refused')
    .map(({ field, sentence }) => `${field}: ${sentence}`);
}

const called = [
  ['reviews', 80],
  ['reviews', 81],
  ['ratings', 80],
] as const;

type Side = 'ours' | 'istio';

function proxyName(side: Side, index: number, service: string, port: number): string {
  return `${side}-${index}-${service}-${port}`;
}

/** What is each proxy's own affair: identifiers, addresses and times, and what tells the mesh about its peers. */
const ownHeaders =
  /^(?:x-envoy-.*|x-request-id|x-b3-.*|traceparent|date|server|proxy-status|connection|keep-alive|transfer-encoding|content-length|x-call|grpc-timeout)$/;

function comparable(headers: Readonly<Record<string, readonly string[]>>): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !ownHeaders.test(name))
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );
}

/** Servers by address and port: those of endpoints, and those that stand for a Service that is called at the address that was dialled. */
const groups: ReadonlyMap<string, string> = new Map(
  services.flatMap(({ name, address, ports, endpoints }) =>
    ports.flatMap((port) => [
      [`${address}:${port}`, `address of ${name} ${port}`] as const,
      ...endpoints.map((one) => [`${one.address}:${port}`, `${name} ${port}`] as const),
    ]),
  ),
);

interface Seen {
  readonly status: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
  readonly arrivals: readonly object[];
  readonly faults: readonly string[];
}

function arrivalOf({ server, method, path, headers }: Arrival): object {
  const { 'x-forwarded-proto': proto, ...rest } = comparable(headers);
  // Istio's proxies add it to a request that comes without it.
  const own = headers['x-has-proto'] === undefined ? {} : { proto };
  // Of several destinations with a hash, Istio's proxies find another endpoint by luck.
  const isTriedAgain = headers['x-fail'] !== undefined || headers['x-wait'] !== undefined;
  const group = groups.get(server) ?? '';
  const to = isTriedAgain || group.startsWith('address of ') ? group : server;
  return { to, method, path, headers: { ...rest, ...own } };
}

function withoutDefaultPort(location: string): string {
  return URL.canParse(location) ? new URL(location).href : location;
}

function seenOf({ status, headers, body, faults }: Answer, arrivals: readonly Arrival[]): Seen {
  const { 'x-server': _, location, ...rest } = comparable(headers);
  return {
    status,
    headers: location === undefined ? rest : { ...rest, location: location.map(withoutDefaultPort) },
    body,
    faults,
    arrivals: arrivals.map(arrivalOf).toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1)),
  };
}

interface Case {
  readonly objects: readonly JsonObject[];
  readonly istio: IstioResources;
  readonly calls: readonly RoutedCall[];
}

/** A call of the proxies of one case, and what became of it on either side, which is known when copies have arrived. */
interface Asked {
  readonly objects: readonly JsonObject[];
  readonly index: number;
  readonly call: RoutedCall;
  readonly seen: () => { readonly ours: Seen; readonly istio: Seen };
}

function isDifferent({ seen }: Asked): boolean {
  const { ours, istio } = seen();
  return !isDeepStrictEqual(ours, istio);
}

let asked = 0;

async function askBoth(envoy: RoutedEnvoy, servers: EchoServers, one: Omit<Asked, 'seen'>): Promise<Asked> {
  const { service, port } = one.call;
  const ask = async (side: Side): Promise<() => Seen> => {
    asked += 1;
    const id = String(asked);
    const headers = { ...one.call.headers, 'x-call': id };
    const answer = await envoy.ask(proxyName(side, one.index, service, port), { ...one.call, headers });
    return () => seenOf(answer, servers.arrivalsOf(id));
  };
  const [ours, istio] = [await ask('ours'), await ask('istio')];
  return { ...one, seen: () => ({ ours: ours(), istio: istio() }) };
}

/** Compares some cases in one Envoy. */
async function compare(cases: readonly Case[], servers: EchoServers): Promise<readonly Asked[]> {
  const proxies = new Map(
    cases.flatMap(({ objects, istio }, index) =>
      (
        [
          ['ours', ourProxies(meshOf(objects), called)] as const,
          ['istio', istioProxies(istio, called)] as const,
        ] as const
      ).flatMap(([side, all]) =>
        called.map(([service, port], at) => [proxyName(side, index, service, port), all[at] as Proxied] as const),
      ),
    ),
  );
  const envoy = await startRoutedEnvoy(proxies, (server) => servers.portOf(server));
  try {
    const all = cases.flatMap(({ objects, calls }, index) => calls.map((call) => ({ objects, index, call })));
    const done = await inParallel(all, 32, async (one) => askBoth(envoy, servers, one));
    // On a machine that is busy, a timeout may come too early and a copy too late.
    const alike: Asked[] = [];
    let differing: readonly Asked[] = done;
    for (let round = 0; round < 3; round += 1) {
      await until('copies', () => (differing.some(isDifferent) ? undefined : true), 500).catch(() => undefined);
      alike.push(...differing.filter((one) => !isDifferent(one)));
      differing = differing.filter(isDifferent);
      if (round < 2) differing = await inParallel(differing, 4, async (one) => askBoth(envoy, servers, one));
    }
    return [...alike, ...differing];
  } finally {
    await envoy.stop();
  }
}

test(
  `requests meet the same (seed ${fc.seed}, ${count} lists of objects)`,
  async () => {
    const sampled = fc.sample(routeObjects, { numRuns: count * 2 });
    const accepted = sampled.filter((objects) => refusalsOf(objects).length === 0).slice(0, count);
    const translated = translateRoutesLikeIstiod(accepted.map(meshOf));
    // What is accepted here is valid for Istio, too.
    expect([...new Set(translated.flatMap(({ refused }) => refused ?? []))]).toEqual([]);
    const calls = fc.sample(routedCall, { numRuns: count * callsEach });
    const cases = accepted.map((objects, index) => ({
      objects,
      istio: translated[index] ?? {},
      calls: calls.slice(index * callsEach, (index + 1) * callsEach),
    }));
    const servers = await startEchoServers([...groups.keys()], new Set(['10.1.0.21:80']));
    try {
      const results: Asked[] = [];
      for (let from = 0; from < cases.length; from += atOnce) {
        results.push(...(await compare(cases.slice(from, from + atOnce), servers)));
      }
      const shown = results.filter(isDifferent).map(({ objects, call, seen }) => ({ objects, call, ...seen() }));
      expect(shown.slice(0, 3)).toEqual([]);
      expect(results.length).toBe(count * callsEach);
      const statuses = results.map(({ seen }) => seen().istio.status);
      // Not all of it was easy: answers of applications, of proxies, and none.
      expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(results.length / 4);
      expect(statuses.filter((status) => status === 301).length).toBeGreaterThan(results.length / 200);
      expect(statuses.filter((status) => status === 404).length).toBeGreaterThan(results.length / 200);
      const texts = results.map(({ seen }) => JSON.stringify(seen().istio));
      for (const rare of ['"FI"', '"DI"', 'address of ', '"to":"10.1.0.21:80"']) {
        expect([rare, texts.filter((text) => text.includes(rare)).length > results.length / 200]).toEqual([rare, true]);
      }
    } finally {
      await servers.stop();
    }
  },
  15 * 60_000,
);
