import { expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { objectMember, objectsMember } from '../../../src/json/json.ts';
import { keyOf } from '../../../src/kubernetes/object-key.ts';
import { planService } from '../../../src/mesh/plan/service-plan.ts';
import type { Resource } from '../../../src/mesh/resources/resource.ts';
import { serviceListeners } from '../../../src/mesh/resources/service-listeners.ts';
import { serviceResources } from '../../../src/mesh/resources/service-resources.ts';
import { createEncoder } from '../../../src/mesh/wire/encoder.ts';
import { loadEnvoyTypes } from '../../../src/mesh/wire/envoy-types.ts';
import { proxyIntent } from '../../support/builders/proxy-intent.ts';
import { serviceWithEndpoints } from '../../support/mesh/random-objects.ts';
import { worldOf } from '../../support/mesh/world-events.ts';

/*
 * Whatever Services, slices and pods say, what is made of them is what Envoy accepts: each message by itself, and all of them by
 * what they refer to.
 */

const numRuns = Number(process.env['FAST_CHECK_RUNS'] ?? 1000);
const encoder = createEncoder(loadEnvoyTypes());
const domains = { cluster: 'cluster.local', trust: 'cluster.local', rootNamespace: 'istio-system' };

function namesOf(resources: readonly Resource[], kind: Resource['kind']): readonly string[] {
  return resources.filter((one) => one.kind === kind).map(({ name }) => name);
}

/** Names that follow a key anywhere in a message. */
function referredTo(resources: readonly Resource[], key: string): readonly string[] {
  return [...JSON.stringify(resources.map(({ json }) => json)).matchAll(new RegExp(`"${key}":"([^"]*)"`, 'g'))].map(
    ([, name]) => name ?? '',
  );
}

test(`what is made of Services is valid (seed ${fc.seed})`, () => {
  let made = 0;
  fc.assert(
    fc.property(serviceWithEndpoints, (objects) => {
      const [service] = objects;
      const plan = service === undefined ? undefined : planService(worldOf(objects), keyOf(service), domains);
      if (plan === undefined) return;
      const resources = serviceResources(plan);
      const listeners = serviceListeners(plan, proxyIntent());
      for (const resource of [...resources, ...listeners]) {
        made += 1;
        expect(encoder.encode(resource)).not.toHaveProperty('violations');
      }
      const clusters = namesOf(resources, 'cluster');
      expect(new Set(clusters).size).toBe(clusters.length);
      expect(referredTo(listeners, 'cluster').filter((name) => !clusters.includes(name))).toEqual([]);
      expect(
        referredTo(listeners, 'route_config_name').filter((name) => !namesOf(resources, 'routes').includes(name)),
      ).toEqual([]);
      for (const { kind, json } of resources) {
        if (kind !== 'endpoints') continue;
        const places = objectsMember(json, 'endpoints')
          .flatMap((locality) => objectsMember(locality, 'lb_endpoints'))
          .map((one) => JSON.stringify(objectMember(one, 'endpoint')));
        expect(new Set(places).size).toBe(places.length);
        const families = places.map((place) => place.includes('"address":"fd'));
        expect(new Set(families).size).toBeLessThanOrEqual(1);
      }
    }),
    { numRuns },
  );
  expect(made).toBeGreaterThan(numRuns);
});
