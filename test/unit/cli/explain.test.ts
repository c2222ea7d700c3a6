import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runCommand } from '../../support/builders/recorded-io.ts';

const pod = `apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: app
      image: nginx:1
      env: [{name: PASSWORD, value: hunter2}]
      readinessProbe: {httpGet: {port: 8080}}
`;

describe('explain', () => {
  test('walks selectors and policy, and shows what is added and captured', async () => {
    const { stdout, code } = await runCommand(
      ['explain', '-f', '-', '--namespace-labels', 'istio-injection=enabled'],
      pod,
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Pod\/web, namespace default \(<stdin>:1\)$/m);
    expect(stdout).toMatch(/Webhook selectors: .*yes, entry namespace\.sidecar-injector\.io matches/);
    expect(stdout).toMatch(/Injection policy: .*inject, because .* \(PolicyEnabled\)/);
    expect(stdout).toMatch(/native sidecar\s+istio-proxy/);
    expect(stdout).toMatch(/probe\s+app readinessProbe/);
    expect(stdout).toMatch(/^ +DIRECTION +CONNECTIONS +MATCH +THROUGH +WHY$/m);
    expect(stdout).toMatch(/^ +inbound +TCP to any other port/m);
    expect(stdout).not.toContain('hunter2');
  });

  test.each([
    ['baseline', 'istio-injection=enabled,pod-security.kubernetes.io/enforce=baseline', true],
    ['privileged', 'istio-injection=enabled,pod-security.kubernetes.io/enforce=privileged', false],
  ])('warns that a namespace of the level %s refuses what is injected', async (_level, labels, isWarned) => {
    const { stdout, code } = await runCommand(['explain', '-f', '-', '--namespace-labels', labels], pod);
    expect(code).toBe(0);
    const warning =
      /warning: the namespace enforces Pod Security baseline, so the pod will be refused \(container "istio-init": capability NET_ADMIN, capability NET_RAW\)\n.*warning: for a sidecar under Pod Security, use sidecar\.istio\.io\/interceptionMode: NONE/;
    expect(warning.test(stdout)).toBe(isWarned);
  });

  test('does not lay to injection what Pod Security refuses of the pod itself', async () => {
    const labels = 'istio-injection=enabled,pod-security.kubernetes.io/enforce=baseline';
    const own = `${pod}  hostPID: true\n`.replace(
      'metadata:\n',
      'metadata:\n  annotations: {sidecar.istio.io/interceptionMode: NONE}\n',
    );
    const { stdout } = await runCommand(['explain', '-f', '-', '--namespace-labels', labels], own);
    expect(stdout).not.toContain('will be refused');
  });

  test.each<[string, string, readonly string[], RegExp]>([
    ['the first gate', pod, ['--namespace-labels', 'a=b'], /would not even call the injector:\n.*istio-injection/],
    ['no webhook selectors', pod, [], /Webhook selectors: .*not asked/],
    ['a skip', `${pod}  hostNetwork: true\n`, [], /Injection policy: .*skip, because .* \(HostNetwork\)/],
    [
      'a refusal',
      pod.replace('spec:', '  annotations: {sidecar.istio.io/proxyCPU: much}\nspec:'),
      [],
      /deny, because .*"much"/,
    ],
    [
      'an object without pods',
      'apiVersion: v1\nkind: Service\nmetadata: {name: s}\n',
      [],
      /Service\/s.*\n  no known pod template/,
    ],
  ])('says what %s decided', async (_what, text, args, expected) => {
    const { stdout, code } = await runCommand(['explain', '-f', '-', ...args], text);
    expect(stdout).toMatch(expected);
    expect(code).toBe(0);
  });

  describe('who decided what is not as built in', () => {
    let folder = '';
    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'explain-'));
      const spec = {
        proxy: { logLevel: 'info', statusPort: 15_999 },
        profiles: [{ name: 'tight', resources: { requests: { cpu: '7m' } } }],
      };
      const settings = { apiVersion: 'sidecar-injector.io/v1alpha1', kind: 'InjectorConfiguration', spec };
      await writeFile(path.join(folder, 'settings.json'), JSON.stringify(settings));
    });
    afterAll(() => rm(folder, { recursive: true }));

    /** The rows of the section, each as name, value and origin. */
    async function rowsFor(text: string, ...args: string[]): Promise<string[][]> {
      const { stdout } = await runCommand(['explain', '-f', '-', ...args], text);
      const [, after = ''] = stdout.split('  Settings (everything else is as built in)\n');
      const [section = ''] = after.split('\n\n');
      return section
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.trim().split(/ {2,}/));
    }

    test('nothing is said when nothing is different', async () => {
      expect(await rowsFor(pod)).toEqual([]);
    });

    test('the settings, the profile and the pod, the most specific one', async () => {
      const text = pod.replace(
        'spec:',
        `  labels: {sidecar-injector.io/profile: tight}
  annotations: {sidecar.istio.io/logLevel: debug, sidecar.istio.io/proxyMemory: 99Mi}
spec:`,
      );
      expect(await rowsFor(text, '--settings', path.join(folder, 'settings.json'))).toEqual([
        ['proxy.logLevel', 'debug', 'from the pod'],
        ['proxy.statusPort', '15999', 'from the settings'],
        ['proxy.resources.requests.cpu', '7m', 'from profile tight'],
        ['proxy.resources.requests.memory', '99Mi', 'from the pod'],
      ]);
    });
  });

  test('the namespace is named where it decided', async () => {
    const defaults = [
      'sidecar-injector.io/defaults=true',
      'sidecar.istio.io/logLevel=info',
      'sidecar.istio.io/proxyCPU=7m',
    ];
    const args = defaults.flatMap((one) => ['--namespace-annotations', one]);
    const own = pod.replace('spec:', '  annotations: {sidecar.istio.io/proxyCPU: 9m}\nspec:');
    const { stdout } = await runCommand(['explain', '-f', '-', ...args], own);
    expect(stdout).toMatch(/proxy\.logLevel +info +from the namespace/);
    expect(stdout).toMatch(/proxy\.resources\.requests\.cpu +9m +from the pod/);
  });

  test('-o json says the same, without values that may be secret', async () => {
    const { stdout } = await runCommand(['explain', '-f', '-', '-o', 'json'], pod);
    const [explanation] = JSON.parse(stdout) as Record<string, unknown>[];
    expect(explanation).toMatchObject({
      object: { kind: 'Pod', name: 'web', namespace: 'default' },
      webhookSelectors: { asked: false },
      decision: {
        outcome: 'inject',
        reasons: [{ code: 'PolicyEnabled' }],
        added: { volumes: expect.arrayContaining(['istio-logs']) },
      },
    });
    expect(stdout).not.toContain('hunter2');
    expect(stdout).not.toContain('"env"');
  });

  test.each<[string, readonly string[]]>([
    ['neither -f nor --pod', []],
    ['both', ['-f', '-', '--pod', 'a/b']],
    ['a pod without namespace', ['--pod', 'web']],
  ])('usage: %s', async (_what, args) => {
    expect(await runCommand(['explain', ...args], pod)).toMatchObject({ code: 2, stdout: '' });
  });

  test('says why the cluster cannot be asked', async () => {
    const run = await runCommand(['explain', '--pod', 'a/b', '--kubeconfig', '/nowhere/config']);
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toMatch(/^error: .*\/nowhere\/config.*\nhint: /);
    expect(run.stderr).not.toContain('unexpected fault');
  });
});
