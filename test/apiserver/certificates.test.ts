import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createAuthority } from '../../src/certs/authority.ts';
import { registrationEntries } from '../../src/injection/policy/registration.ts';
import { findFreePort } from '../support/http/free-port.ts';
import { startInjector, type InjectorProcess } from '../support/processes/injector-process.ts';
import { startInstalledCluster, untilInjecting, type InstalledCluster } from '../support/cluster/installed-cluster.ts';
import { install, writeServiceAccountKubeconfig } from '../support/cluster/installation.ts';
import { askReadiness, untilReadiness } from '../support/http/readiness.ts';
import { readBundles, readRegistration, writeBundles } from '../support/builders/registration.ts';
import { injected, makePod, openTestCluster, type TestCluster } from '../support/processes/test-cluster.ts';
import { until } from '../support/waiting.ts';

// A round of the program's loop may be half a minute away.
jest.setTimeout(120_000);
const repairMs = 60_000;

const secretPath = '/api/v1/namespaces/sidecar-injector-system/secrets/sidecar-injector-ca';
let installed: InstalledCluster;
let cluster: TestCluster;
const replicas: InjectorProcess[] = [];

beforeAll(async () => {
  installed = await startInstalledCluster();
  cluster = openTestCluster(installed);
});
afterAll(async () => {
  cluster.api.close();
  for (const replica of replicas) await replica.stop('SIGTERM');
  await installed.stop();
});

const readSecret = async () => (await cluster.api.get<{ data?: Record<string, string> }>(secretPath)).body;
const startReplica = async (port: number) => {
  const kubeconfig = await writeServiceAccountKubeconfig(installed);
  const replica = await startInjector({ folder: installed.folder, certificate: { kubeconfig }, port });
  replicas.push(replica);
  return replica;
};
const isReady = ({ status }: { status: number }) => status === 200;
const isUnready = ({ status }: { status: number }) => status === 503;

test('the empty Secret is filled, and all entries get its CA', async () => {
  const { data } = await readSecret();
  expect(Object.keys(data ?? {})).toEqual(expect.arrayContaining(['ca.crt', 'ca.key']));
  const ca = Buffer.from(data?.['ca.crt'] ?? '', 'base64').toString('utf8');
  expect((await readBundles(cluster.api)).map((bundle) => bundle?.trim())).toEqual(
    registrationEntries.map(() => ca.trim()),
  );
});

test('the log never holds a private key', async () => {
  const { data } = await readSecret();
  const key = Buffer.from(data?.['ca.key'] ?? '', 'base64').toString('utf8');
  const log = await installed.injector.readLog();
  expect(log).not.toContain('PRIVATE KEY');
  expect(log).not.toContain(key.split('\n')[1]);
});

test('a second replica takes the same CA and changes nothing', async () => {
  const before = [await readSecret(), await readRegistration(cluster.api)];
  const replica = await startReplica(0);
  await untilReadiness(replica.port, isReady);
  expect([await readSecret(), await readRegistration(cluster.api)]).toEqual(before);
});

describe('the manifests are applied again', () => {
  test('bundle and Secret stay', async () => {
    const before = [await readBundles(cluster.api), (await readSecret()).data];
    await install(installed, { port: installed.injector.port });
    expect([await readBundles(cluster.api), (await readSecret()).data]).toEqual(before);
  });
});

describe('a CA bundle that somebody changes comes back', () => {
  test.each([
    ['of another CA', async () => (await createAuthority({ now: new Date(), lifetimeMs: 3_600_000 })).certificate],
    ['taken away', () => Promise.resolve(undefined)],
    ['garbage', () => Promise.resolve('no certificate at all')],
  ])('%s', async (_what, make) => {
    const before = await readBundles(cluster.api);
    await writeBundles(cluster.api, await make());
    await until(
      'the bundle is repaired',
      async () => ((await readBundles(cluster.api)).join() === before.join() ? true : undefined),
      repairMs,
    );
    await untilInjecting(cluster);
  });
});

test('a deleted Secret that comes back empty is filled with the same CA', async () => {
  const before = await readSecret();
  const bundles = await readBundles(cluster.api);
  await cluster.api.delete(secretPath);
  await install(installed, { port: installed.injector.port });
  const after = await until('the Secret is filled', async () => (await readSecret()).data, repairMs);
  expect(after['ca.crt']).toEqual(before.data?.['ca.crt']);
  expect(await readBundles(cluster.api)).toEqual(bundles);
});

test('a deleted registration that comes back gets its bundle', async () => {
  const bundles = await readBundles(cluster.api);
  await cluster.api.delete('/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/sidecar-injector');
  const namespace = await cluster.createNamespace(injected);
  const free = await cluster.createPod(namespace, makePod('free'));
  expect([free.status, free.body.spec.initContainers]).toEqual([201, undefined]);
  await install(installed, { port: installed.injector.port });
  await until(
    'the bundle is there',
    async () => ((await readBundles(cluster.api)).join() === bundles.join() ? true : undefined),
    repairMs,
  );
  await untilInjecting(cluster);
});

describe('with the API server away', () => {
  test('a replica goes on being ready; a new one waits, and is ready when the API server is back', async () => {
    await installed.stopApiServer();
    const port = await findFreePort();
    const late = startReplicaWithoutApi(port);
    const waiting = await untilReadiness(port, isUnready);
    expect(waiting.text).toMatch(/\[-\] certificate: .+/);
    expect((await askReadiness(installed.injector.port)).status).toBe(200);
    await installed.startApiServer();
    await untilReadiness(port, isReady, repairMs);
    expect((await late).isRunning()).toBe(true);
    await untilInjecting(cluster);
  });
});

/** The token was made before. */
async function startReplicaWithoutApi(port: number): Promise<InjectorProcess> {
  const kubeconfig = `${installed.folder}/sidecar-injector.kubeconfig`;
  const replica = await startInjector({ folder: installed.folder, certificate: { kubeconfig }, port });
  replicas.push(replica);
  return replica;
}
