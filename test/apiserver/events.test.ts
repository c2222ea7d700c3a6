import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { install, writeServiceAccountKubeconfig } from '../support/cluster/installation.ts';
import { untilInjecting } from '../support/cluster/installed-cluster.ts';
import { kubectl } from '../support/cluster/kubectl.ts';
import { findFreePort } from '../support/http/free-port.ts';
import { startControlPlane, type ControlPlane } from '../support/processes/control-plane.ts';
import { startInjector, type InjectorProcess } from '../support/processes/injector-process.ts';
import { injected, makePod, openTestCluster, type TestCluster } from '../support/processes/test-cluster.ts';
import { until } from '../support/waiting.ts';

jest.setTimeout(120_000);

let controlPlane: ControlPlane;
let cluster: TestCluster;
let settings: string;
const replicas: InjectorProcess[] = [];

const configuration = (spec: object) =>
  JSON.stringify({ apiVersion: 'sidecar-injector.io/v1alpha1', kind: 'InjectorConfiguration', spec });

beforeAll(async () => {
  controlPlane = await startControlPlane();
  const port = await findFreePort();
  await install(controlPlane, { port });
  cluster = openTestCluster(controlPlane);
  settings = path.join(controlPlane.folder, 'settings.yaml');
  await writeFile(settings, configuration({}));
  const certificate = { kubeconfig: await writeServiceAccountKubeconfig(controlPlane) };
  const more = { folder: controlPlane.folder, certificate, arguments: [`--settings=${settings}`] };
  replicas.push(await startInjector({ ...more, port }));
  await untilInjecting(cluster);
});
afterAll(async () => {
  cluster.api.close();
  for (const one of replicas) await one.stop('SIGTERM');
  await controlPlane.stop();
});

const run = (...args: readonly string[]) => kubectl(controlPlane.kubeconfig, args);

/** Events of an owner, one a line: type, reason and note. */
async function eventsOf(namespace: string, owner: string): Promise<readonly string[]> {
  const told = await run(
    'events',
    '-n',
    namespace,
    '--for',
    owner,
    '-o',
    'jsonpath={range .items[*]}{.type} {.reason} {.message}{"\\n"}{end}',
  );
  return told.split('\n').filter((line) => / (?:Injected|Injection|Settings|CABundle)/.test(line));
}

const logs = async () => (await Promise.all(replicas.map((one) => one.readLog()))).join('');

async function untilEvents(namespace: string, owner: string, count: number): Promise<readonly string[]> {
  const found = await until(`${count} Events of ${owner}`, async () => {
    const events = await eventsOf(namespace, owner);
    return events.length >= count ? events : undefined;
  }).catch(async (error: unknown) => {
    throw new Error(`${String(error)}\n${await logs()}`, { cause: error });
  });
  return found;
}

const deploy = (namespace: string, name: string, ...more: readonly string[]) =>
  run('create', 'deployment', name, '--image=registry.example/app:1', '-n', namespace, ...more);

test('a Deployment is told once for each revision that its pods are injected', async () => {
  const namespace = await cluster.createNamespace(injected);
  await deploy(namespace, 'web', '--replicas=3');
  expect(await untilEvents(namespace, 'deployment/web', 1)).toEqual([
    expect.stringMatching(/^Normal Injected pods of revision \w+ get a sidecar: settings [0-9a-f]{8}, version/),
  ]);
  await run('set', 'image', 'deployment/web', 'app=registry.example/app:2', '-n', namespace);
  await until('pods of two revisions', async () => {
    const pods = await run(
      'get',
      'pods',
      '-n',
      namespace,
      '-o',
      'jsonpath={.items[*].metadata.labels.pod-template-hash}',
    );
    return new Set(pods.split(' ')).size === 2 || undefined;
  });
  expect(await untilEvents(namespace, 'deployment/web', 2)).toHaveLength(2);
  expect(await logs()).not.toContain('an Event was not created');
});

test('pods that are left out or denied are told with the reason', async () => {
  const namespace = await cluster.createNamespace(injected);
  const foreign = makePod('foreign', { metadata: { annotations: { 'sidecar.istio.io/status': '{}' } } });
  expect((await cluster.createPod(namespace, foreign)).status).toBe(201);
  expect(await untilEvents(namespace, 'pod/foreign', 1)).toEqual([
    expect.stringMatching(/^Warning InjectionSkipped pods get no sidecar: .*\(ForeignStatus\)$/),
  ]);
  const wrong = makePod('wrong', { metadata: { annotations: { 'sidecar.istio.io/proxyCPU': 'much' } } });
  expect((await cluster.createPod(namespace, wrong)).status).toBe(400);
  expect(await untilEvents(namespace, 'pod/wrong', 1)).toEqual([
    expect.stringMatching(/^Warning InjectionDenied pods are denied: .*\(InvalidAnnotation\)/),
  ]);
  // A dry run creates nothing, an Event neither.
  expect((await cluster.createPod(namespace, makePod('dry'), 'dryRun=All')).status).toBe(201);
  expect((await cluster.createPod(namespace, makePod('last'))).status).toBe(201);
  await untilEvents(namespace, 'pod/last', 1);
  expect(await eventsOf(namespace, 'pod/dry')).toEqual([]);
});

test('our own Deployment is told of refused settings and of a bundle that somebody has changed', async () => {
  const own = ['sidecar-injector-system', 'deployment/sidecar-injector'] as const;
  await writeFile(settings, configuration({ proxy: { logLevel: 'many' } }));
  const registration = 'mutatingwebhookconfiguration/sidecar-injector';
  const patch = [{ op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }];
  await run('patch', registration, '--type=json', '-p', JSON.stringify(patch));
  await until('both Events', async () => {
    const text = (await eventsOf(...own)).join('\n');
    return (
      (/Warning SettingsRefused .*spec\.proxy\.logLevel/.test(text) &&
        /Normal CABundleWritten 'namespace\.sidecar-injector\.io' had no bundle; \d+ CAs? published/.test(text)) ||
      undefined
    );
  }).catch(async (error: unknown) => {
    throw new Error(`${String(error)}\n${(await eventsOf(...own)).join('\n')}\n${await logs()}`, { cause: error });
  });
  // The API server takes a moment to trust it again.
  await untilInjecting(cluster);
});

test('the setting switches them off, and no pod is outdated by that', async () => {
  const hash = async (name: string, namespace: string) =>
    await run(
      'get',
      'pod',
      name,
      '-n',
      namespace,
      '-o',
      'jsonpath={.metadata.labels.sidecar-injector\\.io/settings-hash}',
    );
  const namespace = await cluster.createNamespace(injected);
  await cluster.createPod(namespace, makePod('before'));
  await untilEvents(namespace, 'pod/before', 1);
  const told = async () => (await logs()).split('"settings are in use"').length;
  const count = await told();
  await writeFile(settings, configuration({ events: { enabled: false } }));
  await until('the settings are in use', async () => (await told()) > count || undefined);
  await cluster.createPod(namespace, makePod('after'));
  // What was to be told of it would be told before the next one.
  await writeFile(settings, configuration({}));
  await until('the settings are in use again', async () => (await told()) > count + 1 || undefined);
  await cluster.createPod(namespace, makePod('again'));
  await untilEvents(namespace, 'pod/again', 1);
  expect(await eventsOf(namespace, 'pod/after')).toEqual([]);
  expect(await hash('after', namespace)).toBe(await hash('before', namespace));
});
