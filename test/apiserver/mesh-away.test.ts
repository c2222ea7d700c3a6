import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { openMeshCluster, type MeshCluster, type MeshReplica } from '../support/mesh/mesh-cluster.ts';
import { startControlPlane, type ControlPlane } from '../support/processes/control-plane.ts';
import { until } from '../support/waiting.ts';

jest.setTimeout(120_000);

// The control plane while its API server is away. The clock is the test's, so that nobody waits for a minute.

let api: ControlPlane;
let mesh: MeshCluster;
let replica: MeshReplica;
let aheadMs = 0;

beforeAll(async () => {
  api = await startControlPlane();
  mesh = await openMeshCluster(api);
  replica = await mesh.start({ clock: () => new Date(Date.now() + aheadMs) });
});

afterAll(async () => {
  try {
    await mesh.close();
  } finally {
    await api.stop();
  }
});

async function ageOf(kind: string): Promise<number> {
  const { text } = await replica.ask('metrics', '/metrics');
  return Number(new RegExp(`watch_age_seconds{kind="${kind}"} (\\S+)`).exec(text)?.[1]);
}

test('where the keys of tokens may not be read, the API server checks them', async () => {
  const binding = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/system:service-account-issuer-discovery';
  const [{ uid }, { uid: goneUid }] = [await mesh.createPod('reviewed'), await mesh.createPod('gone')];
  const [token, gone] = [await mesh.tokenOf('reviewed', uid), await mesh.tokenOf('gone', goneUid)];
  const foreign = await mesh.tokenOf('reviewed', uid, ['https://elsewhere']);
  expect((await mesh.cluster.api.delete(binding)).status).toBe(200);
  // The authorizer of the API server follows its own watch.
  await until('the right to be gone', async () => {
    const answer = await mesh.cluster.api.create<{ status: { allowed: boolean } }>(
      '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: 'system:serviceaccount:sidecar-injector-system:sidecar-injector-mesh',
          groups: ['system:serviceaccounts', 'system:authenticated'],
          nonResourceAttributes: { path: '/openid/v1/jwks', verb: 'get' },
        },
      },
    );
    return !answer.body.status.allowed || undefined;
  });
  const reviewing = await mesh.start();
  expect(mesh.log()).toContain('tokens are sent to the API server to be checked, because it publishes no keys');
  await reviewing.letIn(gone);
  const probe = await reviewing.letIn(token);
  probe.subscribe('secret', ['default']);
  await probe.untilAbout('secret', 'default');
  expect(await reviewing.endingOf('no-token')).toBe('the API server does not accept the token');
  expect(await reviewing.endingOf(foreign)).toBe('the API server does not accept the token');
  await mesh.deletePod('gone');
  // The answer about the token is remembered; the pod is not.
  await until('the pod to be gone', async () => (await reviewing.endingOf(gone)).includes('is not known') || undefined);
  expect(mesh.log()).not.toContain(token.slice(0, 20));
  // Both replicas know the same of the cluster, and say so.
  const digests = async (one: MeshReplica): Promise<string> => {
    const { text } = await one.ask('metrics', '/world');
    return JSON.stringify([...text.matchAll(/"(\w+)":{"digest":"(\w+)"/g)].map(([, kind, digest]) => [kind, digest]));
  };
  const same = await until('the same digests', async () => {
    const [mine, other] = [await digests(replica), await digests(reviewing)];
    return mine === other ? mine : undefined;
  });
  expect(same).toMatch(/^\[\["service","\w{2,}"\],\["slice","\w+"\],\["pod","\w{2,}"\],\["VirtualService","0"\],/);
});

