import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { differences } from '../../../src/cli/commands/template/expectation.ts';
import type { Json } from '../../../src/json/json.ts';
import { runCommand } from '../../support/builders/recorded-io.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'template-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const head = 'apiVersion: sidecar-injector.io/v1alpha1\n';

function write(name: string, template: string, tests: string): string {
  const directory = join(folder, name);
  mkdirSync(join(directory, 'tests'), { recursive: true });
  writeFileSync(join(directory, 'template.yaml'), `${head}kind: SidecarTemplate\n${template}`);
  writeFileSync(join(directory, 'tests', 'a.yaml'), `${head}kind: TemplateTest\n${tests}`);
  return directory;
}

describe('template new', () => {
  test('writes a template that passes its tests and has few hints', async () => {
    const out = join(folder, 'clock');
    expect((await runCommand(['template', 'new', 'clock', '--out', out])).code).toBe(0);
    expect(await runCommand(['template', 'test', out])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('2 passed, 0 failed'),
    });
    const { code, stdout } = await runCommand(['template', 'lint', out]);
    expect([code, stdout.split('\n').slice(0, 3)]).toEqual([
      0,
      ['clock', '  Pod Security level restricted', '  cpu 10m (limit 100m), memory 16Mi (limit 32Mi)'],
    ]);
    expect(await runCommand(['template', 'new', 'clock', '--out', out])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('template.yaml: already exists'),
    });
  });

  test.each(['Clock', 'sidecar', '../clock', ''])('refuses the name %j', async (name) => {
    expect(await runCommand(['template', 'new', name, '--out', join(folder, 'none')])).toMatchObject({
      code: 2,
      stdout: '',
    });
  });
});

describe('template test', () => {
  const template = 'metadata: {name: a}\nspec: {containers: [{name: a, image: "a:1"}]}\n';
  const pod =
    'pod: {metadata: {annotations: {inject.istio.io/templates: a}}, spec: {containers: [{name: app, image: "x:1"}]}}';

  test('says what differs and ends with 1', async () => {
    const tests = `metadata: {name: wrong}\nspec:\n  ${pod}\n  expect:\n    containers: [a, app]\n    messages: [nothing]\n    pod: {spec: {containers: [{name: a, image: "a:2"}, {name: b}]}}\n`;
    const { code, stdout } = await runCommand(['template', 'test', write('differs', template, tests)]);
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(
        /^FAILED {2}wrong\n {8}messages: nothing says "nothing"; said was: .*\n {8}containers: expected a, app, found app, a\n {8}spec\.containers\[a\]\.image: expected "a:2", found "a:1"\n {8}spec\.containers: nothing there has the name "b"\n0 passed, 1 failed\n$/,
      ),
    ]);
  });

  test('an outcome of another kind fails', async () => {
    const tests = `metadata: {name: outcome}\nspec:\n  ${pod}\n  expect: {outcome: deny, reasons: [NameConflict]}\n`;
    const { code, stdout } = await runCommand(['template', 'test', write('outcome', template, tests)]);
    expect([code, stdout]).toEqual([1, expect.stringContaining('outcome: expected deny, found inject')]);
  });

  test.each<[string, string, string, string]>([
    [
      'a template with problems',
      'metadata: {name: a}\nspec: {containers: [{name: a}]}\n',
      `metadata: {name: x}\nspec: {${pod}, expect: {}}\n`,
      'spec.containers[0].image: is missing',
    ],
    [
      'settings with problems',
      template,
      `metadata: {name: x}\nspec: {${pod}, settings: {proxi: 1}, expect: {}}\n`,
      'spec.proxi: unknown key, did you mean "proxy"?',
    ],
  ])('%s fails', async (name, broken, tests, expected) => {
    const { code, stdout } = await runCommand(['template', 'test', write(name.replaceAll(' ', '-'), broken, tests)]);
    expect([code, stdout]).toEqual([1, expect.stringContaining(expected)]);
  });

  test('a misspelt key of a case is an error', async () => {
    const directory = write('misspelt', template, `metadata: {name: x}\nspec: {${pod}, expcet: {}}\n`);
    expect(await runCommand(['template', 'test', directory])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('spec.expcet: unknown key, did you mean "expect"?'),
    });
  });

  test('a folder without tests is an error', async () => {
    expect(await runCommand(['template', 'test', join(folder, 'nowhere')])).toMatchObject({ code: 1 });
  });
});

test('template lint points at what an author forgets', async () => {
  const template =
    'metadata: {name: a}\nspec: {conflicts: [b], volumes: [{name: v, emptyDir: {}}], containers: [{name: a, image: a, imagePullPolcy: Always, securityContext: {runAsUser: 1337, privileged: true}}]}\n';
  const directory = write('lint', template, 'metadata: {name: x}\n');
  const { code, stdout } = await runCommand(['template', 'lint', directory, '--strict']);
  expect([code, stdout.split('\n')]).toEqual([
    1,
    [
      'a',
      '  Pod Security level privileged, because of container "a": privileged',
      '  cpu 0m (limit no limit), memory 0Mi (limit no limit)',
      '  hint: container "a": imagePullPolcy: no field of a container that is known here, did you mean "imagePullPolicy"?',
      '  hint: container "a": resources.requests: no cpu and memory; quotas and autoscaling need it',
      '  hint: container "a": resources.limits: no cpu and memory; quotas and autoscaling need it',
      '  hint: container "a": no probe: nobody notices when it hangs',
      '  hint: container "a": securityContext.readOnlyRootFilesystem is not true',
      '  hint: container "a": runs as 1337, the proxy\'s user: its traffic is not captured',
      '  hint: container "a": gets the pod\'s API token; mount an empty volume at /var/run/secrets/kubernetes.io/serviceaccount if it needs none',
      '  hint: container "a": image a: name a version, or what runs changes by itself',
      '  hint: volume "v": mounted nowhere',
      '  hint: volume "v": an emptyDir without sizeLimit may fill the node',
      '  hint: conflicts: "b" is not a sidecar here',
      '  hint: mode: a classic container keeps a Job from completing; say `mode: native`, or `classic` if that is meant',
      '1 sidecar, 12 hints; with the proxy, capture needs Pod Security level privileged',
      '',
    ],
  ]);
});

describe('an expectation', () => {
  test.each<[Json, Json, string[]]>([
    [{ a: 1 }, { a: 1, b: 2 }, []],
    [{ a: null }, { a: 1 }, ['a: expected nothing, found 1']],
    [{ a: { b: [1, 2] } }, { a: { b: [1] } }, ['a.b: expected [1,2], found [1]']],
    [{ a: [{ x: 1 }] }, { a: [{ x: 1, y: 2 }] }, []],
    [
      { env: [{ name: 'B', value: '2' }] },
      { env: [{ name: 'A' }, { name: 'B', value: '3' }] },
      ['env[B].value: expected "2", found "3"'],
    ],
    [{ env: [{ value: '2' }] }, { env: [] }, ['env: {"value":"2"} has no name to be found by']],
    [{ a: {} }, { a: 'x' }, ['a: expected an object, found "x"']],
  ])('%j of %j', (expected, actual, found) => expect(differences(expected, actual, '')).toEqual(found));
});
