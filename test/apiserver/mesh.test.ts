import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { audience, openMeshCluster, type MeshCluster, type MeshReplica } from '../support/mesh/mesh-cluster.ts';
import { secretsIn } from '../support/mesh/key-traces.ts';
import { sharedCluster } from '../support/processes/shared-cluster.ts';
import type { TestCluster } from '../support/processes/test-cluster.ts';
import { eventually, until } from '../support/waiting.ts';

jest.setTimeout(60_000);

// The control plane with the shipped manifest and its rights, beside a real API server: pods get their addresses from the test.

let mesh: MeshCluster;
let replica: MeshReplica;
let cluster: TestCluster;
let namespace: string;

beforeAll(async () => {
  mesh = await openMeshCluster(sharedCluster());
  ({ cluster, namespace } = mesh);
  replica = await mesh.start();
});

afterAll(() => mesh.close());

const service = (name: string, ip: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { clusterIP: ip, ports: [{ name: 'http', port: 80 }] },
});

const slice = (name: string, addresses: readonly string[]) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
});

const slices = () => `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;

test('a pod gets its certificate, and what the API server tells, as it changes', async () => {
  const { uid } = await mesh.createPod('web');
  const probe = await replica.letIn(await mesh.tokenOf('web', uid));
  probe.subscribe('secret', ['default', 'ROOTCA']);
  const { resources } = await probe.untilAbout('secret', 'default');
  const found = JSON.stringify(resources.find(({ name }) => name === 'default')?.message);
  const pem =
    /-----BEGIN CERTIFICATE-----[^"]+?-----END CERTIFICATE-----/.exec(found)?.[0].replaceAll('\\n', '\n') ?? '';
  expect(new X509Certificate(pem).subjectAltName).toBe(
    `URI:spiffe://cluster.local/ns/${namespace}/sa/default, othername:<unsupported>`,
  );

  expect((await cluster.api.create(`/api/v1/namespaces/${namespace}/services`, service('cart', ''))).status).toBe(201);
  expect((await cluster.api.create(slices(), slice('cart', ['10.1.2.3']))).status).toBe(201);
  const name = `outbound|80||cart.${namespace}.svc.cluster.local`;
  await probe.untilAbout('cluster', name);
  probe.subscribe('endpoints', [name]);
  const first = await probe.untilAbout('endpoints', name);
  expect(JSON.stringify(first.resources[0]?.message)).toContain('10.1.2.3');
  const changed = await cluster.api.replace(`${slices()}/cart-1`, slice('cart', ['10.1.2.4']));
  expect(changed.status).toBe(200);
  await until('the new endpoint', () =>
    probe.responses.find((one) => JSON.stringify(one.resources[0]?.message ?? '', stringify).includes('10.1.2.4')),
  );

  probe.subscribe('listener');
  await until('listeners', () =>
    probe.responses.find(({ resources: some }) => some.some((one) => one.name === 'virtualInbound')),
  );
  await cluster.api.delete(`/api/v1/namespaces/${namespace}/services/cart`);
  await until('the removal', () => probe.responses.find(({ removed }) => removed.includes(name)));
  await mesh.deletePod('web');
});

function stringify(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

describe('a stream is refused', () => {
  test.each([
    ['without a token', '', 'no token of a service account was sent'],
    ['with a text for a token', 'abc', 'no token of a service account was sent'],
  ])('%s', async (_, token, why) => {
    expect(await replica.endingOf(token)).toContain(why);
  });

  test('with a token for somebody else', async () => {
    const { uid } = await mesh.createPod('other');
    const token = await mesh.tokenOf('other', uid, ['https://elsewhere']);
    expect(await replica.endingOf(token)).toContain(`not for the audience ${audience}`);
    await mesh.deletePod('other');
  });

  test('once the pod is gone, and also when another of its name is there', async () => {
    const { uid } = await mesh.createPod('short');
    const token = await mesh.tokenOf('short', uid);
    (await replica.letIn(token)).close();
    await mesh.deletePod('short');
    const gone = await eventually(
      () => replica.endingOf(token),
      (text) => text.includes('is not known'),
    );
    expect(gone).toBe(`the pod ${namespace}/short is not known`);
    await mesh.createPod('short');
    const replaced = await eventually(
      () => replica.endingOf(token),
      (text) => text.includes('earlier'),
    );
    expect(replaced).toBe(`the token is of an earlier pod ${namespace}/short`);
    await mesh.deletePod('short');
  });
});

test('a second replica serves with the same authorities', async () => {
  const before = await mesh.roots();
  const second = await mesh.start();
  expect(await mesh.roots()).toBe(before);
  const { uid } = await mesh.createPod('either');
  const token = await mesh.tokenOf('either', uid);
  await Promise.all([replica.letIn(token), second.letIn(token)]);
});

test('nothing of keys and tokens is logged, or on a page', async () => {
  const { uid } = await mesh.createPod('watched');
  const token = await mesh.tokenOf('watched', uid);
  const elsewhere = await mesh.tokenOf('watched', uid, ['https://elsewhere']);
  const probe = await replica.letIn(token);
  probe.subscribe('secret', ['default', 'ROOTCA']);
  const { resources } = await probe.untilAbout('secret', 'default');
  expect(secretsIn(JSON.stringify(resources.map(({ message }) => message)), [])).toContain('a label of PEM');
  const forged = token.replace(/.{8}$/, 'AAAAAAAA');
  for (const one of [elsewhere, forged, `${token}.x`]) await replica.endingOf(one);
  const pages = await Promise.all([
    replica.ask('metrics', '/metrics'),
    replica.ask('metrics', '/world'),
    replica.ask('health', '/readyz?verbose'),
    replica.ask('health', '/livez?verbose'),
  ]);
  // The three parts of each.
  const parts = [token, elsewhere, forged].flatMap((one) => one.split('.').map((part) => part.slice(0, 40)));
  expect(secretsIn(`${pages.map(({ text }) => text).join('')}${mesh.log()}`, parts)).toEqual([]);
  expect(mesh.log()).toContain('a stream was refused');
  await mesh.deletePod('watched');
});
