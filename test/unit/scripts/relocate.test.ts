import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { root } from '../../../scripts/checkout.ts';
import { renameFor } from '../../../scripts/release/manifests.ts';
import { defaultImages, imagesOf, pathInRegistry, relocateManifests } from '../../../scripts/release/relocate.ts';
import { readSettings } from '../../../src/settings/document.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const digests = new Map([
  ['sidecar-injector', digest],
  ['sidecar-injector-init', digest],
]);
const readDeploy = (name: string) => readFile(path.join(root, 'deploy', name), 'utf8');

test.each([
  ['nginx:1.29-alpine', 'nginx:1.29-alpine'],
  ['fluent/fluent-bit:4.1.1', 'fluent/fluent-bit:4.1.1'],
  ['quay.io/prometheus/node-exporter:v1.9.1', 'prometheus/node-exporter:v1.9.1'],
  ['localhost/a:1', 'a:1'],
  ['127.0.0.1:5000/a/b:1', 'a/b:1'],
  [`gcr.io/a/b:1@${digest}`, `a/b:1@${digest}`],
])('%s is %s within a registry', (image, expected) => {
  expect(pathInRegistry(image)).toBe(expected);
});

describe.each(['install.yaml', 'mesh.yaml'])('deploy/%s from another registry', (name) => {
  const rename = renameFor({ own: undefined, all: 'registry.example.com:5000/mirror', digests });

  test('has no image from elsewhere, in no text however deep', async () => {
    const before = await readDeploy(name);
    const after = relocateManifests(before, rename);
    const all = [...imagesOf(before), ...Object.values(defaultImages())];
    // Not by the fields that the code knows: wherever an image of before stands, it stands behind the registry.
    for (const image of all) {
      const [repository = ''] = pathInRegistry(image).split(/[:@]/);
      const places = [...after.matchAll(new RegExp(`(?<prefix>\\S*)\\b${repository}:[a-z0-9]`, 'g'))];
      for (const { groups } of places) expect(groups?.['prefix']).toBe('registry.example.com:5000/mirror/');
    }
    expect(imagesOf(after).length).toBeGreaterThanOrEqual(imagesOf(before).length);
    for (const image of imagesOf(after)) expect(image).toMatch(/^registry\.example\.com:5000\/mirror\//);
  });

  test('is otherwise as it was', async () => {
    const before = await readDeploy(name);
    const lines = new Set(before.split('\n'));
    const added = relocateManifests(before, rename)
      .split('\n')
      .filter((line) => !lines.has(line));
    for (const line of added) expect(line).toMatch(/^\s*((- )?image: registry\.\S+|spec:|proxy:|capture:)$/);
  });
});

test('our own images are named by digest, and the settings name the injected ones', async () => {
  const rename = renameFor({ own: 'ghcr.io/example', all: undefined, digests });
  const text = relocateManifests(await readDeploy('install.yaml'), rename);
  expect(imagesOf(text)).toEqual(
    expect.arrayContaining([`ghcr.io/example/sidecar-injector:0.1.0@${digest}`, 'nginx:1.29-alpine']),
  );
  const documents = parseAllDocuments(text).map((one) => one.toJS() as { kind: string; data?: Record<string, string> });
  const settings = documents.flatMap(({ data }) => data?.['settings.yaml'] ?? []);
  expect(settings).toHaveLength(1);
  const read = readSettings(parseAllDocuments(settings[0] ?? '')[0]?.toJS());
  expect(read).toMatchObject({
    value: {
      proxy: { image: defaultImages().proxy },
      capture: { image: `ghcr.io/example/sidecar-injector-init:0.1.0@${digest}` },
    },
  });
});

test.each([
  ['a quoted image', 'kind: Pod\nspec:\n  containers:\n    - image: "other:1"\n', 'other:1'],
  ['an image in braces', 'kind: Pod\nspec: { containers: [{ image: other:1 }] }\n', 'other:1'],
  ['settings that say something', 'kind: InjectorConfiguration\nspec:\n  x: 1\n', defaultImages().proxy],
])('%s, which would be left out, is an error', (_what, text, image) => {
  expect(() => relocateManifests(text, (name) => `r.example/${name}`)).toThrow(`an image was left out or is new: `);
  expect(() => relocateManifests(text, (name) => `r.example/${name}`)).toThrow(image);
});
