import { expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { byKey, type JsonObject } from '../../../src/json/json.ts';
import { planService } from '../../../src/mesh/plan/service-plan.ts';
import { serviceResources } from '../../../src/mesh/resources/service-resources.ts';
import type { TrafficKind } from '../../../src/mesh/rules/object-ref.ts';
import { eventOf } from '../../support/mesh/world-events.ts';
import type { RuleEvent } from '../../../src/mesh/world/rule-changes.ts';
import { applyEvents, emptyWorld, type World, type WorldEvent } from '../../../src/mesh/world/world.ts';
import { injectedParts } from '../../support/mesh/injected-parts.ts';

/*
 * Whatever happens in whatever order, the world is that of its objects alone, and what was planned anew for what was touched is
 * all that differs.
 */

type Change = { readonly object: JsonObject; readonly isSet: boolean } | RuleEvent;

const ruleKinds = ['VirtualService', 'DestinationRule', 'HTTPRoute', 'GRPCRoute', 'ReferenceGrant'] as const;

const name = fc.constantFrom('a', 'b', 'c');
const address = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3');

const service: fc.Arbitrary<JsonObject> = fc
  .record({
    name,
    namespace: fc.constantFrom('shop', 'shop', 'pay'),
    ip: fc.constantFrom('10.96.0.1', '10.96.0.2', 'None'),
    port: fc.constantFrom(80, 81),
    unready: fc.boolean(),
  })
  .map((one) => ({
    kind: 'Service',
    metadata: { namespace: one.namespace, name: one.name },
    spec: { clusterIP: one.ip, ports: [{ port: one.port, name: 'http' }], publishNotReadyAddresses: one.unready },
  }));

const slice: fc.Arbitrary<JsonObject> = fc
  .record({
    id: fc.constantFrom('1', '2', '3'),
    name,
    endpoints: fc.array(
      fc.record({ address, pod: fc.option(name, { nil: undefined }), ready: fc.boolean(), terminating: fc.boolean() }),
      {
        maxLength: 3,
      },
    ),
  })
  .map((one) => ({
    kind: 'EndpointSlice',
    metadata: { namespace: 'shop', name: `slice-${one.id}`, labels: { 'kubernetes.io/service-name': one.name } },
    ports: [{ name: 'http', port: 8080 }],
    endpoints: one.endpoints.map((endpoint) => ({
      addresses: [endpoint.address],
      conditions: { ready: endpoint.ready, terminating: endpoint.terminating },
      ...(endpoint.pod !== undefined && { targetRef: { kind: 'Pod', name: endpoint.pod } }),
    })),
  }));

const pod: fc.Arbitrary<JsonObject> = fc
  .record({
    name,
    ip: address,
    mesh: fc.boolean(),
    account: fc.constantFrom('x', 'y'),
    phase: fc.constantFrom('Running', 'Succeeded'),
  })
  .map((one) => ({
    kind: 'Pod',
    metadata: {
      namespace: 'shop',
      name: one.name,
      uid: one.name,
      labels: one.mesh ? { 'security.istio.io/tlsMode': 'istio' } : {},
    },
    spec: {
      serviceAccountName: one.account,
      ...(one.mesh ? injectedParts() : { containers: [] }),
    },
    status: { phase: one.phase, podIPs: [{ ip: one.ip }] },
  }));

const host = fc.constantFrom(
  'a',
  'B',
  'c',
  'a.shop.svc.cluster.local',
  'b.pay.svc.cluster.local',
  '*.pay.svc.cluster.local',
  '*.svc.cluster.local',
  '*',
  'example.com',
);
const namespace = fc.constantFrom('shop', 'pay');
const ref = fc.record({ namespace: fc.constantFrom('shop', 'pay', undefined), name });

const specs = {
  VirtualService: fc
    .record({ hosts: fc.array(host, { minLength: 1, maxLength: 2 }), to: host, mirror: host })
    .map(({ hosts, to, mirror }) => ({
      hosts,
      http: [{ route: [{ destination: { host: to } }], mirror: { host: mirror } }],
    })),
  DestinationRule: fc.record({ host }),
  HTTPRoute: fc.record({ parent: ref, to: ref }).map(({ parent, to }) => ({
    parentRefs: [{ group: '', kind: 'Service', ...parent }],
    rules: [{ backendRefs: [to] }],
  })),
  GRPCRoute: fc.record({ parent: ref, to: ref }).map(({ parent, to }) => ({
    parentRefs: [{ group: '', kind: 'Service', ...parent }],
    rules: [{ filters: [{ requestMirror: { backendRef: to } }] }],
  })),
  ReferenceGrant: fc.record({ from: fc.constant([]), to: fc.constant([]), word: fc.nat(2) }),
} as const;

const rule: fc.Arbitrary<RuleEvent> = fc
  .constantFrom(...(Object.keys(specs) as TrafficKind[]))
  .chain((kind) =>
    fc.record({
      namespace,
      name,
      uid: fc.constantFrom('1', '2'),
      spec: fc.option(specs[kind] as fc.Arbitrary<object>, { nil: undefined, freq: 3 }),
      isSet: fc.boolean(),
      generation: fc.nat(9),
      kind: fc.constant(kind),
    }),
  )
  .map(({ isSet, spec, ...one }) => {
    const value = isSet ? { ref: { ...one, createdMs: 0 }, spec, findings: [] } : undefined;
    return { kind: one.kind, key: `${one.namespace}/${one.name}`, value } as RuleEvent;
  });

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ object: fc.oneof(service, slice, pod), isSet: fc.boolean() }),
  rule,
);

