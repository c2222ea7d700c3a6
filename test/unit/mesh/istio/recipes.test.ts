import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { root } from '../../../../scripts/checkout.ts';
import type { JsonObject } from '../../../../src/json/json.ts';
import { analyze } from '../../../../src/mesh/report/analysis.ts';
import { worldOfObjects } from '../../../../src/mesh/report/world-of-objects.ts';

// The rules of docs/traffic.md mean something to Services of their names, and their author need not be told anything.

const page = readFileSync(path.join(root, 'docs/traffic.md'), 'utf8');
const rules = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => parse(text) as JsonObject);
const domains = { cluster: 'cluster.local', trust: 'cluster.local', rootNamespace: 'istio-system' };

function service(name: string): JsonObject {
  const spec = { clusterIP: '10.96.0.1', ports: [{ name: 'http', port: 80 }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec };
}

test('nothing is to be said of the rules of the recipes', () => {
  expect(rules.map(({ kind }) => kind)).toEqual(['VirtualService', 'DestinationRule', 'DestinationRule']);
  const objects = [...['payments', 'cart', 'orders'].map(service), ...rules];
  expect(analyze(worldOfObjects(objects, 'shop'), domains)).toEqual([]);
  // Without the Services there would be something to say.
  expect(analyze(worldOfObjects(rules, 'shop'), domains)).toHaveLength(3);
});
