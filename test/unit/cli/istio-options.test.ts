import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { runCommand } from '../../support/builders/recorded-io.ts';

const pod = 'apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\nspec: {containers: [{name: app, image: shop}]}\n';
let folder: string;

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function proxyOf(...args: string[]): Promise<{ image: string; list: string }> {
  const run = await runCommand(['inject', '-f', '-', ...args], pod);
  expect(run).toMatchObject({ code: 0 });
  const { spec } = parse(run.stdout) as { spec: Record<string, { name: string; image: string }[]> };
  const list = (spec['containers'] ?? []).some(({ name }) => name === 'istio-proxy') ? 'containers' : 'initContainers';
  const proxy = (spec[list] ?? []).find(({ name }) => name === 'istio-proxy');
  return { image: proxy?.image ?? '', list };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'istio-options-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('Istio’s own settings on the command line', () => {
  test('plain values, later ones and single settings on top', async () => {
    const first = file('first.yaml', 'global: {hub: one.example, tag: "1"}\n');
    const second = file('second.json', '{"global": {"tag": 2}}');
    expect((await proxyOf('--istio-values', first)).image).toBe('one.example/proxyv2:1');
    expect((await proxyOf('--istio-values', first, '--istio-values', second)).image).toBe('one.example/proxyv2:2');
    expect((await proxyOf('--istio-values', first, '--istio-set', 'values.global.tag=3')).image).toBe(
      'one.example/proxyv2:3',
    );
  });

  test.each([
    ['an IstioOperator', 'kind: IstioOperator\nspec: {hub: h.example, tag: "4", values: {global: {variant: debug}}}\n'],
    [
      'the ConfigMap of a running Istio',
      `kind: ConfigMap\ndata: {values: '{"global":{"hub":"h.example","tag":"4","variant":"debug"}}'}\n`,
    ],
  ])('%s', async (_title, text) => {
    expect((await proxyOf('--istio-values', file('any.yaml', text))).image).toBe('h.example/proxyv2:4-debug');
  });

  test('mesh configuration, plain or as the ConfigMap', async () => {
    for (const text of ['trustDomain: td\n', 'kind: ConfigMap\ndata: {mesh: "trustDomain: td"}\n']) {
      const args = ['--istio-set', 'tag=1', '--istio-mesh-config', file('mesh.yaml', text)];
      const run = await runCommand(['inject', '-f', '-', ...args], pod);
      expect(run.stdout).toContain('{name: TRUST_DOMAIN, value: td}');
    }
  });

  test('native or classic', async () => {
    expect((await proxyOf('--istio-set', 'tag=1', '--native-sidecars', 'true')).list).toBe('initContainers');
    expect((await proxyOf('--istio-set', 'tag=1', '--native-sidecars', 'false')).list).toBe('containers');
  });

  test('annotations of the namespace', async () => {
    const args = ['--istio-set', 'tag=1', '--istio-set', 'values.global.platform=openshift'];
    const run = await runCommand(
      ['inject', '-f', '-', ...args, '--namespace-annotations', 'openshift.io/sa.scc.uid-range=5000/10'],
      pod,
    );
    expect(run.stdout).toContain('runAsUser: 5009');
  });

  test.each([
    [['--istio-set', 'values.global.tga=1'], 'spec.istiod.values.global.tga: unknown key, did you mean "tag"?'],
    [['--istio-set', 'tag'], '--istio-set: "tag" is not PATH=VALUE'],
    [['--istio-set', 'a[1]=b'], '--istio-set: "a[1]=b": [1] leaves places empty: the list has 0 so far'],
    [['--istio-values', '/nowhere/values.yaml'], '/nowhere/values.yaml: '],
    [['--istio-set', 'hub=x'], 'spec.istiod.values.global.tag: is missing'],
    [['--namespace-annotations', 'x'], '--namespace-annotations: "x" is not an annotation'],
  ])('%j is an error', async (args, message) => {
    const run = await runCommand(['inject', '-f', '-', ...args], pod);
    expect(run).toMatchObject({ stdout: '', code: expect.any(Number) });
    expect(run.code).not.toBe(0);
    expect(run.stderr).toContain(message);
  });

  test('explain says what istio-init captures', async () => {
    const run = await runCommand(['explain', '-f', '-', '--istio-set', 'tag=1'], pod);
    expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining('istio-proxy') });
  });
});