/** What must happen to come to the same world: the last word on each object, and before it the last that can be read. */
function summary(history: readonly Change[]): readonly WorldEvent[] {
  const events = history.map(toEvent);
  const last = new Map(events.map((event) => [`${event.kind} ${event.key}`, event]));
  return [...last].flatMap(([id, event]) => {
    if (!isRule(event) || event.value === undefined || event.value.spec !== undefined) return [event];
    const earlier = events.filter((one): one is RuleEvent => isRule(one) && `${one.kind} ${one.key}` === id);
    const sinceChange = earlier.findLastIndex(({ value }) => value?.ref.uid !== event.value?.ref.uid);
    const good = earlier.slice(sinceChange + 1).findLast(({ value }) => value?.spec !== undefined);
    return good === undefined ? [event] : [good, event];
  });
}

const isRule = (event: WorldEvent): event is RuleEvent => event.kind in specs;

const toEvent = (one: Change): WorldEvent => ('object' in one ? eventOf(one.object, one.isSet) : one);

/** All that may decide on the calls of a Service, as a text. */
function trafficOf({ rules, service: services }: World, key: string): unknown {
  const own = key.slice(0, key.indexOf('/'));
  const hostOf = (of: string): string => `${of.split('/')[1]}.${of.split('/')[0]}.svc.cluster.local`;
  const complete = (one: string, from: string): string =>
    one === '*' || one.includes('.') ? one : `${one}.${from}.svc.cluster.local`.toLowerCase();
  const fits = (pattern: string, name: string): boolean =>
    pattern.startsWith('*') ? name.endsWith(pattern.slice(1)) : pattern === name;
  // Which of them came first decides nothing: their times and names do.
  const inOrder = (some: readonly unknown[]): readonly unknown[] => some.map((one) => JSON.stringify(one)).toSorted();
  const destinationRules = (name: string): unknown =>
    inOrder(
      [...rules.DestinationRule.values()].filter(
        ({ ref: { namespace: from }, spec }) => spec !== undefined && fits(complete(spec.host, from), name),
      ),
    );
  const about = (name: string): unknown => {
    const service = [...services.values()].find((one) => hostOf(one.key) === name);
    return service === undefined ? 'missing' : [service, destinationRules(name)];
  };
  const virtual = [...rules.VirtualService.values()].flatMap(({ ref: { namespace: from }, spec }) => {
    if (spec?.hosts.some((one) => fits(complete(one, from), hostOf(key))) !== true) return [];
    const to = (
      spec as unknown as { http: { route: { destination: { host: string } }[]; mirror: { host: string } }[] }
    ).http.flatMap(({ route, mirror }) => [...route.map(({ destination }) => destination.host), mirror.host]);
    return [[spec, to.map((one) => about(complete(one, from)))]];
  });
  const routes = [...rules.HTTPRoute.values(), ...rules.GRPCRoute.values()].flatMap(
    ({ ref: { namespace: from }, spec }) => {
      if (spec?.parentRefs.some((one) => `${one.namespace ?? from}/${one.name}` === key) !== true) return [];
      const text = JSON.stringify(spec);
      const to = [...text.matchAll(/(?:backendRefs":\[|backendRef":)(\{[^}]*\})/g)].map(
        ([, json = '']) => JSON.parse(json) as { namespace?: string; name: string },
      );
      return [
        [
          spec,
          to.map((one) => about(hostOf(`${one.namespace ?? from}/${one.name}`))),
          to.map((one) =>
            inOrder(
              [...rules.ReferenceGrant].filter(
                ([grant]) => from !== one.namespace && grant.startsWith(`${one.namespace}/`),
              ),
            ),
          ),
        ],
      ];
    },
  );
  return JSON.parse(JSON.stringify([own, inOrder(virtual), inOrder(routes), destinationRules(hostOf(key))]));
}

