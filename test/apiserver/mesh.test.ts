import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { trafficMetadata, metadataKey } from '../../src/envoy/traffic-metadata.ts';
import { tokenVolume } from '../../src/sidecars/standalone/mesh-membership.ts';
import { serveMesh, type RunningMesh } from '../../src/runtime/mesh.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { renderKustomization } from '../../scripts/manifests/install.ts';
import { findProgram } from '../harness/tools/kubernetes.ts';
import { proxyIntent } from '../support/builders/proxy-intent.ts';
import { writeServiceAccountKubeconfig } from '../support/cluster/installation.ts';
import { kubectl } from '../support/cluster/kubectl.ts';
import { findFreePort } from '../support/http/free-port.ts';
import { openProbe, type DiscoveryProbe } from '../support/mesh/discovery-probe.ts';
import { sharedCluster } from '../support/processes/shared-cluster.ts';
import { openTestCluster, type TestCluster } from '../support/processes/test-cluster.ts';
import { eventually, until } from '../support/waiting.ts';

jest.setTimeout(60_000);

// The control plane with the shipped manifest and its rights, beside a real API server: pods get their addresses from the test.

const audience = 'sidecar-injector-mesh';
const system = 'sidecar-injector-system';
const serverName = `sidecar-injector-mesh.${system}.svc`;

let cluster: TestCluster;
let mesh: RunningMesh;
let namespace: string;
let roots: string;
let log = '';
const probes: DiscoveryProbe[] = [];

async function start(): Promise<RunningMesh> {
  const kubeconfig = await writeServiceAccountKubeconfig(sharedCluster(), 'sidecar-injector-mesh');
  const at = async () => ({ host: '127.0.0.1', port: await findFreePort() });
  return serveMesh(
    {
      listen: await at(),
      metricsListen: await at(),
      healthListen: await at(),
      kubeconfig,
      namespace: system,
      service: 'sidecar-injector-mesh',
      clusterDomain: 'cluster.local',
      trustDomain: 'cluster.local',
      audience,
    },
    createLog('info', { write: (line) => void (log += line) }),
  );
}

beforeAll(async () => {
  cluster = openTestCluster(sharedCluster());
  const kubectlPath = findProgram('kubectl', process.env);
  await kubectl(sharedCluster().kubeconfig, ['apply', '-f', '-'], await renderKustomization('mesh', kubectlPath));
  namespace = await cluster.createNamespace();
  mesh = await start();
  const { body } = await cluster.api.get<{ data: Record<string, string>; metadata: object }>(
    `/api/v1/namespaces/${system}/configmaps/sidecar-injector-mesh-roots`,
  );
  roots = body.data['root.pem'] ?? '';
});

afterAll(async () => {
  for (const probe of probes) probe.close();
  await mesh.stop();
  cluster.api.close();
});

/** Creates a pod with the address of this machine. */
async function createPod(name: string): Promise<{ readonly uid: string }> {
  const { body, status } = await cluster.createPod(namespace, {
    metadata: { name, labels: { app: name, 'security.istio.io/tlsMode': 'istio' } },
    spec: {
      serviceAccountName: 'default',
      containers: [{ name: 'app', image: 'app:1' }],
      volumes: [tokenVolume({ audience })],
    },
  });
  expect(status).toBe(201);
  const patched = await cluster.api.patch(`/api/v1/namespaces/${namespace}/pods/${name}/status`, {
    status: { phase: 'Running', podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] },
  });
  expect(patched.status).toBe(200);
  return { uid: body.metadata.uid ?? '' };
}

async function tokenOf(pod: string, uid: string, audiences: readonly string[] = [audience]): Promise<string> {
  const { body } = await cluster.api.create<{ status: { token: string }; metadata: object }>(
    `/api/v1/namespaces/${namespace}/serviceaccounts/default/token`,
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences, expirationSeconds: 600, boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: pod, uid } },
    },
  );
  return body.status.token;
}

function open(token: string): DiscoveryProbe {
  const probe = openProbe(`127.0.0.1:${mesh.port}`, roots, token, serverName);
  probes.push(probe);
  return probe;
}

const metadata = { [metadataKey]: trafficMetadata(proxyIntent()) };

/** Why a stream was refused; waits for the control plane to know of the pod. */
async function endingOf(token: string): Promise<string | undefined> {
  const probe = open(token);
  probe.subscribe('cluster', [], metadata);
  const { text } = await until('the end of the stream', () => probe.ending());
  return text;
}

/** A stream that has been let in. */
async function letIn(token: string): Promise<DiscoveryProbe> {
  return until('the stream to be let in', async () => {
    const probe = open(token);
    probe.subscribe('cluster', [], metadata);
    const isIn = await until('an answer', () => (probe.responses.length > 0 ? true : probe.ending() && false));
    return isIn ? probe : undefined;
  });
}

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
  const { uid } = await createPod('web');
  const probe = await letIn(await tokenOf('web', uid));
  probe.subscribe('secret', ['default', 'ROOTCA']);
  const { resources } = await probe.untilAbout('secret', 'default');
  const found = JSON.stringify(resources.find(({ name }) => name === 'default')?.message);
  const pem =
    /-----BEGIN CERTIFICATE-----[^"]+?-----END CERTIFICATE-----/.exec(found)?.[0].replaceAll('\\n', '\n') ?? '';
  expect(new X509Certificate(pem).subjectAltName).toBe(`URI:spiffe://cluster.local/ns/${namespace}/sa/default`);

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
  await cluster.api.delete(`/api/v1/namespaces/${namespace}/pods/web?gracePeriodSeconds=0`);
});

function stringify(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

describe('a stream is refused', () => {
  test.each([
    ['without a token', '', 'no token of a service account was sent'],
    ['with a text for a token', 'abc', 'no token of a service account was sent'],
  ])('%s', async (_, token, why) => {
    expect(await endingOf(token)).toContain(why);
  });

  test('with a token for somebody else', async () => {
    const { uid } = await createPod('other');
    const token = await tokenOf('other', uid, ['https://elsewhere']);
    expect(await endingOf(token)).toContain(`not for the audience ${audience}`);
    await cluster.api.delete(`/api/v1/namespaces/${namespace}/pods/other?gracePeriodSeconds=0`);
  });

  test('once the pod is gone, and also when another of its name is there', async () => {
    const { uid } = await createPod('short');
    const token = await tokenOf('short', uid);
    (await letIn(token)).close();
    await cluster.api.delete(`/api/v1/namespaces/${namespace}/pods/short?gracePeriodSeconds=0`);
    const gone = await eventually(
      () => endingOf(token),
      (text) => text?.includes('is not known') === true,
    );
    expect(gone).toBe(`the pod ${namespace}/short is not known`);
    await createPod('short');
    const replaced = await eventually(
      () => endingOf(token),
      (text) => text?.includes('earlier') === true,
    );
    expect(replaced).toBe(`the token is of an earlier pod ${namespace}/short`);
    await cluster.api.delete(`/api/v1/namespaces/${namespace}/pods/short?gracePeriodSeconds=0`);
  });
});

test('a second replica serves with the same authorities', async () => {
  const second = await start();
  try {
    const { body } = await cluster.api.get<{ data: Record<string, string>; metadata: object }>(
      `/api/v1/namespaces/${system}/configmaps/sidecar-injector-mesh-roots`,
    );
    expect(body.data['root.pem']).toBe(roots);
  } finally {
    await second.stop();
  }
});

test('nothing of keys and tokens is logged', () => {
  expect(log).not.toMatch(/PRIVATE KEY|eyJ/);
});
