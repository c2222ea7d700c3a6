import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, jest, test } from '@jest/globals';
import type { Resource } from '../../src/mesh/resources/resource.ts';
import { serviceResources } from '../../src/mesh/resources/service-resources.ts';
import * as fc from '../support/fast-check.ts';
import { servicePlan, serviceTraffic } from '../support/mesh/random-traffic.ts';
import { destinationRule, virtualService } from '../support/mesh/istio-objects.ts';
import { destinationRules, routes } from '../support/mesh/random-istio.ts';
import { resourcesOfObjects } from '../support/mesh/resources-of-objects.ts';
import { validateResources } from '../support/mesh/resource-validation.ts';

jest.setTimeout(60_000);

test(`Envoy takes what is made of random routes and policies (seed ${fc.seed})`, () => {
  const samples = fc.sample(fc.tuple(servicePlan, serviceTraffic), { numRuns: 100 });
  const resources = samples.flatMap(([plan, traffic], index): readonly Resource[] =>
    serviceResources(plan, traffic).map((one) => {
      // Names are unique within one configuration.
      const { json } = one;
      const name = `${index} ${one.name}`;
      return { ...one, name, json: { ...json, name } };
    }),
  );
  expect(resources.filter(({ kind }) => kind === 'routes').length).toBeGreaterThan(50);
  expect(validateResources(resources)).toBe('');
});

function service(name: string): object {
  const ports = [80, 81].map((port) => ({ name: `http-${port}`, port }));
  const spec = { clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'], ports };
  return { kind: 'Service', metadata: { namespace: 'shop', name, uid: name }, spec };
}

test(`Envoy takes what is made of random VirtualServices and DestinationRules (seed ${fc.seed})`, () => {
  const samples = fc.sample(fc.tuple(routes, destinationRules), { numRuns: 60 });
  const resources = samples.flatMap(([http, rule], index) => {
    const objects = [service('reviews'), service('ratings'), virtualService(http), destinationRule(rule)];
    return resourcesOfObjects(objects.map((one) => JSON.stringify(one)).join('\n---\n')).map((one) => {
      const name = `${index} ${one.name}`;
      return { ...one, name, json: { ...one.json, name } };
    });
  });
  const translated = resources.filter(({ kind, json }) => kind === 'routes' && JSON.stringify(json).includes('"r0'));
  expect(translated.length).toBeGreaterThan(10);
  expect(validateResources(resources)).toBe('');
});

const golden = path.join(import.meta.dirname, '../golden/mesh');

test.each(readdirSync(golden).filter((name) => name.endsWith('.input.yaml')))(
  'Envoy takes what is made of %s',
  (name) => {
    expect(validateResources(resourcesOfObjects(readFileSync(path.join(golden, name), 'utf8')))).toBe('');
  },
);
