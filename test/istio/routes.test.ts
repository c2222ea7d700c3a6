import { expect, test } from '@jest/globals';
import { objectMember, objectsMember, stringMember, type JsonObject } from '../../src/json/json.ts';
import { clientResources } from '../../src/mesh/explain/client-resources.ts';
import { ruleKinds } from '../../src/mesh/rules/rule-kinds.ts';
import type { Resource } from '../../src/mesh/resources/resource.ts';
import * as fc from '../support/fast-check.ts';
import { startEchoServers, type Arrival, type EchoServers } from '../support/istio/echo-servers.ts';
import { routedCall, routeObjects, services, type RoutedCall } from '../support/istio/random-routes.ts';
import { startRoutedEnvoy, type Answer, type Proxied, type RoutedEnvoy } from '../support/istio/routed-envoy.ts';
import { translateRoutesLikeIstiod, type IstioResources } from '../support/istio/routes.ts';
import { clientOf, knownOf } from '../support/mesh/explained.ts';

/*
 * Random rules, translated by istiod's own translator (its Go module, in a program of ours) and here, both in real Envoys with the same servers behind them: a
 * request is answered alike, and the same arrives.
 */

const count = Number(process.env['FAST_CHECK_RUNS'] ?? 300);
const callsEach = 20;
const atOnce = 50;
const client = { namespace: 'shop', labels: { app: 'web' } };

function refusalsOf(objects: readonly JsonObject[]): readonly string[] {
  return objects
    .flatMap((one) => ruleKinds[one['kind'] as 'VirtualService'].read(one).findings)
    .filter(({ effect }) => effect === 'refused')
    .map(({ field, sentence }) => `${field}: ${sentence}`);
}

function clusterObjects(): readonly JsonObject[] {
  return services.flatMap(({ name, namespace, address, ports, endpoints }) => [
    {
      kind: 'Service',
      metadata: { name, namespace, uid: name },
      spec: {
        clusterIP: address,
        clusterIPs: [address],
        ports: ports.map((port) => ({ name: `http-${port}`, port })),
      },
    },
    {
      kind: 'EndpointSlice',
      addressType: 'IPv4',
      metadata: { name, namespace, uid: `slice-${name}`, labels: { 'kubernetes.io/service-name': name } },
      ports: ports.map((port) => ({ name: `http-${port}`, port, protocol: 'TCP' })),
      endpoints: endpoints.map((one) => ({
        addresses: [one.address],
        conditions: { ready: true },
        targetRef: { kind: 'Pod', namespace, name: one.address },
      })),
    },
    ...endpoints.map((one) => ({
      kind: 'Pod',
      metadata: { name: one.address, namespace, uid: one.address, labels: one.labels },
      spec: {},
      status: { podIPs: [{ ip: one.address }] },
    })),
  ]);
}

const called = [
  ['reviews', 80],
  ['reviews', 81],
  ['ratings', 80],
] as const;

function managersOf(listener: JsonObject | undefined): readonly JsonObject[] {
  return objectsMember(listener, 'filter_chains')
    .flatMap((chain) => objectsMember(chain, 'filters'))
    .filter((filter) =>
      (stringMember(objectMember(filter, 'typed_config'), '@type') ?? '').endsWith('HttpConnectionManager'),
    );
}

function ours(objects: readonly JsonObject[]): readonly Proxied[] {
  const known = knownOf([...clusterObjects(), ...objects]);
  const resources = clientResources(known, clientOf(known, client.namespace, client.labels));
  const of = (kind: Resource['kind']): readonly JsonObject[] =>
    resources.filter((one) => one.kind === kind).map(({ json }) => json);
  return called.map(([name, port]) => {
    const address = services.find((one) => one.name === name)?.address ?? '';
    const listener = of('listener').find((one) => one['name'] === `${address}_${port}`);
    const routes = of('routes').find((one) => one['name'] === `outbound|${port}||${name}.shop.svc.cluster.local`);
    return {
      manager: managersOf(listener)[0] ?? {},
      routes: routes ?? {},
      clusters: of('cluster'),
      endpoints: of('endpoints'),
    };
  });
}

function istios({ listeners = [], routes = [], clusters = [], endpoints = [] }: IstioResources): readonly Proxied[] {
  return called.map(([, port]) => ({
    manager: managersOf(listeners.find((one) => one['name'] === `0.0.0.0_${port}`))[0] ?? {},
    routes: routes.find((one) => one['name'] === String(port)) ?? {},
    clusters,
    endpoints,
  }));
}

type Side = 'ours' | 'istio';

function proxyName(side: Side, index: number, service: string, port: number): string {
  return `${side}-${index}-${service}-${port}`;
}

/** What is each proxy's own affair: identifiers, addresses and times, and what tells the mesh about its peers. */
const ownHeaders =
  /^(?:x-envoy-.*|x-request-id|x-b3-.*|traceparent|date|server|proxy-status|connection|keep-alive|transfer-encoding|content-length|x-call)$/;

function comparable(headers: Readonly<Record<string, readonly string[]>>): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !ownHeaders.test(name))
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );
}

const groups = new Map(
  services.flatMap(({ name, ports, endpoints }) =>
    endpoints.flatMap(({ address }) =>
      ports.map((port) => [`${address}:${port}` as string, `${name} ${port}`] as const),
    ),
  ),
);

