import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { runKubectl, kubectl } from '../support/cluster/kubectl.ts';
import { openMeshCluster, type MeshCluster } from '../support/mesh/mesh-cluster.ts';
import { sharedCluster } from '../support/processes/shared-cluster.ts';
import { until } from '../support/waiting.ts';

jest.setTimeout(90_000);

// A real API server asks the control plane, by the shipped registration, about what kubectl applies.

const access = sharedCluster();
let mesh: MeshCluster;

/** Definitions that take anything, as older or other ones than ours may. */
const definitions = ['VirtualService', 'DestinationRule'].map((kind) => {
  const singular = kind.toLowerCase();
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${singular}s.networking.istio.io` },
    spec: {
      group: 'networking.istio.io',
      names: { kind, plural: `${singular}s`, singular },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
});
const names = definitions.map(({ metadata }) => metadata.name);

beforeAll(async () => {
  mesh = await openMeshCluster(access);
  const replica = await mesh.start();
  const list = { apiVersion: 'v1', kind: 'List', items: definitions };
  await kubectl(access.kubeconfig, ['apply', '-f', '-'], JSON.stringify(list));
  await kubectl(access.kubeconfig, ['wait', '--for=condition=Established', 'crd', ...names]);
  // There is no pod network: the Service is an external name for this machine.
  const spec = { type: 'ExternalName', externalName: 'localhost', ports: [{ name: 'https', port: replica.rulesPort }] };
  const system = ['-n', 'sidecar-injector-system'];
  await patch([...system, 'service', 'sidecar-injector-mesh'], [{ op: 'replace', path: '/spec', value: spec }]);
  const port = { op: 'replace', path: '/webhooks/0/clientConfig/service/port', value: replica.rulesPort };
  await patch(['validatingwebhookconfiguration', 'sidecar-injector-mesh'], [port]);
  await kubectl(
    access.kubeconfig,
    ['create', '-n', mesh.namespace, '-f', '-'],
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'cart' },
      spec: { ports: [{ name: 'http', port: 80 }] },
    }),
  );
});

afterAll(async () => {
  await kubectl(access.kubeconfig, ['delete', '--ignore-not-found', 'crd', ...names]);
  await mesh.close();
});

async function patch(words: readonly string[], operations: readonly object[]): Promise<void> {
  await kubectl(access.kubeconfig, ['patch', ...words, '--type=json', '-p', JSON.stringify(operations)]);
}

const apply = (name: string, spec: object, kind = 'VirtualService') =>
  runKubectl(
    access.kubeconfig,
    ['apply', '-n', mesh.namespace, '-f', '-'],
    JSON.stringify({ apiVersion: 'networking.istio.io/v1', kind, metadata: { name }, spec }),
  );

const http = [{ route: [{ destination: { host: 'cart' } }] }];

describe('kubectl apply', () => {
  test('is told what cannot be meant, and what is in order passes', async () => {
    const refused = await until('the API server to ask', async () => {
      const answer = await apply('misspelt', { hosts: ['cart'], htp: [] });
      return answer.code === 0 ? undefined : answer.stderr;
    });
    expect(refused).toContain('rules.sidecar-injector.io');
    expect(refused).toContain('/spec/htp: there is no such field, did you mean "http"?');
    expect(await apply('good', { hosts: ['cart'], http })).toMatchObject({ code: 0, stderr: '' });
  });

  test('is warned of what will have no effect', async () => {
    const { code, stderr } = await apply('card', { hosts: ['card'], http });
    expect(code).toBe(0);
    expect(stderr).toContain(`Warning: /spec/hosts/0: there is no Service card.${mesh.namespace}.svc.cluster.local`);
  });
});

test('kubectl delete is warned of subsets that a VirtualService names, and deletes them', async () => {
  const destination = { host: 'cart', subset: 'v2' };
  const subsets = [{ name: 'v2', labels: { version: 'v2' } }];
  expect(await apply('cart', { host: 'cart', subsets }, 'DestinationRule')).toMatchObject({ code: 0 });
  expect(await apply('good', { hosts: ['cart'], http: [{ route: [{ destination }] }] })).toMatchObject({ code: 0 });
  // The control plane learns of both by its watches.
  const said = await until('the warning', async () => {
    const words = ['delete', '-n', mesh.namespace, 'destinationrule', 'cart'];
    const dry = await runKubectl(access.kubeconfig, [...words, '--dry-run=server']);
    if (!dry.stderr.includes('Warning')) return undefined;
    return runKubectl(access.kubeconfig, words);
  });
  expect(said).toMatchObject({
    code: 0,
    stderr: expect.stringContaining(
      `Warning: VirtualService ${mesh.namespace}/good: /spec/http/0/route/0/destination/subset: no DestinationRule of "cart" has a subset "v2"`,
    ),
  });
});
