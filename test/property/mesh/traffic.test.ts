import { expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { stringMember } from '../../../src/json/json.ts';
import type { Resource } from '../../../src/mesh/resources/resource.ts';
import { serviceResources } from '../../../src/mesh/resources/service-resources.ts';
import { createEncoder } from '../../../src/mesh/wire/encoder.ts';
import { loadEnvoyTypes } from '../../../src/mesh/wire/envoy-types.ts';
import { servicePlan, serviceTraffic } from '../../support/mesh/random-traffic.ts';

/*
 * Whatever objects say about the calls of a Service, what is made of it passes the check of Envoy's constraints and can be
 * encoded, and what routes of a Service refer to within it is there.
 */

const numRuns = Number(process.env['FAST_CHECK_RUNS'] ?? 1000);
const encoder = createEncoder(loadEnvoyTypes());
const pay = { addresses: ['10.96.0.6', 'fd96::6'], isHeadless: false, hasAffinity: true };

function namesOf(resources: readonly Resource[], kind: Resource['kind']): readonly string[] {
  return resources.filter((one) => one.kind === kind).map(({ name }) => name);
}

test(`what is made of routes, policies and subsets is valid (seed ${fc.seed})`, () => {
  let routes = 0;
  fc.assert(
    fc.property(servicePlan, serviceTraffic, (plan, traffic) => {
      const resources = serviceResources(plan, traffic, { serviceAt: () => pay });
      for (const resource of resources) expect(encoder.encode(resource)).not.toHaveProperty('violations');
      const clusters = namesOf(resources, 'cluster');
      expect(new Set(clusters).size).toBe(clusters.length);
      const discovered = resources.filter(
        ({ kind, json }) => kind === 'cluster' && stringMember(json, 'type') === 'EDS',
      );
      expect(namesOf(resources, 'endpoints')).toEqual(discovered.map(({ name }) => name));
      const subsets = new Set(traffic.subsets.map(({ name }) => name));
      for (const { kind, json } of resources) {
        if (kind !== 'routes') continue;
        routes += 1;
        // Translation has seen to it that a subset exists.
        const missing = [...JSON.stringify(json).matchAll(/"(outbound\|\d+\|(v\d)?[^|]*\|cart\.[^"]*)"/g)].filter(
          ([, name = '', subset]) => !clusters.includes(name) && (subset === undefined || subsets.has(subset)),
        );
        expect(missing.map(([, name]) => name)).toEqual([]);
      }
    }),
    { numRuns },
  );
  expect(routes).toBeGreaterThan(numRuns);
});
