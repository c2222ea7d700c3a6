import { describe, expect, test } from '@jest/globals';
import { runCommand } from '../../support/builders/recorded-io.ts';

const head =
  'apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - name: web\n    image: web:1\n';

async function thereAndBack(text: string): Promise<string> {
  const injected = await runCommand(['inject', '-f', '-'], text);
  expect([injected.code, injected.stdout === text]).toEqual([0, false]);
  const { stdout } = await runCommand(['uninject', '-f', '-'], injected.stdout);
  return stdout;
}

describe('inject and uninject give every byte back', () => {
  test.each([
    [
      '    livenessProbe:\n      tcpSocket:\n        port: 80\n      periodSeconds: 10   # often\n      failureThreshold: 3\n',
    ],
    ['    livenessProbe:\n      # over a socket\n      tcpSocket:\n        port: 80\n      periodSeconds: 10\n'],
    [
      '    livenessProbe:\n      periodSeconds: 10\n      tcpSocket: {port: 80}\n      # below\n      failureThreshold: 3\n',
    ],
    [
      '    readinessProbe:\n      initialDelaySeconds: 3\n\n      grpc: {port: 9000, service: "a:b"}\n      periodSeconds: 10\n',
    ],
    ['    startupProbe: {tcpSocket: {port: 81}, periodSeconds: 1}\n'],
    ['    startupProbe: {periodSeconds: 1, grpc: {port: 81},  failureThreshold: 9}\n'],
    ['    startupProbe: {tcpSocket: {port: 81}}\n'],
    ['    lifecycle:\n      preStop:\n        tcpSocket: {port: 1}\n      postStart:\n        httpGet: {port: 80}\n'],
    ['    livenessProbe: {tcpSocket: {port: 80, host: "::1"}, periodSeconds: 10}\n    args: [e1, 0o17, 1.0]\n'],
  ])('in YAML: %s', async (container) => {
    expect(await thereAndBack(head + container)).toBe(head + container);
  });

  test('except for whole numbers above 2^53 in a container that moves, which is told', async () => {
    const own = '  - name: istio-proxy\n    image: auto\n    readinessProbe: {httpGet: {port: 15021}, terminationGracePeriodSeconds: 9007199254740993}\n    resources: {requests: {memory: 9007199254740997}}\n'; // prettier-ignore
    const { stderr, code } = await runCommand(['inject', '-f', '-'], `${head}    n: 9007199254741001\n${own}`);
    expect(code).toBe(0);
    expect(stderr).toContain('Pod/web: 9007199254740992 may have had other digits');
    expect(stderr).toContain('Pod/web: 9007199254740996 may have had other digits');
    expect(stderr).not.toContain('9007199254741000');
  });

  const container = {
    name: 'web',
    image: 'web:1',
    livenessProbe: { tcpSocket: { port: 80 }, periodSeconds: 10 },
    readinessProbe: { initialDelaySeconds: 3, grpc: { port: 9000, service: '' }, periodSeconds: 5 },
    startupProbe: { tcpSocket: { port: 81 } },
  };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: { containers: [container] } };
  const spaced = JSON.stringify(pod, null, 1).replaceAll(/\n */g, ' ').replaceAll(/([{[]) /g, '$1').replaceAll(/ ([}\]])/g, '$1'); // prettier-ignore

  test.each([
    ['on one line', JSON.stringify(pod)],
    ['with blanks', spaced],
    ['indented', JSON.stringify(pod, null, 2)],
    ['indented by tabs', JSON.stringify(pod, null, '\t').replaceAll('\n', '\r\n')],
    [
      'with its own notation',
      `{"kind":"List","apiVersion":"v1","items":[{"apiVersion":"v1","kind":"X","metadata":{"name":"x"},\n "n":[1.0,  9223372036854775807, 1E5, -0, "\\u003c\\/"]},\n${spaced}]}`,
    ],
  ])('in JSON %s', async (_what, text) => {
    expect(await thereAndBack(text)).toBe(text);
  });
});
