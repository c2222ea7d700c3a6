import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, jest, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { Resource } from '../../src/mesh/resources/resource.ts';
import { serviceResources } from '../../src/mesh/resources/service-resources.ts';
import { servicePlan, serviceTraffic } from '../support/mesh/random-traffic.ts';
import { resourcesOfObjects } from '../support/mesh/resources-of-objects.ts';
import { validateResources } from '../support/mesh/resource-validation.ts';

jest.setTimeout(60_000);

const seed = Number(process.env['FAST_CHECK_SEED'] ?? Date.now() % 2 ** 31);

test(`Envoy takes what is made of random routes and policies (seed ${seed})`, () => {
  const samples = fc.sample(fc.tuple(servicePlan, serviceTraffic), { numRuns: 100, seed });
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

const golden = path.join(import.meta.dirname, '../golden/mesh');

test.each(readdirSync(golden).filter((name) => name.endsWith('.input.yaml')))(
  'Envoy takes what is made of %s',
  (name) => {
    expect(validateResources(resourcesOfObjects(readFileSync(path.join(golden, name), 'utf8')))).toBe('');
  },
);
