import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments, stringify } from 'yaml';
import { createEncoder } from '../../../src/mesh/wire/encoder.ts';
import { loadEnvoyTypes } from '../../../src/mesh/wire/envoy-types.ts';
import { resourcesOfObjects } from '../../support/mesh/resources-of-objects.ts';

// Every `NAME.input.yaml` has a `NAME.output.yaml` that people have read. UPDATE_GOLDEN=1 writes them anew.
const folder = import.meta.dirname;
const inputs = readdirSync(folder).filter((name) => name.endsWith('.input.yaml'));
const encoder = createEncoder(loadEnvoyTypes());

describe('what proxies get for a cluster’s objects', () => {
  test.each(inputs)('%s', (name) => {
    const resources = resourcesOfObjects(readFileSync(path.join(folder, name), 'utf8'));
    for (const resource of resources) expect(encoder.encode(resource)).not.toHaveProperty('violations');
    const golden = path.join(folder, name.replace('.input.', '.output.'));
    const documents = resources.map(({ kind, json }) => ({ [kind]: json }));
    if (process.env['UPDATE_GOLDEN'] === '1') {
      const text = documents.map((one) => stringify(one, { aliasDuplicateObjects: false })).join('---\n');
      writeFileSync(golden, text);
    }
    expect(documents).toEqual(parseAllDocuments(readFileSync(golden, 'utf8')).map((one) => one.toJS() as unknown));
  });
});
