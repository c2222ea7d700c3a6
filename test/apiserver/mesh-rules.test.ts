import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { kubectl } from '../support/cluster/kubectl.ts';
import type { DiscoveryProbe } from '../support/mesh/discovery-probe.ts';
import { openMeshCluster, type MeshCluster, type MeshReplica } from '../support/mesh/mesh-cluster.ts';
import { startControlPlane, type ControlPlane } from '../support/processes/control-plane.ts';
import { until } from '../support/waiting.ts';

jest.setTimeout(180_000);

// Definitions of rules come and go while the control plane runs. The clock is the test's, so that nobody waits for a minute.

let api: ControlPlane;
let mesh: MeshCluster;
let replica: MeshReplica;
let probe: DiscoveryProbe;
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

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const definition = 'virtualservices.networking.istio.io';

function version(name: string, isServed: boolean) {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return { name, served: isServed, storage: name === 'v1beta1', schema, subresources: { status: {} } };
}

async function serve(...served: readonly string[]): Promise<void> {
  const versions = ['v1', 'v1beta1'].map((name) => version(name, served.includes(name)));
  const patched = await mesh.cluster.api.patch(`${crds}/${definition}`, { spec: { versions } });
  expect(patched.status).toBe(200);
}

const readiness = async (): Promise<string> => (await replica.ask('health', '/readyz?verbose')).text;

const untilReady = (text: string) =>
  until(text, async () => ((await readiness()).includes(text) ? true : undefined), 30_000);

const routes = () => `outbound|80||cart.${mesh.namespace}.svc.cluster.local`;

/** The newest routes that the proxy was sent. */
function newest(): string {
  const all = probe.responses.flatMap(({ resources }) => resources.filter(({ name }) => name === routes()));
  const messages = all.filter((one) => JSON.stringify(one.message, plain).includes('virtualHosts'));
  return JSON.stringify(messages.at(-1)?.message ?? '', plain);
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

const untilRouted = (isRouted: boolean) =>
  until(
    `routes ${isRouted ? 'with' : 'without'} the rule`,
    () => newest().includes('x-canary') === isRouted || undefined,
    30_000,
  );

test('without definitions but our own it is ready, and says so', async () => {
  expect((await replica.ask('health', '/readyz')).status).toBe(200);
  expect(await readiness()).toContain(
    '[+] rules: watched: RateLimit (v1alpha1); not served: VirtualService, DestinationRule, HTTPRoute, GRPCRoute, ReferenceGrant',
  );
  const { text } = await replica.ask('metrics', '/metrics');
  expect(text).not.toContain('watch_age_seconds{kind="VirtualService"}');
});

test('a definition that comes is watched, and its objects count', async () => {
  const ports = [{ name: 'http', port: 80 }];
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'cart' }, spec: { ports } };
  expect((await mesh.cluster.api.create(`/api/v1/namespaces/${mesh.namespace}/services`, service)).status).toBe(201);
  const { uid } = await mesh.createPod('web');
  probe = await replica.letIn(await mesh.tokenOf('web', uid));
  probe.subscribe('routes', [routes()]);
  await untilRouted(false);

  const names = { kind: 'VirtualService', plural: 'virtualservices', singular: 'virtualservice' };
  const created = await mesh.cluster.api.create(crds, {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: definition },
    spec: {
      group: 'networking.istio.io',
      names,
      scope: 'Namespaced',
      versions: [version('v1', false), version('v1beta1', true)],
    },
  });
  expect(created.status).toBe(201);
  await untilReady('watched: VirtualService (v1beta1), RateLimit (v1alpha1); not served: DestinationRule,');
  const match = [{ headers: { 'x-canary': { exact: 'yes' } } }];
  await kubectl(
    api.kubeconfig,
    ['create', '-n', mesh.namespace, '-f', '-'],
    JSON.stringify({
      apiVersion: 'networking.istio.io/v1beta1',
      kind: 'VirtualService',
      metadata: { name: 'cart' },
      spec: {
        hosts: ['cart'],
        http: [{ match, directResponse: { status: 418 } }, { route: [{ destination: { host: 'cart' } }] }],
      },
    }),
  );
  await untilRouted(true);
});

test('an object says what has become of it', async () => {
  type Status = { status?: { conditions?: { type: string; status: string; reason: string; message: string }[] } };
  const path = `/apis/networking.istio.io/v1beta1/namespaces/${mesh.namespace}/virtualservices`;
  const conditionOf = (name: string) =>
    until(
      `a condition of ${name}`,
      async () =>
        (await mesh.cluster.api.get<Status & { metadata: object }>(`${path}/${name}`)).body.status?.conditions?.[0],
      30_000,
    );
  expect(await conditionOf('cart')).toMatchObject({
    type: 'sidecar-injector.io/InForce',
    status: 'True',
    reason: 'InForce',
    message: expect.stringMatching(/^held by 1 of 1 proxies of /),
  });
  const created = await mesh.cluster.api.create(path, {
    apiVersion: 'networking.istio.io/v1beta1',
    kind: 'VirtualService',
    metadata: { name: 'lost' },
    spec: { hosts: ['lost'], http: [{ route: [{ destination: { host: 'cart' } }] }] },
  });
  expect(created.status).toBe(201);
  expect(await conditionOf('lost')).toMatchObject({ status: 'False', reason: 'WithoutEffect' });
  const events = `/apis/events.k8s.io/v1/namespaces/${mesh.namespace}/events`;
  const event = await until(
    () => `the Event: ${mesh.log()}`,
    async () => {
      type Events = { items: { reason: string; note: string; regarding: { name: string } }[]; metadata: object };
      return (await mesh.cluster.api.get<Events>(events)).body.items.find(({ regarding }) => regarding.name === 'lost');
    },
  );
  expect(event).toMatchObject({ reason: 'WithoutEffect', note: expect.stringContaining('/spec/hosts/0') });
  const { text } = await replica.ask('metrics', '/metrics');
  expect(text).toContain('sidecar_injector_mesh_rules{kind="VirtualService",verdict="without-effect"} 1');
  expect(mesh.log()).not.toContain('the status of a traffic rule was not written');
});

test('another version is followed without a change for proxies', async () => {
  const before = probe.responses.length;
  await serve('v1', 'v1beta1');
  await untilReady('watched: VirtualService (v1)');
  expect(probe.responses.slice(before)).toEqual([]);
});

test('what is not served any more stays for a minute', async () => {
  const before = probe.responses.length;
  await serve();
  await untilReady('not served: VirtualService,');
  expect(probe.responses.slice(before)).toEqual([]);
  // Until it is back.
  await serve('v1beta1');
  await untilReady('watched: VirtualService (v1beta1)');
  expect(probe.responses.slice(before)).toEqual([]);
  await serve();
  await untilReady('not served: VirtualService,');
  aheadMs += 61_000;
  await untilRouted(false);
});

test('a definition that is deleted takes its objects along', async () => {
  await serve('v1');
  await untilRouted(true);
  await kubectl(api.kubeconfig, ['delete', 'crd', definition]);
  await untilRouted(false);
  await untilReady('not served: VirtualService,');
  expect(mesh.log()).not.toContain('cannot list resource');
});
