import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { ruleKinds } from '../../src/mesh/rules/rule-kinds.ts';
import { runCommand } from '../support/builders/recorded-io.ts';
import { kubectl } from '../support/cluster/kubectl.ts';
import { renderKubeconfig, startControlPlane, type ControlPlane } from '../support/processes/control-plane.ts';
import { openTestCluster, type TestCluster } from '../support/processes/test-cluster.ts';

jest.setTimeout(120_000);

// A cluster with kinds of Istio that no control plane of ours reads, and somebody who may not look at one of them.

let api: ControlPlane;
let cluster: TestCluster;
let namespace: string;

const kinds = [
  ['networking.istio.io', 'v1alpha3', 'EnvoyFilter'],
  ['telemetry.istio.io', 'v1', 'Telemetry'],
  ['networking.istio.io', 'v1', 'VirtualService'],
] as const;
const pluralOf = (kind: string): string => (kind === 'Telemetry' ? 'telemetries' : `${kind.toLowerCase()}s`);

const definitions = kinds.map(([group, name, kind]) => {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${pluralOf(kind)}.${group}` },
    spec: {
      group,
      names: { kind, plural: pluralOf(kind), singular: kind.toLowerCase() },
      scope: 'Namespaced',
      versions: [{ name, served: true, storage: true, schema }],
    },
  };
});

const create = (...items: readonly object[]) =>
  kubectl(api.kubeconfig, ['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

beforeAll(async () => {
  api = await startControlPlane();
  cluster = openTestCluster(api);
  namespace = await cluster.createNamespace();
  await create(...definitions);
  const names = definitions.map(({ metadata }) => metadata.name);
  await kubectl(api.kubeconfig, ['wait', '--for=condition=Established', 'crd', ...names]);
  await create(
    ...kinds.map(([group, version, kind]) => ({
      apiVersion: `${group}/${version}`,
      kind,
      metadata: { namespace, name: 'one' },
      spec: { hosts: ['one.example.com'] },
    })),
  );
});

afterAll(async () => {
  try {
    cluster.api.close();
  } finally {
    await api.stop();
  }
});

const analyze = (kubeconfig: string) => runCommand(['mesh', 'analyze', '--live', '--kubeconfig', kubeconfig]);
const unread = (kind: string, group: string): string =>
  `${kind} ${namespace}/one\n  no effect: /kind: "${kind}" of ${group} is no kind that this mesh reads; it needs istiod (UnknownKind)\n`;

test('mesh analyze --live names objects of kinds that a control plane does not read', async () => {
  const { code, stdout, stderr } = await analyze(api.kubeconfig);
  expect([code, stderr]).toEqual([3, '']);
  expect(stdout).toContain(unread('EnvoyFilter', 'networking.istio.io'));
  expect(stdout).toContain(unread('Telemetry', 'telemetry.istio.io'));
  expect(stdout).not.toContain('"VirtualService" of');
});

test('and says which kinds whoever asks may not look at', async () => {
  // Whoever may not list a kind is refused before anybody looks whether it is there.
  const rules = Object.values(ruleKinds).map(({ plural }) => plural);
  const resources = ['services', 'pods', 'endpointslices', 'telemetries', ...rules];
  const account = { kind: 'ServiceAccount', namespace, name: 'reader' };
  await create(
    { apiVersion: 'v1', kind: account.kind, metadata: { namespace, name: account.name } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: account.name },
      rules: [{ apiGroups: ['*'], resources, verbs: ['list'] }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: account.name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: account.name },
      subjects: [account],
    },
  );
  const token = (await kubectl(api.kubeconfig, ['create', 'token', '-n', namespace, account.name])).trim();
  const kubeconfig = path.join(api.folder, 'reader.kubeconfig');
  await writeFile(kubeconfig, renderKubeconfig({ ...api, token }), { mode: 0o600 });
  const { code, stdout, stderr } = await analyze(kubeconfig);
  expect(stderr).toMatch(
    /^note: it is not known whether there are objects that this mesh does not read: EnvoyFilter of networking\.istio\.io: .* answered 403: .*cannot list resource "envoyfilters".*\n$/,
  );
  expect([code, stdout]).toEqual([3, expect.stringContaining(unread('Telemetry', 'telemetry.istio.io'))]);
  expect(stdout).not.toContain('EnvoyFilter');
});