test('endpoints of many Services that vanish at once stay, and are the same when they come back', async () => {
  const { api: client } = mesh.cluster;
  const names = Array.from({ length: 12 }, (_, index) => `many-${index}`);
  const slices = `/apis/discovery.k8s.io/v1/namespaces/${mesh.namespace}/endpointslices`;
  const createSlices = () =>
    Promise.all(
      names.map((name, index) =>
        client.create(slices, {
          apiVersion: 'discovery.k8s.io/v1',
          kind: 'EndpointSlice',
          metadata: { name, labels: { 'kubernetes.io/service-name': name } },
          addressType: 'IPv4',
          ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
          endpoints: [{ addresses: [`10.1.2.${index + 1}`], conditions: { ready: true } }],
        }),
      ),
    );
  for (const name of names) {
    const ports = [{ name: 'http', port: 80 }];
    const annotations = name === 'many-0' ? { 'networking.istio.io/exportTo': '.' } : {};
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name, annotations }, spec: { ports } };
    expect((await client.create(`/api/v1/namespaces/${mesh.namespace}/services`, service)).status).toBe(201);
  }
  await createSlices();
  const { uid } = await mesh.createPod('client');
  const probe = await replica.letIn(await mesh.tokenOf('client', uid));
  const clusters = names.map((name) => `outbound|80||${name}.${mesh.namespace}.svc.cluster.local`);
  const last = clusters.at(-1) ?? '';
  await probe.untilAbout('cluster', last);
  probe.subscribe('endpoints', clusters);
  // It is known everywhere, and that is said.
  expect(mesh.log()).toContain('networking.istio.io/exportTo: . is not followed');
  const addresses = () =>
    new Set(
      JSON.stringify(probe.responses, (_, value: unknown) => (typeof value === 'bigint' ? '' : value)).match(
        /10\.1\.2\.\d+/g,
      ),
    );
  await until('all endpoints', () => addresses().size === 12 || undefined);
  const before = probe.responses.length;

  await client.delete(slices);
  const metric = async (value: number) => {
    const { text } = await replica.ask('metrics', '/metrics');
    return text.includes(`sidecar_injector_mesh_held_removals ${value}\n`) || undefined;
  };
  await until('the removals to be held back', () => metric(12));
  expect(mesh.log()).toContain('most endpoints of many Services are gone at once: removals are held back');
  await createSlices();
  await until('the endpoints to be back', () => metric(0));
  expect(mesh.log()).toContain('what was gone has come back');
  expect(probe.responses.slice(before)).toEqual([]);
});

test('it goes on serving, lets known pods in, and says how old its data is', async () => {
  const { uid } = await mesh.createPod('web');
  const [token, before] = [await mesh.tokenOf('web', uid), await mesh.tokenOf('web', uid)];
  const probe = await replica.letIn(before);
  expect(await ageOf('pod')).toBeLessThan(60);
  expect(await replica.ask('health', '/readyz?verbose')).toEqual({
    status: 200,
    text: expect.stringContaining('[+] freshness: the API server tells of changes\n'),
  });

  await api.stopApiServer();
  await until('the watches to fail', () => (mesh.log().match(/a watch failed/g)?.length ?? 0) >= 3 || undefined);
  const late = await replica.letIn(token);
  late.subscribe('secret', ['default']);
  await late.untilAbout('secret', 'default');
  expect((await replica.ask('health', '/readyz?verbose')).text).toContain('freshness: the API server tells');

  aheadMs = 61_000;
  const stale = await replica.ask('health', '/readyz?verbose');
  expect(stale.status).toBe(200);
  expect(stale.text).toMatch(
    /\[\+\] freshness: stale: nothing was heard from the API server about: service for \d+ s, slice for \d+ s, pod for \d+ s, RateLimit for \d+ s\n/,
  );
  expect(await ageOf('pod')).toBeGreaterThanOrEqual(60);
  expect([probe.ending(), late.ending()]).toEqual([undefined, undefined]);

  await api.startApiServer();
  await until(
    'fresh data',
    async () => {
      const { text } = await replica.ask('health', '/readyz?verbose');
      return text.includes('freshness: the API server tells') || undefined;
    },
    60_000,
  );
  expect(await ageOf('pod')).toBeLessThan(60);
  expect([probe.ending(), late.ending()]).toEqual([undefined, undefined]);
});
