import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../src/json/json.ts';
import { injectWithIstiod, istioPod, istiodSnapshot } from '../support/processes/istiod.ts';
import { sharedCluster } from '../support/processes/shared-cluster.ts';
import { openTestCluster } from '../support/processes/test-cluster.ts';

/** What the mode istiod makes of pods is what an API server takes, and means there what it should. */
const cluster = openTestCluster(sharedCluster());
let namespace: string;

beforeAll(async () => {
  namespace = await cluster.createNamespace();
});
afterAll(() => cluster.api.close());

const app = { name: 'app', image: 'registry.example/app:1', readinessProbe: { tcpSocket: { port: 80 } } };
const proxy = { name: 'istio-proxy', image: 'auto' };
const resources = { requests: { cpu: '250m', memory: '64Mi' }, limits: { cpu: '500m', memory: '96Mi' } };
const modest = { ...app, resources: { requests: { cpu: '200m', memory: '32Mi' } } };
const cni = { pilot: { cni: { enabled: true } } };

async function create(name: string, pod: JsonObject): Promise<{ status: number; body: JsonObject }> {
  const whole = { apiVersion: 'v1', kind: 'Pod', ...pod, metadata: { ...(pod['metadata'] as JsonObject), name } };
  const { status, body } = await cluster.createPod(namespace, whole);
  return { status, body: body as unknown as JsonObject };
}

describe('an API server takes', () => {
  test.each<[string, object, object, JsonObject]>([
    ['native', {}, {}, istioPod({}, { containers: [app] })],
    ['classic', {}, { injection: { nativeSidecars: 'never' } }, istioPod({}, { containers: [app] })],
    ['node-agent', cni, {}, istioPod({}, { containers: [app] })],
    [
      'tproxy',
      {},
      {},
      istioPod({ annotations: { 'sidecar.istio.io/interceptionMode': 'TPROXY' } }, { containers: [app] }),
    ],
    ['gateway', {}, {}, istioPod({ annotations: { 'inject.istio.io/templates': 'gateway' } }, { containers: [proxy] })],
    [
      'grpc-agent',
      {},
      {},
      istioPod({ annotations: { 'inject.istio.io/templates': 'grpc-agent' } }, { containers: [app] }),
    ],
    [
      'grpc-simple',
      {},
      {},
      istioPod({ annotations: { 'inject.istio.io/templates': 'grpc-simple' } }, { containers: [app] }),
    ],
    ['override', {}, {}, istioPod({}, { containers: [app, { ...proxy, env: [{ name: 'A', value: 'b' }] }] })],
    [
      'hardened',
      {},
      { istiod: { hardened: true, values: { global: { tag: '1.28.0' } } } },
      istioPod({}, { containers: [app] }),
    ],
    ['pod-resources', {}, {}, istioPod({}, { containers: [modest], resources })],
    [
      'pod-resources-classic',
      {},
      { injection: { nativeSidecars: 'never' } },
      istioPod({}, { containers: [modest], resources }),
    ],
    ['pod-resources-node-agent', cni, {}, istioPod({}, { containers: [modest], resources })],
    [
      'pod-resources-override',
      {},
      {},
      istioPod(
        {},
        {
          containers: [modest, { ...proxy, resources: { requests: { cpu: '40m' }, limits: { memory: '1Gi' } } }],
          initContainers: [
            { ...app, name: 'migrate', readinessProbe: undefined, resources: { requests: { cpu: '240m' } } },
          ],
          resources,
        },
      ),
    ],
    ['openshift', { ...cni, global: { platform: 'openshift' } }, {}, istioPod({}, { containers: [app] })],
  ])('%s', async (name, values, spec, pod) => {
    const namespaceAnnotations = { 'openshift.io/sa.scc.uid-range': '1000620000/10000' };
    const injected = injectWithIstiod(pod, istiodSnapshot(values, { spec }), { namespaceAnnotations });
    const { status, body } = await create(name, injected.pod);
    expect([status, body['message']]).toEqual([201, undefined]);
  });
});

test('sockets without a source become empty volumes', async () => {
  const { pod } = injectWithIstiod(istioPod({}, { containers: [app] }), istiodSnapshot());
  const { body } = await create('sockets', pod);
  const { volumes } = body['spec'] as { volumes: JsonObject[] };
  expect(volumes).toContainEqual({ name: 'workload-socket', emptyDir: {} });
});

describe('a pod that Istio’s own injector has injected is taken', () => {
  const native = istiodSnapshot();
  const classic = istiodSnapshot({}, { spec: { injection: { nativeSidecars: 'never' } } });

  test.each([
    ['classic-to-native', classic, native],
    ['native-again', native, native],
    ['classic-again', classic, classic],
  ])('%s', async (name, first, second) => {
    const { pod } = injectWithIstiod(istioPod({}, { containers: [app] }), first);
    const metadata = pod['metadata'] as { annotations: Record<string, string> };
    const annotations = { ...metadata.annotations };
    const { initContainers, containers } = JSON.parse(annotations['sidecar.istio.io/status'] ?? '') as JsonObject;
    annotations['sidecar.istio.io/status'] = JSON.stringify({ initContainers, containers });
    const before = { ...pod, metadata: { ...metadata, annotations } } as JsonObject;
    const { status, body } = await create(name, injectWithIstiod(before, second).pod);
    expect([status, body['message']]).toEqual([201, undefined]);
  });
});
