import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { meshCrdsFile } from '../../scripts/manifests/mesh-crds.ts';
import { root } from '../../scripts/checkout.ts';
import { runKubectl } from '../support/cluster/kubectl.ts';
import { startControlPlane, type ControlPlane } from '../support/processes/control-plane.ts';

jest.setTimeout(120_000);

// Istio's kinds as we define them, in a cluster that has them from nobody else.

let api: ControlPlane;

async function kubectl(args: readonly string[], input?: string) {
  return runKubectl(api.kubeconfig, [...args], input);
}

beforeAll(async () => {
  api = await startControlPlane();
  const applied = await kubectl(['apply', '-f', path.join(root, meshCrdsFile)]);
  expect(applied).toMatchObject({ code: 0, stderr: '' });
  await kubectl(['wait', '--for=condition=Established', '--timeout=60s', '-f', path.join(root, meshCrdsFile)]);
});

afterAll(async () => {
  await api.stop();
});

test('none of the schemas is found fault with', async () => {
  const { stdout } = await kubectl([
    'get',
    '-f',
    path.join(root, meshCrdsFile),
    '-o',
    'jsonpath={.items[*].status.conditions}',
  ]);
  expect(stdout).toContain('Established');
  expect(stdout).not.toContain('NonStructuralSchema');
});

test('takes the examples, and gives them in every version', async () => {
  const folder = path.join(root, 'examples/httpd/traffic');
  for (const name of ['circuit-breaker.yaml', 'routes.yaml']) {
    const text = await readFile(path.join(folder, name), 'utf8');
    expect(await kubectl(['apply', '--validate=strict', '-f', '-'], text)).toMatchObject({ code: 0, stderr: '' });
  }
  const { stdout } = await kubectl(['get', 'virtualservices.v1alpha3.networking.istio.io', 'httpd', '-o', 'json']);
  expect((JSON.parse(stdout) as { spec: { hosts: unknown } }).spec.hosts).toEqual(['httpd']);
  expect((await kubectl(['get', 'vs,dr'])).stdout).toMatch(/HOSTS +IN FORCE +REASON +AGE\n.*\["httpd"\]/);
});

const rule = (trafficPolicy: string): string => `
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata:
  name: other
spec:
  host: other
  trafficPolicy: ${trafficPolicy}
`;

test.each([
  ['{circuitBreaker: {consecutiveErrors: 3}}', 0, ''],
  ['{outlierDetection: {consecutive5xxErrors: null}}', 0, ''],
  ['{tunnel: {}}', 1, 'unknown field "spec.trafficPolicy.tunnel"'],
  ['{outlierDetection: {maxEjectionPercent: 101}}', 1, 'should be less than or equal to 100'],
])('trafficPolicy %s', async (policy, code, message) => {
  const made = await kubectl(['apply', '--dry-run=server', '-f', '-'], rule(policy));
  expect(made.code).toBe(code);
  expect(made.stderr).toContain(message);
});

const policy = `
apiVersion: security.istio.io/v1beta1
kind: AuthorizationPolicy
metadata:
  name: with-a-token
spec:
  rules:
  - from: [{source: {namespaces: [shop], requestPrincipals: ['*']}}]
`;

test('what an object of security says is stored whole, so that no condition is lost before somebody reads it', async () => {
  expect(await kubectl(['apply', '--validate=ignore', '-f', '-'], policy)).toMatchObject({ code: 0 });
  const { stdout } = await kubectl(['get', 'ap', 'with-a-token', '-o', 'jsonpath={.spec.rules[0].from[0].source}']);
  expect(JSON.parse(stdout)).toEqual({ namespaces: ['shop'], requestPrincipals: ['*'] });
});
