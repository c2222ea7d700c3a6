import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { root } from '../../../scripts/checkout.ts';
import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../../src/json/json.ts';
import { argumentsOf } from '../../../src/cli/live/deployed-files.ts';
import { version } from '../../../src/settings/version.ts';
import { findObject, readInstallManifest } from '../../support/cluster/install-manifest.ts';

function documentsOf(file: string): JsonObject[] {
  const text = readFileSync(path.join(root, 'deploy/components/auditor', file), 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS() as JsonObject);
}

function podSpecOf(deployment: JsonObject): JsonObject | undefined {
  return objectMember(objectMember(objectMember(deployment, 'spec'), 'template'), 'spec');
}

const [deployment = {}] = documentsOf('deployment.yaml');
const pod = podSpecOf(deployment);
const [container] = objectsMember(pod, 'containers');
const injector = podSpecOf(findObject(await readInstallManifest(), 'Deployment', 'sidecar-injector'));
const [injectorContainer] = objectsMember(injector, 'containers');

describe('permissions', () => {
  const rulesOf = (file: string) =>
    documentsOf(file)
      .filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole')
      .flatMap(({ kind, rules }) => [[kind, ...(rules as readonly object[])]]);

  test('are these and no others: it reads, and writes its Lease and Events', () => {
    expect(rulesOf('rbac.yaml')).toEqual([
      [
        'Role',
        {
          apiGroups: ['coordination.k8s.io'],
          resources: ['leases'],
          resourceNames: ['sidecar-injector-auditor'],
          verbs: ['get', 'update'],
        },
      ],
      [
        'ClusterRole',
        { apiGroups: [''], resources: ['pods', 'namespaces'], verbs: ['list', 'watch'] },
        {
          apiGroups: ['admissionregistration.k8s.io'],
          resources: ['mutatingwebhookconfigurations'],
          resourceNames: ['sidecar-injector'],
          verbs: ['get'],
        },
        { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get'] },
        { apiGroups: ['batch'], resources: ['cronjobs'], verbs: ['get'] },
        { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'] },
      ],
    ]);
  });

  test('to evict come with the component that asks for it', () => {
    expect(rulesOf('evict/rbac.yaml')).toEqual([
      ['ClusterRole', { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] }],
    ]);
    expect(JSON.stringify(container)).not.toContain('evict');
    expect(JSON.stringify(documentsOf('evict/kustomization.yaml'))).toContain('--evict=missed,uncaptured');
  });
});

test('it runs the image of the same version, with the settings and sidecars of the webhook', () => {
  expect(stringMember(container, 'image')).toBe(`sidecar-injector:${version}`);
  const files = (one: JsonObject | undefined) =>
    argumentsOf(one ?? {})
      .filter((text) => text.startsWith('/etc/'))
      .toSorted();
  expect(files(container)).toEqual(files(injectorContainer));
  for (const field of ['volumeMounts', 'securityContext'])
    expect(member(container, field)).toEqual(member(injectorContainer, field));
  for (const field of ['volumes', 'securityContext']) expect(member(pod, field)).toEqual(member(injector, field));
});

test('pods of the cluster reach its metrics and nothing else, and it reaches API servers and DNS', () => {
  const [policy = {}] = documentsOf('network-policy.yaml');
  const spec = objectMember(policy, 'spec');
  expect(objectMember(spec, 'podSelector')).toEqual(objectMember(objectMember(deployment, 'spec'), 'selector'));
  expect(objectsMember(spec, 'ingress')).toEqual([
    { ports: [{ port: 'metrics', protocol: 'TCP' }], from: [{ namespaceSelector: {} }] },
  ]);
  expect(objectsMember(spec, 'egress').map(({ ports }) => ports)).toEqual([
    [443, 6443, 8443].map((port) => ({ port, protocol: 'TCP' })),
    ['UDP', 'TCP'].map((protocol) => ({ port: 53, protocol })),
  ]);
  expect(spec).toMatchObject({ policyTypes: ['Ingress', 'Egress'] });
});

test('its objects are in our namespace, whatever the kustomization around them says', () => {
  for (const file of [
    'rbac.yaml',
    'lease.yaml',
    'deployment.yaml',
    'pod-disruption-budget.yaml',
    'network-policy.yaml',
  ])
    for (const { kind, metadata } of documentsOf(file))
      if (kind !== 'ClusterRole' && kind !== 'ClusterRoleBinding')
        expect(metadata).toMatchObject({ namespace: 'sidecar-injector-system' });
});