const domains = { cluster: 'cluster.local', trust: 'cluster.local', rootNamespace: 'istio-system' };

function resourcesOf(world: World, key: string) {
  const plan = planService(world, key, domains);
  return plan === undefined ? [] : serviceResources(plan);
}

function sorted(sets: ReadonlyMap<string, ReadonlySet<string>>) {
  return Object.fromEntries([...sets].toSorted(byKey).map(([key, items]) => [key, [...items].toSorted()]));
}

const numRuns = Number(process.env['FAST_CHECK_RUNS'] ?? 1000);

test(`a history leads to the same world as its last objects (seed ${fc.seed})`, () => {
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 12 }), (history) => {
      const planned = new Map<string, unknown>();
      const decided = new Map<string, unknown>();
      let world = emptyWorld;
      for (const portion of history) {
        const { world: next, touched } = applyEvents(world, portion.map(toEvent));
        world = next;
        for (const key of [...touched.services, ...touched.endpoints]) planned.set(key, resourcesOf(world, key));
        for (const key of [...touched.services, ...touched.traffic]) decided.set(key, trafficOf(world, key));
      }
      const { world: rebuilt } = applyEvents(emptyWorld, summary(history.flat()));
      for (const kind of ['service', 'slice', 'pod'] as const) {
        expect(Object.fromEntries(world[kind])).toEqual(Object.fromEntries(rebuilt[kind]));
      }
      for (const kind of ruleKinds) {
        expect(Object.fromEntries(world.rules[kind])).toEqual(Object.fromEntries(rebuilt.rules[kind]));
      }
      for (const index of ['slicesOfService', 'slicesOfPod', 'podsOfAddress', 'rulesOfBackend'] as const) {
        expect(sorted(world[index])).toEqual(sorted(rebuilt[index]));
      }
      for (const key of ['shop/a', 'shop/b', 'shop/c', 'pay/a', 'pay/b']) {
        expect(planned.get(key) ?? []).toEqual(resourcesOf(rebuilt, key));
        if (rebuilt.service.has(key)) expect(decided.get(key)).toEqual(trafficOf(rebuilt, key));
      }
    }),
    { numRuns },
  );
});

test('a world that was there before is not changed', () => {
  const { world } = applyEvents(emptyWorld, [
    eventOf({ kind: 'Service', metadata: { namespace: 'shop', name: 'a' } }, true),
  ]);
  const before = structuredClone(Object.fromEntries(world.service));
  applyEvents(world, [{ kind: 'service', key: 'shop/a', value: undefined }]);
  expect(Object.fromEntries(world.service)).toEqual(before);
});
