import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createAuthority } from '../../src/certs/authority.ts';
import type { KubernetesObject } from '../support/http/api-client.ts';
import { readBundles, readRegistration, writeBundles } from '../support/builders/registration.ts';
import { install, writeServiceAccountKubeconfig } from '../support/cluster/installation.ts';
import { untilInjecting } from '../support/cluster/installed-cluster.ts';
import { findFreePort } from '../support/http/free-port.ts';
import { askReadiness, untilReadiness, type Readiness } from '../support/http/readiness.ts';
import { startControlPlane, type ControlPlane } from '../support/processes/control-plane.ts';
import { startInjector, type InjectorProcess } from '../support/processes/injector-process.ts';
import { makeMovedClock, type MovedClock } from '../support/processes/moved-clock.ts';
import { injected, makePod, openTestCluster, type TestCluster } from '../support/processes/test-cluster.ts';
import { until } from '../support/waiting.ts';

/*
 * What nobody plans: a clock that jumps, a replica that stands still, others who write what is ours. A real replica behind a
 * real API server has to come out of it alone.
 */

jest.setTimeout(180_000);

let controlPlane: ControlPlane;
let cluster: TestCluster;
let clock: MovedClock;
let injector: InjectorProcess;
let enabled: string;

beforeAll(async () => {
  controlPlane = await startControlPlane();
  const port = await findFreePort();
  await install(controlPlane, { port });
  cluster = openTestCluster(controlPlane);
  clock = await makeMovedClock(path.join(controlPlane.folder, 'clock'));
  const certificate = { kubeconfig: await writeServiceAccountKubeconfig(controlPlane) };
  injector = await startInjector({ folder: controlPlane.folder, certificate, port, env: clock.env });
  await untilInjecting(cluster);
  enabled = await cluster.createNamespace(injected);
});
afterEach(() => untilInjecting(cluster));
afterAll(async () => {
  cluster.api.close();
  await injector.stop('SIGTERM');
  await controlPlane.stop();
});

const isReady = ({ status }: Readiness): boolean => status === 200;
const authority = async (): Promise<string | undefined> => {
  const secret = '/api/v1/namespaces/sidecar-injector-system/secrets/sidecar-injector-ca';
  type Secret = KubernetesObject & { readonly data?: Readonly<Record<string, string>> };
  return (await cluster.api.get<Secret>(secret)).body.data?.['ca.crt'];
};
const tryPod = (namespace: string) => cluster.createPod(namespace, makePod('pod'), 'dryRun=All');
const countEvents = async (event: string): Promise<number> =>
  (await injector.readLines()).filter((line) => line['event'] === event).length;

// Beyond the life of the API server's own certificate, nobody can ask for its time.
describe.each([
  ['ahead', 100, /our clock is more than 10 minutes ahead of the API server's; the earlier of both counts/],
  ['far ahead', 365, /the CA Secret: GET .* failed: certificate has expired/],
  ['behind', -365, /the CA Secret: GET .* failed: certificate is not yet valid/],
])('its clock jumps %s, by %i days', (_where, days, sentence) => {
  test('it says what is wrong and touches nothing that others share, and is well again with its clock', async () => {
    const shared = async () => [await authority(), await readBundles(cluster.api)];
    const before = await shared();
    await clock.move(days);
    try {
      await untilReadiness(injector.port, ({ status, text }) => status === 503 && sentence.test(text));
      expect(await shared()).toEqual(before);
    } finally {
      await clock.move(0);
    }
    await untilReadiness(injector.port, isReady);
    expect(await shared()).toEqual(before);
    expect(injector.isRunning()).toBe(true);
  });
});

test('it stands still, as behind a network that drops: pods wait for the timeout, and only those that must', async () => {
  const lenient = await cluster.createNamespace({ ...injected, 'sidecar-injector.io/failurePolicy': 'Ignore' });
  const plain = await cluster.createNamespace();
  expect((await tryPod(lenient)).body.spec.initContainers).toBeDefined();
  process.kill(Number(injector.pid), 'SIGSTOP');
  try {
    const [strict, open, other] = await Promise.all([tryPod(enabled), tryPod(lenient), tryPod(plain)]);
    expect([strict.status, strict.body.message]).toEqual([
      500,
      expect.stringMatching(/failed calling webhook "namespace\.sidecar-injector\.io".*(deadline exceeded|timeout)/i),
    ]);
    expect([open.status, open.body.spec.initContainers]).toEqual([201, undefined]);
    expect([other.status, other.body.spec.initContainers]).toEqual([201, undefined]);
  } finally {
    process.kill(Number(injector.pid), 'SIGCONT');
  }
  await untilInjecting(cluster);
  expect((await askReadiness(injector.port)).status).toBe(200);
  expect((await injector.readLines()).filter((line) => line['err'] !== undefined)).toEqual([]);
});

test('another controller writes its own bundle again and again: ours comes back each time, and stays when it has gone', async () => {
  const before = await readBundles(cluster.api);
  const foreign = (await createAuthority({ now: new Date(), lifetimeMs: 3_600_000 })).certificate;
  const start = await countEvents('bundle-patched');
  for (const round of [1, 2, 3]) {
    await writeBundles(cluster.api, foreign);
    await until(
      `repair ${round}`,
      async () => ((await readBundles(cluster.api)).join() === before.join() ? true : undefined),
      30_000,
    );
    // It is told of after it is done.
    await until(
      `the line about repair ${round}`,
      async () => (await countEvents('bundle-patched')) - start >= round || undefined,
    );
  }
  // Each time once: it does not fight with itself.
  expect((await countEvents('bundle-patched')) - start).toBe(3);
  expect(injector.isRunning()).toBe(true);
});

test('an entry under another name gets its bundle as well, and one that is not ours is left alone', async () => {
  const { webhooks } = await readRegistration(cluster.api);
  const registration = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/sidecar-injector';
  const [first] = webhooks;
  const nowhere = { matchLabels: { nobody: 'has-this' } };
  const copies = ['renamed.sidecar-injector.io', 'foreign.example.com'].map((name) => {
    const { caBundle: _, ...clientConfig } = first?.clientConfig ?? {};
    return { ...first, name, clientConfig, namespaceSelector: nowhere };
  });
  const added = copies.map((value) => ({ op: 'add', path: '/webhooks/-', value }));
  expect((await cluster.api.patch(registration, added)).status).toBe(200);
  const bundles = await until(
    'the bundle of the renamed one',
    async () => {
      const all = await readBundles(cluster.api);
      return all[webhooks.length] === undefined ? undefined : all;
    },
    30_000,
  );
  expect(bundles[webhooks.length]).toBe(bundles[0]);
  expect(bundles[webhooks.length + 1]).toBeUndefined();
  const removed = [1, 0].map((index) => ({ op: 'remove', path: `/webhooks/${webhooks.length + index}` }));
  expect((await cluster.api.patch(registration, removed)).status).toBe(200);
});
