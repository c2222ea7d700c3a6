import { describe, expect, test } from '@jest/globals';
import { runCommand } from '../../support/builders/recorded-io.ts';

const cluster = `apiVersion: ray.io/v1
kind: RayCluster
metadata: {name: ray, namespace: ml}
spec:
  headGroupSpec:
    template:
      spec:
        containers:
          - name: head # the head
            image: ray:2
            readinessProbe: {httpGet: {path: /ready, port: 8265}}
  workerGroupSpecs:
    - replicas: 3
      template:
        spec: &workers
          containers:
            - {name: worker, image: ray:2}
    - replicas: 2
      template:
        metadata:
          annotations: {sidecar.istio.io/proxyCPU: 50m}
        spec:
          containers:
            - {name: worker, image: ray:2}
`;
const plain = cluster.replace(' &workers', '');

const inject = (text: string, ...args: string[]) => runCommand(['inject', '-f', '-', ...args], text);

describe('an object with several pod templates', () => {
  test('each of them is injected, and back', async () => {
    const injected = await inject(plain);
    expect(injected).toMatchObject({ code: 0, stderr: '3 injected; --verbose tells about each\n' });
    expect(injected.stdout.match(/name: istio-proxy/g)).toHaveLength(3);
    expect(injected.stdout).toContain('/app-health/head/readyz');
    expect(injected.stdout).toContain('name: head # the head');
    expect(await runCommand(['uninject', '-f', '-'], injected.stdout)).toMatchObject({ code: 0, stdout: plain });
  });

  test('a shared one is injected in each place', async () => {
    const shared = cluster.replace(/spec:\n {10}containers:\n.*worker, image: ray:2}\n$/, 'spec: *workers\n');
    expect(shared).toContain('spec: *workers');
    const injected = await inject(shared, '-o', 'json');
    const { spec } = JSON.parse(injected.stdout) as {
      spec: { workerGroupSpecs: { template: { spec: { initContainers: { name: string }[] } } }[] };
    };
    const names = spec.workerGroupSpecs.map(({ template }) => template.spec.initContainers.map(({ name }) => name));
    expect(names).toEqual([
      ['istio-init', 'istio-proxy'],
      ['istio-init', 'istio-proxy'],
    ]);
  });

  test('has a row for each in the table, with its own replicas', async () => {
    const { stdout } = await inject(plain, '--summary');
    expect(stdout.trimEnd().split('\n').slice(1)).toEqual([
      expect.stringMatching(/^RayCluster\/ray in ml \(\/spec\/headGroupSpec\/template\) +inject +100m/),
      expect.stringMatching(/^RayCluster\/ray in ml \(\/spec\/workerGroupSpecs\/0\/template\) +inject +100m/),
      expect.stringMatching(/^RayCluster\/ray in ml \(\/spec\/workerGroupSpecs\/1\/template\) +inject +50m/),
      // 1 x 100m + 3 x 100m + 2 x 50m
      expect.stringMatching(/cpu 500m/),
    ]);
  });

  test('is one line of -o patch, and one part each of -o diff and explain', async () => {
    const { stdout } = await inject(plain, '-o', 'patch');
    const patch = JSON.parse(stdout) as { kind: string; patch: { path: string }[] };
    expect(patch.kind).toBe('RayCluster');
    expect(new Set(patch.patch.map(({ path }) => path.split('/template/')[0]))).toEqual(
      new Set(['/spec/headGroupSpec', '/spec/workerGroupSpecs/0', '/spec/workerGroupSpecs/1']),
    );
    const diff = await inject(plain, '-o', 'diff');
    expect(diff.stdout.match(/^RayCluster\/ray.*$/gm)).toHaveLength(3);
    expect(diff.stdout).toContain('/app-health/head/readyz');
    const told = await runCommand(['explain', '-f', '-'], plain);
    expect(told.stdout.match(/^RayCluster\/ray, template \/spec\/.*, namespace ml/gm)).toHaveLength(3);
  });

  test('names the template in problems', async () => {
    const run = await inject(plain.replace('50m', 'much'));
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toContain('RayCluster/ray in ml (/spec/workerGroupSpecs/1/template): ');
  });
});

describe('--pod-template', () => {
  const train = `apiVersion: example.com/v1\nkind: Train\nmetadata: {name: t}\nspec:\n  first: {spec: {containers: [{name: a, image: b}]}}\n  last: {spec: {containers: [{name: a, image: b}]}}\n`;

  test('counts each time', async () => {
    const paths = ['--pod-template', 'Train.example.com=/spec/first', '--pod-template', 'Train.example.com=/spec/last'];
    const run = await inject(train, ...paths);
    expect(run.stderr).toBe('2 injected; --verbose tells about each\n');
    const back = await runCommand(['uninject', '-f', '-', ...paths], run.stdout);
    expect(back).toMatchObject({ stdout: train, stderr: '2 uninjected; --verbose tells about each\n' });
  });

  test.each([
    ['a path that leads nowhere', 'Train.example.com=/spec/first/0', /warning: .*\/0 leads to no pod template/],
    [
      'another group',
      'Train.example.org=/spec/first',
      /warning: .* finds nothing: the input has no Train\.example\.org; it has Train\.example\.com$/m,
    ],
    ['a kind that is not there', 'Ship.example.org=/spec/first', /the input has no Ship\.example\.org$/m],
  ])('tells of %s', async (_what, option, message) => {
    for (const command of [['inject'], ['inject', '--summary'], ['uninject'], ['explain']]) {
      const run = await runCommand([...command, '-f', '-', '--pod-template', option], train);
      expect(run.code).toBe(0);
      expect(run.stderr).toMatch(message);
    }
  });

  test('is not told of where it leads to something', async () => {
    const run = await inject(train, '--pod-template', 'Train.example.com=/spec/*');
    expect(run.stderr).toBe('2 injected; --verbose tells about each\n');
  });
});

test('what else a kind needs is told', async () => {
  const service = `apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: k}\nspec: {template: {spec: {containers: [{name: a, image: b}]}}}\n`;
  expect((await inject(service)).stderr).toMatch(/^warning: <stdin>:1: Service\/k: Knative takes init containers/);
});

test('an OpenShift template with parameters is injected in each of its objects', async () => {
  const text = `apiVersion: template.openshift.io/v1
kind: Template
metadata: {name: t}
parameters: [{name: REPLICAS}]
objects:
  - apiVersion: apps.openshift.io/v1
    kind: DeploymentConfig
    metadata: {name: "\${NAME}"}
    spec:
      replicas: \${{REPLICAS}}
      template:
        spec:
          containers:
            - {name: a, image: "\${IMAGE}"}
  - {apiVersion: v1, kind: Service, metadata: {name: s}}
`;
  const run = await inject(text);
  expect(run).toMatchObject({ code: 0, stderr: '1 injected, 1 passed through; --verbose tells about each\n' });
  expect(run.stdout).toContain('replicas: ${{REPLICAS}}');
  expect((await runCommand(['uninject', '-f', '-'], run.stdout)).stdout).toBe(text);
});

test('the help of inject says that there is a table', async () => {
  const { stdout } = await runCommand(['inject', '--help']);
  expect(stdout).toMatch(/Pod templates of many kinds are known.*\ndocs\/command-line\.md lists them all/);
});
