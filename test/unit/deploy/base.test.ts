import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { objectMember, objectsMember, stringMember, type JsonObject } from '../../../src/json/json.ts';
import { findObject, readInstallManifest } from '../../support/cluster/install-manifest.ts';

const base = path.resolve(import.meta.dirname, '../../../deploy/base');

function documentsOf(file: string): JsonObject[] {
  return parseAllDocuments(readFileSync(path.join(base, file), 'utf8')).map(
    (document) => document.toJS() as JsonObject,
  );
}

const install = await readInstallManifest();
const [kustomization = {}] = documentsOf('kustomization.yaml');
const shared = objectMember(objectsMember(kustomization, 'labels')[0], 'pairs') ?? {};

/** The object without what kustomize adds to it: labels, namespace and the image's tag. */
function asWritten(object: JsonObject): unknown {
  const text = JSON.stringify(object)
    .replaceAll(/"image":"(sidecar-injector):[^"]*"/g, '"image":"$1"')
    .replaceAll(`,"namespace":${JSON.stringify(kustomization['namespace'])}`, '');
  const { metadata, ...rest } = JSON.parse(text) as JsonObject & { readonly metadata: JsonObject };
  const { labels = {}, ...others } = metadata;
  const own = Object.entries(labels as JsonObject).filter(([key]) => !Object.hasOwn(shared, key));
  return { ...rest, metadata: { ...others, ...(own.length > 0 && { labels: Object.fromEntries(own) }) } };
}

describe('deploy/install.yaml is what deploy/base says (make manifests)', () => {
  const resources = kustomization['resources'] as readonly string[];

  test('with every manifest of the folder', () => {
    const manifests = readdirSync(base).filter((file) => !['kustomization.yaml', 'settings.yaml'].includes(file));
    expect(resources.filter((resource) => resource !== '../sidecars').toSorted()).toEqual(manifests.toSorted());
  });

  test.each(resources.filter((resource) => resource !== '../sidecars'))('%s', (file) => {
    for (const object of documentsOf(file)) {
      const name = stringMember(objectMember(object, 'metadata'), 'name') ?? '';
      const installed = findObject(install, stringMember(object, 'kind') ?? '', name);
      expect(asWritten(installed)).toEqual(asWritten(object));
    }
  });
});