interface Seen {
  readonly status: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
  readonly arrivals: readonly object[];
}

/** The first try goes to the endpoint that the hash picks, and others to another one, or, with Istio, to the same. */
function arrivalOf({ server, method, path, headers }: Arrival): object {
  const { 'x-forwarded-proto': proto, ...rest } = comparable(headers);
  // Istio's proxies add it to a request that comes without it.
  const own = headers['x-has-proto'] === undefined ? {} : { proto };
  // Of several destinations with a hash, Istio's proxies find another endpoint by luck.
  const to = headers['x-fail'] === undefined ? server : groups.get(server);
  return { to, method, path, headers: { ...rest, ...own } };
}

function seenOf({ status, headers, body }: Answer, arrivals: readonly Arrival[]): Seen {
  const { 'x-server': _, location, ...rest } = comparable(headers);
  return {
    status,
    // A default port may be left out.
    headers: location === undefined ? rest : { ...rest, location: location.map((one) => new URL(one).href) },
    body,
    arrivals: arrivals.map(arrivalOf).toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1)),
  };
}

let calls = 0;

async function ask(
  envoy: RoutedEnvoy,
  servers: EchoServers,
  side: Side,
  index: number,
  call: RoutedCall,
): Promise<Seen> {
  calls += 1;
  const id = String(calls);
  const { service, port } = call;
  const answer = await envoy.ask(proxyName(side, index, service, port), {
    ...call,
    headers: { ...call.headers, 'x-call': id },
  });
  // Copies arrive when they like.
  if (answer.status !== 0) await new Promise((resolve) => void setTimeout(resolve, 30));
  return seenOf(answer, servers.arrivalsOf(id));
}

async function inParallel<T, R>(all: readonly T[], most: number, run: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < all.length) {
      const at = next;
      next += 1;
      results[at] = await run(all[at] as T);
    }
  };
  await Promise.all(Array.from({ length: most }, work));
  return results;
}

interface Case {
  readonly objects: readonly JsonObject[];
  readonly istio: IstioResources;
  readonly calls: readonly RoutedCall[];
}

/** Compares some cases in one Envoy. */
async function compare(cases: readonly Case[], servers: EchoServers) {
  const proxies = new Map(
    cases.flatMap(({ objects, istio }, index) =>
      [['ours', ours(objects)] as const, ['istio', istios(istio)] as const].flatMap(([side, all]) =>
        called.map(([service, port], at) => [proxyName(side, index, service, port), all[at] as Proxied] as const),
      ),
    ),
  );
  const envoy = await startRoutedEnvoy(proxies, servers.portOf);
  try {
    const all = cases.flatMap((one, index) => one.calls.map((call) => ({ one, index, call })));
    return await inParallel(all, 32, async ({ one, index, call }) => {
      let [mine, theirs] = [
        await ask(envoy, servers, 'ours', index, call),
        await ask(envoy, servers, 'istio', index, call),
      ];
      // On a machine that is busy, a timeout may come too early and a copy too late.
      for (let again = 0; again < 2 && JSON.stringify(mine) !== JSON.stringify(theirs); again += 1) {
        [mine, theirs] = [
          await ask(envoy, servers, 'ours', index, call),
          await ask(envoy, servers, 'istio', index, call),
        ];
      }
      return { objects: one.objects, call, ours: mine, istio: theirs };
    });
  } finally {
    await envoy.stop();
  }
}

test(
  `requests meet the same (seed ${fc.seed}, ${count} lists of objects)`,
  async () => {
    const sampled = fc.sample(routeObjects, { numRuns: count * 3 });
    const accepted = sampled.filter((objects) => refusalsOf(objects).length === 0).slice(0, count);
    const translated = translateRoutesLikeIstiod(accepted.map((objects) => ({ services, objects, ...client })));
    const calls = fc.sample(routedCall, { numRuns: count * callsEach });
    const cases = accepted.map((objects, index): Case => ({
      objects,
      istio: translated[index] ?? {},
      calls: calls.slice(index * callsEach, (index + 1) * callsEach),
    }));
    if (process.env['DEBUG_ROUTES']) {
      console.log(
        accepted.length,
        new Map(Object.entries(Object.groupBy(sampled.flatMap(refusalsOf), (x) => x)).map(([k, v]) => [k, v?.length])),
        new Map(
          Object.entries(
            Object.groupBy(
              cases.map((c) => String(c.istio.refused)),
              (x) => x,
            ),
          ).map(([k, v]) => [k, v?.length]),
        ),
      );
    }
    const servers = await startEchoServers([...groups.keys()], new Set(['10.1.0.21:80']));
    try {
      const results = [];
      const valid = cases.filter(({ istio }) => istio.refused === undefined);
      for (let from = 0; from < valid.length; from += atOnce) {
        if (process.env['DEBUG_ROUTES']) console.log(from, Date.now());
        results.push(...(await compare(valid.slice(from, from + atOnce), servers)));
      }
      const differing = results.filter((one) => JSON.stringify(one.ours) !== JSON.stringify(one.istio));
      console.log(results.length, differing.length);
      if (process.env['DEBUG_ROUTES'])
        (await import('node:fs')).writeFileSync(process.env['DEBUG_ROUTES'], JSON.stringify(differing));
      expect(differing.slice(0, 3)).toEqual([]);
    } finally {
      await servers.stop();
    }
  },
  15 * 60_000,
);
