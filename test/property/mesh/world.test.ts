import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { byKey, type JsonObject } from '../../../src/json/json.ts';
import { planService } from '../../../src/mesh/plan/service-plan.ts';
import { serviceResources } from '../../../src/mesh/resources/service-resources.ts';
import { keyOf } from '../../../src/kubernetes/object-key.ts';
import { eventOf, worldOf } from '../../support/mesh/world-events.ts';
import { applyEvents, emptyWorld, type World } from '../../../src/mesh/world/world.ts';
import { injectedParts } from '../../support/mesh/injected-parts.ts';

/*
 * Whatever happens in whatever order, the world is that of its objects alone, and what was planned anew for what was touched is
 * all that differs.
 */

type Change = { readonly object: JsonObject; readonly isSet: boolean };

const name = fc.constantFrom('a', 'b', 'c');
const address = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3');

const service: fc.Arbitrary<JsonObject> = fc
  .record({
    name,
    ip: fc.constantFrom('10.96.0.1', '10.96.0.2', 'None'),
    port: fc.constantFrom(80, 81),
    unready: fc.boolean(),
  })
  .map((one) => ({
    kind: 'Service',
    metadata: { namespace: 'shop', name: one.name },
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

const change: fc.Arbitrary<Change> = fc.record({ object: fc.oneof(service, slice, pod), isSet: fc.boolean() });

const domains = { cluster: 'cluster.local', trust: 'cluster.local' };

function resourcesOf(world: World, key: string) {
  const plan = planService(world, key, domains);
  return plan === undefined ? [] : serviceResources(plan);
}

function sorted(sets: ReadonlyMap<string, ReadonlySet<string>>) {
  return Object.fromEntries([...sets].toSorted(byKey).map(([key, items]) => [key, [...items].toSorted()]));
}

const seed = Number(process.env['FAST_CHECK_SEED'] ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env['FAST_CHECK_RUNS'] ?? 1000);

test(`a history leads to the same world as its last objects (seed ${seed})`, () => {
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 12 }), (history) => {
      const last = new Map<string, Change>();
      const planned = new Map<string, unknown>();
      let world = emptyWorld;
      for (const portion of history) {
        for (const one of portion) last.set(`${one.object['kind'] as string} ${keyOf(one.object)}`, one);
        const { world: next, touched } = applyEvents(
          world,
          portion.map((one) => eventOf(one.object, one.isSet)),
        );
        world = next;
        for (const key of [...touched.services, ...touched.endpoints]) planned.set(key, resourcesOf(world, key));
      }
      const rebuilt = worldOf([...last.values()].flatMap(({ object, isSet }) => (isSet ? [object] : [])));
      for (const kind of ['service', 'slice', 'pod'] as const) {
        expect(Object.fromEntries(world[kind])).toEqual(Object.fromEntries(rebuilt[kind]));
      }
      for (const index of ['slicesOfService', 'slicesOfPod', 'podsOfAddress'] as const) {
        expect(sorted(world[index])).toEqual(sorted(rebuilt[index]));
      }
      for (const key of ['shop/a', 'shop/b', 'shop/c']) {
        expect(planned.get(key) ?? []).toEqual(resourcesOf(rebuilt, key));
      }
    }),
    { numRuns, seed },
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
