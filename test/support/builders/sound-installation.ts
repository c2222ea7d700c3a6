import { createAuthority, issueLeaf, serviceNames } from '../../../src/certs/authority.ts';
import { renderCaSecret } from '../../../src/certs/ca-secret.ts';
import { dayMs } from '../../../src/certs/durations.ts';
import { createSnapshot, decide, version, webhookConfiguration, type JsonObject } from '../../../src/index.ts';
import { applyToValue } from '../../../src/json/apply.ts';
import { listOf, type FakeCluster } from './fake-cluster.ts';

const system = 'sidecar-injector-system';
const labels = { app: 'sidecar-injector' };

/** Settings as the shipped ConfigMap has them. */
export const shippedSettings = 'apiVersion: sidecar-injector.io/v1alpha1\nkind: InjectorConfiguration\nspec: {}\n';

/** Paths of the objects, for tests that change one. */
export const paths = {
  registration: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/sidecar-injector',
  registrations: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
  secret: `/api/v1/namespaces/${system}/secrets/sidecar-injector-ca`,
  service: `/api/v1/namespaces/${system}/services/sidecar-injector`,
  deployments: `/apis/apps/v1/namespaces/${system}/deployments`,
  slices: `/apis/discovery.k8s.io/v1/namespaces/${system}/endpointslices`,
  settings: `/api/v1/namespaces/${system}/configmaps/sidecar-injector-settings`,
  replicas: `/api/v1/namespaces/${system}/pods`,
  replica: (name: string) => `/api/v1/namespaces/${system}/pods/https:${name}:8443/proxy/replica`,
  namespaces: '/api/v1/namespaces',
  pods: '/api/v1/pods',
  quotas: '/api/v1/resourcequotas',
  ranges: '/api/v1/limitranges',
  access: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
} as const;

/** A namespace with labels. */
export function namespace(name: string, more: Readonly<Record<string, string>> = {}): JsonObject {
  return { metadata: { name, labels: { 'kubernetes.io/metadata.name': name, ...more } } };
}

/** A running pod of a Deployment. */
export function runningPod(inNamespace: string, workload: string, more: JsonObject = {}): JsonObject {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${workload}-abc`, controller: true };
  return {
    metadata: {
      name: `${workload}-abc-1`,
      generateName: `${workload}-abc-`,
      namespace: inNamespace,
      labels: { 'pod-template-hash': 'abc' },
      ownerReferences: [owner],
    },
    spec: { containers: [{ name: 'app', image: 'app:1' }], ...more },
    status: { phase: 'Running' },
  };
}

/** The pod as it is after injection with the built-in settings. */
export function injectedPod(pod: JsonObject): JsonObject {
  const result = createSnapshot();
  if ('problems' in result) throw new Error('the built-in settings are not valid');
  const { operations } = decide({ pod: structuredClone(pod), namespace: 'shop' }, result.snapshot);
  return applyToValue(pod, operations) as JsonObject;
}

function settingsHash(): string {
  const result = createSnapshot();
  if ('problems' in result) throw new Error('the built-in settings are not valid');
  return result.snapshot.hash;
}

/** Fills a cluster with an installation of which nothing is wrong: two replicas, one labelled namespace, one injected pod. */
export async function installSoundly(cluster: FakeCluster): Promise<void> {
  const now = new Date();
  const authority = await createAuthority({ now, lifetimeMs: 365 * dayMs });
  const leaf = await issueLeaf({
    authority,
    names: serviceNames('sidecar-injector', system),
    now,
    lifetimeMs: 7 * dayMs,
  });
  const shipped = structuredClone(webhookConfiguration()) as { webhooks: { clientConfig: JsonObject }[] };
  const caBundle = Buffer.from(authority.certificate).toString('base64');
  const webhooks = shipped.webhooks.map((one) => ({ ...one, clientConfig: { ...one.clientConfig, caBundle } }));
  const registration = { ...shipped, webhooks };
  const secret = renderCaSecret(
    { current: authority, previous: [], phase: 'stable', phaseSince: now, generation: 1 },
    new Map(),
  );
  const data = Object.fromEntries([...secret].map(([key, text]) => [key, Buffer.from(text).toString('base64')]));
  const container = {
    name: 'injector',
    args: ['serve', '--self-managed-certs', '--settings', '/etc/sidecar-injector/settings/settings.yaml'],
    ports: [{ name: 'https', containerPort: 8443 }],
    volumeMounts: [{ name: 'settings', mountPath: '/etc/sidecar-injector/settings' }],
  };
  const spec = {
    serviceAccountName: 'sidecar-injector',
    containers: [container],
    volumes: [{ name: 'settings', configMap: { name: 'sidecar-injector-settings' } }],
  };
  const deployment = {
    metadata: { name: 'sidecar-injector', generation: 1 },
    spec: { replicas: 2, template: { metadata: { labels }, spec } },
    status: { replicas: 2, readyReplicas: 2, updatedReplicas: 2, observedGeneration: 1 },
  };
  const replica = (name: string): JsonObject => ({
    metadata: { name, namespace: system, labels },
    spec,
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  });
  const { objects, posts } = cluster;
  objects.clear();
  posts.clear();
  const told = { version, settingsHash: settingsHash(), refused: [], certificate: leaf.certificate };
  const entries: readonly (readonly [string, unknown])[] = [
    ['/version', { major: '1', minor: '34' }],
    [paths.registration, registration],
    [paths.registrations, listOf(registration)],
    [paths.secret, { metadata: { name: 'sidecar-injector-ca', resourceVersion: '1' }, data }],
    [paths.service, { spec: { selector: labels } }],
    [paths.deployments, listOf(deployment)],
    [paths.slices, listOf({ endpoints: [{ conditions: { ready: true } }, { conditions: { ready: true } }] })],
    [paths.settings, { data: { 'settings.yaml': shippedSettings } }],
    [paths.replicas, listOf(replica('one'), replica('two'))],
    [paths.replica('one'), told],
    [paths.replica('two'), told],
    [paths.namespaces, listOf(namespace('kube-system'), namespace('shop', { 'istio-injection': 'enabled' }))],
    [paths.pods, listOf(injectedPod(runningPod('shop', 'web')))],
    [paths.quotas, listOf()],
    [paths.ranges, listOf()],
  ];
  for (const [path, object] of entries) objects.set(path, object);
  posts.set(paths.access, () => ({ status: 201, body: { status: { allowed: true } } }));
  posts.set('/api/v1/namespaces/shop/pods?dryRun=All', (pod) => ({ status: 201, body: injectedPod(pod) }));
}
