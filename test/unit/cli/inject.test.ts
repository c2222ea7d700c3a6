import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../support/builders/recorded-io.ts';

function pod(name: string, more = ''): string {
  return `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\n${more}spec:\n  containers:\n    - name: app\n      image: nginx:1\n`;
}

const service = 'apiVersion: v1\nkind: Service\nmetadata:\n  name: web # svc\nspec: {}\n';
const hostNetwork = `${pod('host')}  hostNetwork: true\n`;
const refuses = pod('refuses', '  labels: {sidecar.istio.io/inject: "false"}\n');
const wrong = pod('wrong', '  annotations: {sidecar.istio.io/proxyCPU: much, status.sidecar.istio.io/port: "-1"}\n');

describe('inject', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'inject-'));
    mkdirSync(join(folder, 'deploy'));
    writeFileSync(join(folder, 'deploy', 'a.yaml'), pod('a').trimEnd());
    writeFileSync(join(folder, 'deploy', 'b.yaml'), `\uFEFF${service}`);
    writeFileSync(join(folder, 'deploy', 'c.yaml'), `%YAML 1.1\n---\n${service}`);
    writeFileSync(
      join(folder, 'settings.yaml'),
      'apiVersion: sidecar-injector.io/v1alpha1\nkind: InjectorConfiguration\nspec: {nonsense: 1}\n',
    );
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  describe('passes everything else through byte for byte', () => {
    const text = `# head\r\n${service}---\n${hostNetwork}--- # x\n${refuses}---\n`;

    test('with one line about it', async () => {
      const summary =
        '0 injected, 2 skipped (1 HostNetwork, 1 OptedOut), 1 passed through; --verbose tells about each\n';
      expect(await runCommand(['inject', '-f', '-'], text)).toEqual({ stdout: text, stderr: summary, code: 0 });
    });

    test('and with a line for each object if that is asked for', async () => {
      const run = await runCommand(['inject', '-f', '-', '-v'], text);
      expect(run).toMatchObject({ stdout: text, code: 0 });
      expect(run.stderr.trim().split('\n')).toEqual([
        '<stdin>:1: Service/web: passed through: no known pod template',
        expect.stringMatching(/^<stdin>:7: Pod\/host: skipped: .*hostNetwork.* \(HostNetwork\)$/),
        expect.stringMatching(/^<stdin>:17: Pod\/refuses: skipped: .* \(OptedOut\)$/),
        '0 injected, 2 skipped (1 HostNetwork, 1 OptedOut), 1 passed through',
      ]);
    });
  });

  test('names the namespace of an object that has one', async () => {
    const text = refuses.replace('metadata:\n', 'metadata:\n  namespace: shop\n');
    const { stderr } = await runCommand(['inject', '-f', '-', '-v'], text);
    expect(stderr).toMatch(/^<stdin>:1: Pod\/refuses in shop: skipped: /);
  });

  test('injects, and leaves an injected pod as it is', async () => {
    const once = await runCommand(['inject', '-f', '-'], `${service}---\n${pod('web')}`);
    expect(once.stdout).toContain('name: istio-proxy');
    expect(once.stdout.startsWith(`${service}---\n`)).toBe(true);
    const twice = await runCommand(['inject', '-f', '-'], once.stdout);
    expect(twice.stdout).toBe(once.stdout);
    expect(twice.stderr).toBe('0 injected, 1 injected before, 1 passed through; --verbose tells about each\n');
  });

  test('writes nothing when one document is refused, and names every problem', async () => {
    const run = await runCommand(['inject', '-f', '-'], `${pod('fine')}---\n${wrong}`);
    expect(run.stdout).toBe('');
    expect(run.stderr).toMatch(/^error: <stdin>:9: Pod\/wrong: .*sidecar\.istio\.io\/proxyCPU.*"much"/m);
    expect(run.stderr).toMatch(/^error: <stdin>:9: Pod\/wrong: .*status\.sidecar\.istio\.io\/port/m);
    expect(run.stderr).toMatch(/^hint: /m);
    expect(run.stderr).not.toMatch(/^\s+at /m);
    expect(run.code).toBe(1);
  });

  test('writes nothing when one document cannot be parsed', async () => {
    const run = await runCommand(['inject', '-f', '-'], `${pod('fine')}---\na: [\n`);
    expect(run.stdout).toBe('');
    expect(run.stderr).toMatch(/^error: <stdin>:1\d:\d+: /m);
    expect(run.code).toBe(1);
  });

  test('joins files with separators', async () => {
    const run = await runCommand(['inject', '-f', join(folder, 'deploy'), '-f', '-'], refuses);
    const [first, ...others] = run.stdout.split(/^---\n/m);
    expect(first).toContain('name: istio-proxy');
    expect(others).toEqual([`${service}...\n%YAML 1.1\n`, service, refuses]);
    expect(run.stdout).not.toContain('\uFEFF');
  });

  describe('-o json', () => {
    test('prints one object as it is', async () => {
      const run = await runCommand(['inject', '-f', '-', '-o', 'json'], service);
      expect(JSON.parse(run.stdout)).toEqual({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web' },
        spec: {},
      });
    });

    test('prints several as a List, with the items of lists', async () => {
      const list = `apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Secret, metadata: {name: s}}]\n`;
      const run = await runCommand(
        ['inject', '-f', '-', '-o', 'json'],
        `${service}---\n${list}---\n${pod('web')}---\n`,
      );
      const printed = JSON.parse(run.stdout) as {
        kind: string;
        items: { kind: string; spec?: { initContainers?: unknown[] } }[];
      };
      expect(printed.kind).toBe('List');
      expect(printed.items.map(({ kind }) => kind)).toEqual(['Service', 'Secret', 'Pod']);
      expect(printed.items[2]?.spec?.initContainers).toHaveLength(2);
    });
  });

  test('-o patch prints a line for each object that changes', async () => {
    const cronJob = `apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c, namespace: shop}\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: b}]}}}}}\n`;
    const run = await runCommand(['inject', '-f', '-', '-o', 'patch'], `${service}---\n${cronJob}---\n${pod('web')}`);
    const lines = run.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string; name: string; patch: { path: string }[] });
    expect(lines).toMatchObject([
      { apiVersion: 'batch/v1', kind: 'CronJob', namespace: 'shop', name: 'c' },
      { apiVersion: 'v1', kind: 'Pod', name: 'web' },
    ]);
    expect(lines[0]?.patch.every(({ path }) => path.startsWith('/spec/jobTemplate/spec/template/'))).toBe(true);
    expect(lines[1]?.patch.every(({ path }) => /^\/(?:spec|metadata)\//.test(path))).toBe(true);
  });

  describe('webhook selectors', () => {
    test.each<[string, readonly string[], boolean]>([
      ['without labels the namespace counts as enabled', [], true],
      ['an enabled namespace', ['--namespace-labels', 'istio-injection=enabled,team=a'], true],
      ['a namespace without the label', ['--namespace-labels', ''], false],
      ['a disabled namespace', ['--namespace-labels', 'istio-injection=disabled'], false],
      ['a system namespace', ['--namespace', 'kube-system', '--namespace-labels', 'istio-injection=enabled'], false],
      ['a label called problems', ['--namespace-labels', 'problems=x,istio-injection=enabled'], true],
    ])('%s', async (_what, args, injected) => {
      const run = await runCommand(['inject', '-f', '-', '-v', ...args], pod('web'));
      expect(run.code).toBe(0);
      expect(run.stdout.includes('istio-proxy')).toBe(injected);
      if (!injected) expect(run.stderr).toMatch(/^<stdin>:1: Pod\/web: skipped: the API server would not ask for it: /);
    });
  });

  test('--pod-template adds a kind', async () => {
    const fleet = `apiVersion: example.com/v1\nkind: Fleet\nmetadata: {name: k}\nspec:\n  ships:\n    - template:\n        spec:\n          containers:\n            - {name: app, image: b}\n`;
    const path = 'Fleet.example.com=/spec/ships/*/template';
    const without = await runCommand(['inject', '-f', '-'], `${fleet}---\n${fleet}`);
    expect(without.stdout).toBe(`${fleet}---\n${fleet}`);
    expect(without.stderr.split('\n')).toEqual([
      `warning: Fleet.example.com: no known pod template; --pod-template '${path}' takes what looks like one`,
      '0 injected, 2 passed through; --verbose tells about each',
      '',
    ]);
    expect((await runCommand(['inject', '-f', '-', '--pod-template', path], fleet)).stdout).toContain('istio-proxy');
  });

  test('says that a document was printed anew', async () => {
    const shared = `apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: &a {x: "1"}}\nspec:\n  nodeSelector: *a\n  containers:\n    - {name: app, image: b}\n`;
    const run = await runCommand(['inject', '-f', '-'], shared);
    expect(run.stderr).toContain('printed anew');
    expect((await runCommand(['uninject', '-f', '-', '-o', 'json'], run.stdout)).stdout).toBe(
      (await runCommand(['uninject', '-f', '-', '-o', 'json'], shared)).stdout,
    );
  });

  test.each<[string, readonly string[], RegExp]>([
    ['no -f', [], /-f is missing/],
    ['standard input twice', ['-f', '-', '-f', '-'], /twice/],
    ['an unknown format', ['-f', '-', '-o', 'xml'], /yaml, json, patch, diff/],
    ['a broken path', ['-f', '-', '--pod-template', 'Service'], /KIND=PATH/],
    [
      'a kind without its group',
      ['-f', '-', '--pod-template', 'RayCluster=/spec/a'],
      /names no API group\nhint: .*such as RayCluster\.ray\.io=\/spec\/a$/m,
    ],
    ['a broken label', ['-f', '-', '--namespace-labels', 'a'], /not a label/],
    ['an unknown option', ['-f', '-', '--what'], /--what/],
    ['an argument too many', ['-f', '-', 'x'], /too many arguments for 'inject': use -f x$/m],
    [
      'what a shell makes of -f *.yaml',
      ['-f', 'a.yaml', 'b.yaml', 'c.yaml', 'd.yaml', 'e.yaml'],
      /use -f b\.yaml -f c\.yaml -f d\.yaml \.\.\., or name their folder$/m,
    ],
  ])('usage: %s', async (_what, args, message) => {
    const run = await runCommand(['inject', ...args], service);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toMatch(message);
    expect(run.stderr).toMatch(/^hint: /m);
  });

  test('names the settings that are wrong', async () => {
    const run = await runCommand(['inject', '-f', '-', '--settings', join(folder, 'settings.yaml')], service);
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toMatch(/^error: .*settings\.yaml.*nonsense/m);
  });
});

describe('uninject', () => {
  test('is the inverse of inject and passes the rest through', async () => {
    const text = `${service}---\n# of mine\n${pod('web', '  annotations: {}   # none\n')}      readinessProbe:\n        httpGet:\n          path: /ready # path\n          port: 8080\n`;
    const injected = await runCommand(['inject', '-f', '-'], text);
    expect(injected.stdout).toContain('/app-health/app/readyz');
    const back = await runCommand(['uninject', '-f', '-'], injected.stdout);
    expect(back).toMatchObject({ code: 0, stdout: text });
    expect(back.stderr).toBe('1 uninjected, 1 passed through; --verbose tells about each\n');
    const again = await runCommand(['uninject', '-f', '-', '--verbose'], text);
    expect(again.stdout).toBe(text);
    expect(again.stderr).toContain('Pod/web: passed through: was not injected');
  });
});

test.each(['inject', 'uninject', 'explain', 'capture'])(
  '%s of a file without -f says what to write',
  async (command) => {
    const run = await runCommand([command, 'web.yaml']);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain(`error: too many arguments for '${command}': use -f web.yaml\n`);
  },
);
