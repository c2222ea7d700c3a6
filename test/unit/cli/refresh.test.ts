import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../support/builders/recorded-io.ts';

const web = `# the shop
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}   # web
spec:
  template:
    metadata:
      labels: {app: web}
      annotations:
        example.com/owner:   shop
    spec:
      containers:
        - name: app # mine
          image: nginx:1
          readinessProbe: {httpGet: {port: 8080, path: /ready}}
`;
const service = 'apiVersion: v1\nkind: Service\nmetadata:\n  name: web # svc\nspec: {}\n';
const ours = 'kubectl.kubernetes.io/default-container';

const run = (text: string, ...args: string[]) => runCommand([...args, '-f', '-'], text);
const injectedOf = async (text: string, ...args: string[]) => (await run(text, 'inject', ...args)).stdout;

function annotated(text: string, annotation: string): string {
  return text.replace(/(\n *)(example\.com\/owner: {3}shop)/, `$1$2$1${annotation}`);
}

describe('what was injected before', () => {
  let folder = '';
  let settings = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'refresh-'));
    settings = join(folder, 'settings.yaml');
    writeFileSync(
      settings,
      'apiVersion: sidecar-injector.io/v1alpha1\nkind: InjectorConfiguration\nspec: {proxy: {logLevel: info}}\n',
    );
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('is as it should be', async () => {
    const text = await injectedOf(`${service}---\n${web}`);
    expect(await run(text, 'inject', '--check')).toEqual({
      stdout: '',
      stderr: '0 to be injected, 1 injected before, 1 passed through; --verbose tells about each\n',
      code: 0,
    });
    expect(await run(text, 'inject', '--refresh')).toMatchObject({ stdout: text, code: 0 });
  });

  /** How a manifest becomes outdated: the options of the first injection, an edit of its text, options of the second. */
  interface Case {
    readonly first?: readonly string[];
    readonly edit?: (text: string) => string;
    readonly second?: readonly string[];
    readonly why: RegExp;
  }

  const cases: readonly [string, () => Case][] = [
    [
      'an annotation',
      () => ({
        edit: (text) => annotated(text, 'sidecar.istio.io/proxyCPU: 333m'),
        why: /^is not as it would be injected now; would change: native sidecar istio-proxy$/,
      }),
    ],
    [
      'settings',
      () => ({
        second: ['--settings', settings],
        why: /^was injected with other settings \([0-9a-f]{16} then, [0-9a-f]{16} now; OtherSettings\); would change: native sidecar istio-proxy$/,
      }),
    ],
    ['an option', () => ({ second: ['--native-sidecars', 'false'], why: /other settings .*container istio-proxy/ })],
    [
      'a version that injects the same',
      () => ({
        edit: (text) => text.replace('"version":"0.1.0"', '"version":"0.0.9"'),
        why: /^was injected by version 0\.0\.9 \(this is 0\.1\.0\); nothing else would change$/,
      }),
    ],
    [
      'the settings of Istio’s own proxy',
      () => ({
        first: ['--istio-set', 'values.global.tag=1.28.0'],
        second: ['--istio-set', 'values.global.tag=1.28.1'],
        why: /other settings .*istio-proxy/,
      }),
    ],
    [
      'the injected proxy',
      () => ({
        edit: (text) => text.replace('image: envoyproxy/envoy:', 'image: mirror.example.com/envoy:'),
        why: /^is not as it would be injected now; would change: native sidecar istio-proxy$/,
      }),
    ],
    [
      'the application’s probe',
      () => ({
        edit: (text) =>
          text.replace(
            '        - name: app # mine\n',
            '        - name: app # mine\n          livenessProbe: {httpGet: {port: 8081}}\n',
          ),
        why: /would change: .*container app/,
      }),
    ],
    [
      'a label that refuses',
      () => ({
        edit: (text) => text.replace('labels: {app: web', 'labels: {sidecar.istio.io/inject: "false", app: web'),
        why: /^was injected, and would not be now: .*\(OptedOut\)$/,
      }),
    ],
  ];

  describe.each(cases)('with another value of %s', (_what, read) => {
    test('is told, checked and rendered anew', async () => {
      const { first = [], edit = (text: string) => text, second = first, why } = read();
      const before = await injectedOf(`${service}---\n${web}`, ...first);
      const text = edit(before);
      const check = await run(text, 'inject', '--check', ...second);
      const [line = ''] = check.stdout.split('\n');
      const changesAnyhow = line.endsWith('would change');
      if (!changesAnyhow) {
        expect(line.replace(/^<stdin>: Deployment\/web is outdated: /, '')).toMatch(why);
        const plain = await run(text, 'inject', ...second);
        expect(plain).toMatchObject({ stdout: text, code: 0 });
        expect(plain.stderr).toMatch(/^warning: <stdin>:6: Deployment\/web: .*inject --refresh renders it anew$/m);
        expect(plain.stderr).not.toContain('left alone');
      }
      expect(check.code).toBe(3);
      const table = await run(text, 'inject', '--summary', '--check', ...second);
      expect(table).toMatchObject({ code: 3, stdout: expect.stringMatching(/Deployment\/web +(outdated|inject) /) });

      const fresh = await run(text, 'inject', '--refresh', ...second);
      expect(fresh.code).toBe(0);
      const original = (await run(edit(before), 'uninject')).stdout;
      expect(fresh.stdout).toBe(await injectedOf(original, ...second));
      expect(await run(fresh.stdout, 'inject', '--check', ...second)).toMatchObject({ code: 0, stdout: '' });
    });
  });

  test('--refresh keeps all other bytes', async () => {
    const text = annotated(await injectedOf(`${service}---\n${web}`), 'sidecar.istio.io/proxyCPU:   333m # more');
    const { stdout, stderr } = await run(text, 'inject', '--refresh');
    expect(stderr).toMatch(/1 refreshed, 1 passed through/);
    expect((await run(stdout, 'uninject')).stdout).toBe(
      `${service}---\n${annotated(web, 'sidecar.istio.io/proxyCPU:   333m # more')}`,
    );
  });

  test('--refresh shows its changes in every format', async () => {
    const text = annotated(await injectedOf(web), 'sidecar.istio.io/proxyCPU: 333m');
    const diff = await run(text, 'inject', '--refresh', '-o', 'diff');
    expect(diff).toMatchObject({ code: 3 });
    expect(diff.stdout).toContain('~ resources.requests.cpu: 100m -> 333m');
    const patch = await run(text, 'inject', '--refresh', '-o', 'patch');
    expect(JSON.parse(patch.stdout)).toMatchObject({ kind: 'Deployment', name: 'web' });
    const check = await run(text, 'inject', '--refresh', '--check');
    expect(check).toMatchObject({ code: 3, stdout: '<stdin>: Deployment/web would change\n' });
    expect(check.stderr).toMatch(/^0 to be injected, 1 to be refreshed;/m);
  });

  test('--refresh takes the sidecar out where none would be injected', async () => {
    const text = (await injectedOf(web)).replace(
      'labels: {app: web',
      'labels: {sidecar.istio.io/inject: "false", app: web',
    );
    const { stdout, stderr } = await run(text, 'inject', '--refresh');
    expect(stdout).toBe(web.replace('labels: {app: web', 'labels: {sidecar.istio.io/inject: "false", app: web'));
    expect(stderr).toMatch(/^warning: .*would not be now: .*\(OptedOut\)$/m);
    expect(stderr).toMatch(/1 uninjected/);
  });

  test('--refresh does not write what would be denied', async () => {
    const text = annotated(await injectedOf(web), 'sidecar.istio.io/proxyCPU: much');
    expect(await run(text, 'inject', '--refresh')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('sidecar.istio.io/proxyCPU'),
    });
  });

  test('--refresh injects what never was', async () => {
    expect((await run(web, 'inject', '--refresh')).stdout).toBe(await injectedOf(web));
  });

  test('explain tells it', async () => {
    const text = annotated(await injectedOf(web), 'sidecar.istio.io/proxyCPU: 333m');
    expect((await run(text, 'explain')).stdout).toMatch(/^ {2}outdated: is not as it would be injected now/m);
    expect((await run(await injectedOf(web), 'explain')).stdout).not.toContain('outdated');
    expect(text).toContain(ours);
  });
});
