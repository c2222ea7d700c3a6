import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { rowsOfKind } from '../../../scripts/docs/mesh-fields.ts';
import { meshCrdsFile, renderMeshCrds } from '../../../scripts/manifests/mesh-crds.ts';
import { root } from '../../../scripts/checkout.ts';
import { isObject, type JsonObject } from '../../../src/json/json.ts';
import { destinationRuleSpec } from '../../../src/mesh/rules/destination-rule.ts';
import { virtualServiceSpec } from '../../../src/mesh/rules/virtual-service.ts';

interface Definition {
  readonly spec: {
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly storage: boolean;
      readonly schema: { readonly openAPIV3Schema: { readonly properties: { readonly spec: JsonObject } } };
    }[];
  };
}

test('deploy/mesh-crds.yaml is what `make manifests` writes', async () => {
  expect(await readFile(path.join(root, meshCrdsFile), 'utf8')).toBe(renderMeshCrds());
});

const definitions = parseAllDocuments(renderMeshCrds()).map((document) => document.toJS() as Definition);

/** What a schema says of a path such as `spec.http[].match`; undefined if it has no such field. */
function fieldAt(schema: JsonObject, path: string): JsonObject | undefined {
  const steps = path.split(/\.|(?=\[\])/).slice(1);
  return steps.reduce<JsonObject | undefined>((node, step) => {
    if (node === undefined) return undefined;
    const next =
      step === '[]'
        ? node['items']
        : step === '*'
          ? node['additionalProperties']
          : (node['properties'] as JsonObject | undefined)?.[step];
    return isObject(next) ? next : undefined;
  }, schema);
}

describe.each([
  ['VirtualService', virtualServiceSpec],
  ['DestinationRule', destinationRuleSpec],
] as const)('%s', (kind, schema) => {
  const versions = definitions.find(({ spec }) => spec.names.kind === kind)?.spec.versions ?? [];

  test('has all versions, and v1 is stored', () => {
    expect(versions.map(({ name, served, storage }) => [name, served, storage])).toEqual([
      ['v1', true, true],
      ['v1beta1', true, false],
      ['v1alpha3', true, false],
    ]);
  });

  test('has the fields that are supported, each with a type, and no others', () => {
    const rows = rowsOfKind(schema);
    for (const version of versions) {
      const spec = version.schema.openAPIV3Schema.properties.spec;
      const missing = rows.filter(
        ({ path: at, refused }) => (fieldAt(spec, at)?.['type'] === undefined) !== (refused !== undefined),
      );
      expect(missing).toEqual([]);
    }
    expect(rows.filter(({ refused }) => refused !== undefined).length).toBeGreaterThan(3);
  });
});
