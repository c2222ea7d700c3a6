import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../support/builders/recorded-io.ts';

const probes = `      readinessProbe: {httpGet: {path: /ready, port: 8080}}
      livenessProbe:
        tcpSocket: {port: 8080}
      lifecycle: {postStart: {httpGet: {path: /started, port: 8080}}}
`;
const pod = (more = '', name = 'web') =>
  `apiVersion: v1\nkind: Pod\nmetadata:\n  name: shop\nspec:\n  containers:\n    - name: ${name}\n      image: web:1\n${more}    - name: other\n      image: other:1\n`;
const rename = (text: string) => text.replace(/- name: web$/m, '- name: app');

const template = `apiVersion: sidecar-injector.io/v1alpha1
kind: SidecarTemplate
metadata: {name: logs}
spec:
  containers: [{name: shipper, image: "shipper:1"}]
  share:
    - path: /var/log/app
      containers: [web]
      volume: {name: logs-files, emptyDir: {}}
      with: [{container: shipper, mountPath: /var/log/app}]
  application: [{containers: [web], env: [{name: LOG_LEVEL, value: info}]}]
`;

const run = (text: string, ...args: string[]) => runCommand([...args, '-f', '-'], text);

describe('uninject, after somebody has changed what the record names', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'renamed-'));
    writeFileSync(join(folder, 'logs.yaml'), template);
    writeFileSync(
      join(folder, 'drain.yaml'),
      'apiVersion: sidecar-injector.io/v1alpha1\nkind: InjectorConfiguration\nspec: {proxy: {applicationDrainSeconds: 7}}\n',
    );
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const withLogs = () => ['--sidecars', join(folder, 'logs.yaml')] as const;
  const drained = () => ['--settings', join(folder, 'drain.yaml')] as const;
  const asks = (text: string) =>
    text.replace('  name: shop\n', '  name: shop\n  annotations: {inject.istio.io/templates: "sidecar,logs"}\n');

  test('puts the probes and hooks of a renamed container back', async () => {
    const injected = (await run(pod(probes), 'inject')).stdout;
    expect(injected.match(/path: \/app-(?:health|lifecycle)\/web\//g)).toHaveLength(3);
    const back = await run(rename(injected), 'uninject', '-o', 'json');
    expect(back.code).toBe(0);
    expect(JSON.parse(back.stdout)).toEqual(
      JSON.parse((await run(rename(pod(probes)), 'uninject', '-o', 'json')).stdout),
    );
  });

  test('puts back a probe that is now another one, and those of a copy', async () => {
    const probe = '      readinessProbe: {httpGet: {path: /ready, port: 8080}}\n';
    const injected = (await run(pod(probe), 'inject')).stdout;
    const moved = injected.replace('readinessProbe: {httpGet: {path: /app', 'startupProbe: {httpGet: {path: /app');
    expect((await run(moved, 'uninject')).stdout).toBe(pod(probe.replace('readiness', 'startup')));
    const block = /    - name: web\n(?: {6}.*\n)+/.exec(injected)?.[0] ?? '';
    const copied = injected.replace(block, block + block.replace('name: web', 'name: canary'));
    const back = (await run(copied, 'uninject')).stdout;
    expect(back.match(/path: \/ready/g)).toHaveLength(2);
    expect(back).not.toContain('app-health');
  });

  test('takes sleeps, mounts and variables from a renamed container whose probe names it', async () => {
    const probe = '      readinessProbe: {httpGet: {path: /ready, port: 8080}}\n';
    const injected = (await run(asks(pod(probe)), 'inject', ...withLogs(), ...drained())).stdout;
    for (const part of ['LOG_LEVEL', 'mountPath: /var/log/app', 'sleep']) expect(injected).toContain(part);
    expect(await run(rename(injected), 'uninject')).toMatchObject({ code: 0, stdout: rename(asks(pod(probe))) });
  });

  test('and from one without a probe, by its mount of an injected volume', async () => {
    const injected = (await run(asks(pod()), 'inject', ...withLogs())).stdout;
    expect(await run(rename(injected), 'uninject')).toMatchObject({ code: 0, stdout: rename(asks(pod())) });
  });

  test.each<[string, () => Promise<string>, RegExp]>([
    [
      'a sleep that may be somebody’s own',
      async () => rename((await run(pod(), 'inject', ...drained())).stdout),
      /container "app" has a sleep before its end, as was added to "web", which is gone; name the container "web" again/,
    ],
    [
      'a renamed proxy',
      async () => (await run(pod(), 'inject')).stdout.replace('- name: istio-proxy', '- name: envoy'),
      /container "envoy" mounts "istio-logs", a volume of the sidecar, which .* does not name/,
    ],
    [
      'a renamed agent of Istio',
      async () =>
        (await run(pod(), 'inject', '--istio-set', 'values.global.tag=1.28.0')).stdout.replace(
          '- name: istio-init',
          '- name: start',
        ),
      /container "start" runs a program of the sidecar/,
    ],
    [
      'a renamed volume of ours',
      async () => (await run(pod(), 'inject')).stdout.replaceAll('name: istio-logs', 'name: logs'),
      /volume "logs" is mounted by the sidecar alone/,
    ],
    [
      'a probe whose original nobody knows',
      async () =>
        (await run(pod(probes), 'inject')).stdout.replace('/app-health/web/readyz', '/app-health/ghost/readyz'),
      /container "web": readinessProbe asks \/app-health\/ghost\/readyz of the sidecar/,
    ],
  ])('tells of %s, and writes nothing', async (_what, edited, message) => {
    const text = await edited();
    const back = await run(text, 'uninject');
    expect(back).toMatchObject({ code: 1, stdout: '' });
    expect(back.stderr).toMatch(message);
    expect(await run(text, 'inject', '--refresh')).toMatchObject({ code: 1, stdout: '' });
  });

  test.each<[string, (text: string) => string, (text: string) => string]>([
    [
      'a container of the application',
      (text) => text.replace(/    - name: web\n(?: {6}.*\n)+/, ''),
      (text) => text.replace(/    - name: web\n(?: {6}.*\n)+/, ''),
    ],
    [
      'the probe',
      (text) => text.replace(/ {6}readinessProbe.*\n/, ''),
      (text) => text.replace(/ {6}readiness.*\n/, ''),
    ],
    ['the proxy', (text) => text.replace(/    - name: istio-proxy\n(?: {6}.*\n)+/, ''), (text) => text],
    ['all init containers', (text) => text.replace(/ {2}initContainers:\n(?: {4}.*\n)+/, ''), (text) => text],
    ['all volumes', (text) => text.replace(/ {2}volumes:\n(?: {4}.*\n)+/, ''), (text) => text],
  ])('does not miss %s that somebody has removed', async (_what, remove, expected) => {
    const probe = '      readinessProbe: {httpGet: {path: /ready, port: 8080}}\n';
    const injected = (await run(pod(probe), 'inject')).stdout;
    const text = remove(injected);
    expect(text).not.toBe(injected);
    expect(await run(text, 'uninject')).toMatchObject({ code: 0, stdout: expected(pod(probe)) });
  });
});
