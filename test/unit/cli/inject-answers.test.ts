import { describe, expect, test } from '@jest/globals';
import { runCommand } from '../../support/builders/recorded-io.ts';

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 3
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: app
          image: nginx:1
          env: [{name: PASSWORD, value: hunter2}]
          readinessProbe: {httpGet: {port: 8080, path: /ready}}
`;
const service = 'apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec: {}\n';
const wrong =
  'apiVersion: v1\nkind: Pod\nmetadata:\n  name: wrong\n  annotations: {sidecar.istio.io/proxyCPU: much}\nspec:\n  containers: [{name: app}]\n';
const refuses =
  'apiVersion: v1\nkind: Pod\nmetadata:\n  name: refuses\n  labels: {sidecar.istio.io/inject: "false"}\nspec:\n  containers: [{name: app}]\n';

const inject = (text: string, ...args: string[]) => runCommand(['inject', '-f', '-', ...args], text);
const lines = (text: string) => text.trimEnd().split('\n');

describe('-o diff', () => {
  test('says what changes by container and field, and nothing of what does not', async () => {
    const { stdout, code } = await inject(deployment, '-o', 'diff');
    expect(code).toBe(3);
    expect(lines(stdout)[0]).toBe('Deployment/web');
    expect(lines(stdout)).toEqual(
      expect.arrayContaining([
        '  + init container istio-init',
        '  + native sidecar istio-proxy',
        '        resources.requests.cpu: 100m',
        '        ports[15090].name: http-envoy-prom',
        '  ~ container app',
        '      ~ readinessProbe.httpGet.port: 8080 -> 15020',
        '      ~ readinessProbe.httpGet.path: /ready -> /app-health/app/readyz',
        '  + volume istio-logs',
        '  + annotation kubectl.kubernetes.io/default-container: app',
      ]),
    );
    expect(stdout).not.toContain('hunter2');
    expect(stdout).not.toContain('nginx:1');
    expect(Math.max(...lines(stdout).map((line) => line.length))).toBeLessThan(220);
  });

  test('of what is injected already is empty', async () => {
    const once = await inject(deployment);
    expect(await inject(once.stdout, '-o', 'diff')).toMatchObject({ code: 0, stdout: '' });
  });

  test('uninject says the way back', async () => {
    const once = await inject(deployment);
    const { stdout, code } = await runCommand(['uninject', '-f', '-', '-o', 'diff'], once.stdout);
    expect(code).toBe(3);
    expect(lines(stdout)).toEqual(
      expect.arrayContaining(['  - native sidecar istio-proxy', '      ~ readinessProbe.httpGet.port: 15020 -> 8080']),
    );
  });
});

test('-o unified is the text as `patch` reads it', async () => {
  const { stdout, code } = await inject(deployment, '-o', 'unified');
  expect([code, stdout.includes('+++ b/<stdin>')]).toEqual([3, true]);
});

describe('--check', () => {
  test('names what would change and exits with 3', async () => {
    const run = await inject(`${service}---\n${deployment}`, '--check');
    expect(run).toMatchObject({ code: 3, stdout: '<stdin>: Deployment/web would change\n' });
  });

  test('exits with 0 when everything is as it would be', async () => {
    const once = await inject(`${service}---\n${deployment}`);
    expect(await inject(once.stdout, '--check')).toMatchObject({ code: 0, stdout: '' });
  });

  test('exits with 1 when a pod would be denied', async () => {
    const run = await inject(`${deployment}---\n${wrong}`, '--check');
    expect(run).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('Pod/wrong') });
  });
});

describe('--summary', () => {
  test('a row for every object, and the sum with replicas', async () => {
    const { stdout, code } = await inject([service, deployment, refuses].join('---\n'), '--summary');
    expect(lines(stdout).map((line) => line.split(/ {2,}/))).toEqual([
      ['OBJECT', 'DECISION', 'CPU', 'MEMORY', 'WHERE', 'REASON'],
      ['Service/web', 'pass', '-', '-', '<stdin>:1', 'no known pod template'],
      ['Deployment/web', 'inject', '100m', '128Mi', '<stdin>:6', 'PolicyEnabled'],
      ['Pod/refuses', 'skip', '-', '-', '<stdin>:22', 'OptedOut'],
      ['3 objects: 1 inject, 1 skip, 0 deny, 1 pass; requests added with all replicas: cpu 300m, memory 384Mi'],
    ]);
    expect(code).toBe(0);
  });

  test('a classic proxy counts as a native one does', async () => {
    const { stdout } = await inject(deployment, '--summary', '--native-sidecars', 'false');
    expect(stdout).toMatch(/Deployment\/web +inject +100m +128Mi/);
  });

  test.each([
    [
      'a denied pod',
      wrong,
      [],
      1,
      /Pod\/wrong +deny .*sidecar\.istio\.io\/proxyCPU: "much" is not allowed.*\(InvalidAnnotation\)\n1 object: 0 inject/,
    ],
    ['with --check', deployment, ['--check'], 3, /Deployment\/web/],
    ['a namespace that nobody asks about', deployment, ['--namespace-labels', 'a=b'], 0, /skip .*would not ask for it/],
  ])('%s', async (_, text, args, code, expected) => {
    const run = await inject(text, '--summary', ...args);
    expect(run.code).toBe(code);
    expect(run.stdout).toMatch(expected);
  });

  test('what cannot be read is said, and nothing else', async () => {
    expect(await inject('a: [', '--summary')).toMatchObject({ code: 1, stdout: '' });
  });
});

test.each([
  ['-o out.yaml', /Allowed choices are yaml, json, patch, diff, unified; for a file write: > out\.yaml/],
  ['-o xml', /Allowed choices are yaml, json, patch, diff, unified\n/],
  ['--summary -o json', /cannot be used with option '-o/],
])('usage: %s', async (args, message) => {
  const run = await inject(deployment, ...args.split(' '));
  expect([run.code, run.stdout]).toEqual([2, '']);
  expect(run.stderr).toMatch(message);
});
