import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { root } from '../../scripts/checkout.ts';
import { statusAnnotation } from '../../src/pod/conventions.ts';
import { install, writeServiceAccountKubeconfig } from '../support/cluster/installation.ts';
import { untilInjecting } from '../support/cluster/installed-cluster.ts';
import { kubectl } from '../support/cluster/kubectl.ts';
import { findFreePort } from '../support/http/free-port.ts';
import type { Pod } from '../support/http/api-client.ts';
import {
  startAuditor,
  startAuditorProcess,
  type AuditorProcess,
  type TestAuditor,
} from '../support/processes/auditor.ts';
import { startControlPlane, type ControlPlane } from '../support/processes/control-plane.ts';
import { startInjector, type InjectorProcess } from '../support/processes/injector-process.ts';
import { injected, openTestCluster, type TestCluster } from '../support/processes/test-cluster.ts';
import { until } from '../support/waiting.ts';

jest.setTimeout(180_000);

// No kubelet is here: pods are said to run by the test. A webhook that is away, in a namespace that may do without it, is
// how pods are missed in the field.

let controlPlane: ControlPlane;
let cluster: TestCluster;
let injector: InjectorProcess;
let port: number;
/** Of the shipped ServiceAccount, which may evict from the second half on. */
let kubeconfig: string;
let auditor: TestAuditor | undefined;

async function startWebhook(): Promise<void> {
  const certificate = { kubeconfig: await writeServiceAccountKubeconfig(controlPlane) };
  injector = await startInjector({ folder: controlPlane.folder, certificate, port });
  await untilInjecting(cluster);
}

const component = (file: string) => path.join(root, 'deploy/components/auditor', file);

beforeAll(async () => {
  controlPlane = await startControlPlane();
  port = await findFreePort();
  await install(controlPlane, { port });
  cluster = openTestCluster(controlPlane);
  await startWebhook();
  await kubectl(controlPlane.kubeconfig, ['apply', '-f', component('rbac.yaml'), '-f', component('lease.yaml')]);
  kubeconfig = await writeServiceAccountKubeconfig(controlPlane, 'sidecar-injector-auditor');
});
afterEach(async () => {
  await auditor?.stop();
  auditor = undefined;
});
afterAll(async () => {
  cluster.api.close();
  await injector.stop('SIGTERM');
  await controlPlane.stop();
});

const run = (...args: readonly string[]) => kubectl(controlPlane.kubeconfig, args);

async function createDeployment(namespace: string, name: string, replicas: number): Promise<void> {
  await run('create', 'deployment', name, `--replicas=${replicas}`, '--image=registry.example/app:1', '-n', namespace);
  await until(`pods of ${name}`, async () => (await podsOf(namespace)).length >= replicas || undefined);
}

async function podsOf(namespace: string): Promise<readonly Pod[]> {
  const { body } = await cluster.api.get<{ items: Pod[]; metadata: object }>(`/api/v1/namespaces/${namespace}/pods`);
  return body.items.filter(({ metadata }) => !('deletionTimestamp' in metadata));
}

const hasSidecar = ({ spec }: Pod) => spec.initContainers !== undefined;

/** What a kubelet would say of pods that it has started. */
async function runPods(namespace: string): Promise<void> {
  for (const { metadata, status } of await podsOf(namespace)) {
    if (status?.['phase'] === 'Running') continue;
    const conditions = [{ type: 'Ready', status: 'True' }];
    await cluster.api.patch(`/api/v1/namespaces/${namespace}/pods/${metadata.name}/status`, {
      status: { phase: 'Running', conditions },
    });
  }
}

const labelled = (finding: string, namespace: string, owner: string, kind = 'Deployment') =>
  `finding="${finding}",owner_namespace="${namespace}",owner_kind="${kind}",owner_name="${owner}"`;

const untilCounted = (labels: string, pods: number | undefined) =>
  until(
    () => `${pods} at ${labels}: ${auditor?.log()}`,
    async () => (await auditor?.values('pods'))?.get(labels) === pods || undefined,
  );

async function untilEvent(namespace: string, owner: string, reason: string): Promise<string> {
  return until(
    () => `Event ${reason}: ${auditor?.log()}`,
    async () => {
      const described = await run('describe', owner, '-n', namespace);
      return described.split('\n').find((line) => line.includes(reason));
    },
  );
}

const counted = async (result: string) => (await auditor?.values('evictions_total'))?.get(`result="${result}"`) ?? 0;

const untilEvicted = (result: string, count: number) =>
  until(
    () => `${count} evictions ${result}: ${auditor?.log()}`,
    async () => (await counted(result)) >= count || undefined,
    60_000,
  );

test('pods that are older than their label are found in the list, and their Deployment is told once', async () => {
  const namespace = await cluster.createNamespace();
  await createDeployment(namespace, 'web', 2);
  await run('label', 'namespace', namespace, 'istio-injection=enabled');
  auditor = await startAuditor({ kubeconfig });
  await untilCounted(labelled('missed', namespace, 'web'), 2);
  expect(await untilEvent(namespace, 'deployment/web', 'InjectionMissed')).toMatch(
    /Warning +InjectionMissed.* sidecar-injector.io\/auditor.* 2 pods are without the sidecar that a new one would get\./,
  );
  // Another leader within the hour says the same, and that is the same Event.
  await auditor.stop();
  auditor = await startAuditor({ kubeconfig });
  await until(
    'the Event again',
    async () => ((await auditor?.values('events_total'))?.get('result="created"') ?? 0) >= 1 || undefined,
  );
  const events = await run('get', 'events', '-n', namespace, '--field-selector=reason=InjectionMissed', '-o', 'name');
  expect(events.trim().split('\n')).toHaveLength(1);
  expect(auditor.log()).not.toMatch(/forbidden|"level":"(?:error|warn)"/);
});

test('a pod that comes while the webhook is away is found by the watch, and a namespace that is labelled later, too', async () => {
  const open = await cluster.createNamespace({ ...injected, 'sidecar-injector.io/failurePolicy': 'Ignore' });
  const late = await cluster.createNamespace();
  await createDeployment(late, 'web', 1);
  auditor = await startAuditor({ kubeconfig });
  await until('the first list', () => auditor?.log().includes('all pods have been looked at') || undefined);
  await injector.stop('SIGTERM');
  try {
    await createDeployment(open, 'shop', 1);
    await untilCounted(labelled('missed', open, 'shop'), 1);
    await run('label', 'namespace', late, 'istio-injection=enabled');
    await untilCounted(labelled('missed', late, 'web'), 1);
  } finally {
    await startWebhook();
  }
  // What is gone counts no more.
  await run('delete', 'deployment', 'shop', '-n', open);
  await untilCounted(labelled('missed', open, 'shop'), undefined);
  // It has no right to evict, and was not asked to.
  expect((await podsOf(late)).some(hasSidecar)).toBe(false);
});

test('pods with an older proxy, and pods whose capture is missing, are told apart', async () => {
  const namespace = await cluster.createNamespace(injected);
  await createDeployment(namespace, 'web', 2);
  const [first, second] = await podsOf(namespace);
  const at = (pod: Pod | undefined) => `/api/v1/namespaces/${namespace}/pods/${pod?.metadata.name}`;
  // Of a pod, nothing but images and metadata may change. If all that decides were as it is now, somebody else would have changed the image.
  const status = JSON.parse(first?.metadata.annotations?.[statusAnnotation] ?? '{}') as object;
  const older = JSON.stringify({ ...status, inputs: '0'.repeat(16) });
  await run('annotate', '--overwrite', `pod/${first?.metadata.name}`, `${statusAnnotation}=${older}`, '-n', namespace);
  await run('set', 'image', `pod/${first?.metadata.name}`, 'istio-proxy=registry.example/envoy:old', '-n', namespace);
  const terminated = { exitCode: 126, reason: 'Error' };
  const check = { name: 'istio-validation', image: 'x', imageID: '', ready: false, restartCount: 3 };
  const initContainerStatuses = [
    { ...check, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated } },
  ];
  expect((await cluster.api.patch(`${at(second)}/status`, { status: { initContainerStatuses } })).status).toBe(200);
  auditor = await startAuditor({ kubeconfig });
  await untilCounted(labelled('outdated', namespace, 'web'), 1);
  await untilCounted(labelled('uncaptured', namespace, 'web'), 1);
  expect(await untilEvent(namespace, 'deployment/web', 'InjectionOutdated')).toMatch(
    /Normal .*pod web-\S+ is not injected as a new one would be: settings [0-9a-f]{8}, version/,
  );
  expect(await untilEvent(namespace, 'deployment/web', 'CaptureMissing')).toContain(
    'see whether the agent on their node is ready',
  );
  await run('delete', 'namespace', namespace, '--wait=false');
});

test('of two replicas one acts; when it is killed, the other one takes over', async () => {
  const replicas: AuditorProcess[] = [];
  const leaders = async () => {
    const leads = await Promise.all(replicas.map(async (one) => one.isRunning() && (await one.leads())));
    return replicas.filter((_, index) => leads[index]);
  };
  try {
    for (const name of ['one', 'two'])
      replicas.push(await startAuditorProcess(kubeconfig, path.join(controlPlane.folder, `auditor-${name}.log`)));
    const [leader] = await until('a leader', async () => ((await leaders()).length === 1 ? leaders() : undefined));
    const other = replicas.find((one) => one !== leader);
    await until(
      'the other one has looked at the Lease',
      async () => (await other?.readLog())?.includes('another replica leads') || undefined,
    );
    expect(await other?.readLog()).not.toContain('all pods have been looked at');
    await leader?.stop('SIGKILL');
    await until('the other one leads', async () => (await leaders()).includes(other as AuditorProcess) || undefined);
    await until(
      'it looks at pods',
      async () => (await other?.readLog())?.includes('all pods have been looked at') || undefined,
    );
    // One that ends in peace lets go at once.
    await other?.stop('SIGTERM');
    expect(
      await run(
        'get',
        'lease',
        '-n',
        'sidecar-injector-system',
        'sidecar-injector-auditor',
        '-o',
        'jsonpath={.spec.holderIdentity}',
      ),
    ).toBe('');
  } finally {
    for (const one of replicas) await one.stop('SIGKILL');
  }
});

test('without the right to evict it says so, and evicts nothing', async () => {
  const namespace = await cluster.createNamespace();
  await createDeployment(namespace, 'web', 1);
  await run('label', 'namespace', namespace, 'istio-injection=enabled');
  auditor = await startAuditor({ kubeconfig, evict: ['missed'] });
  await untilEvicted('failed', 1);
  expect(auditor.log()).toMatch(/a pod could not be evicted/);
  expect(auditor.log()).toMatch(/cannot create resource \\"pods\/eviction\\"/);
  await kubectl(controlPlane.kubeconfig, ['apply', '-f', component('evict/rbac.yaml')]);
  await run('delete', 'deployment', '--all', '--all-namespaces');
});

test('missed pods are evicted one by one, and their disruption budget is respected', async () => {
  const namespace = await cluster.createNamespace();
  await createDeployment(namespace, 'web', 2);
  await runPods(namespace);
  await run('create', 'poddisruptionbudget', 'web', '--selector=app=web', '--min-available=2', '-n', namespace);
  await until(
    'the budget',
    async () =>
      (await run('get', 'pdb', 'web', '-n', namespace, '-o', 'jsonpath={.status.currentHealthy}')) === '2' || undefined,
  );
  await run('label', 'namespace', namespace, 'istio-injection=enabled');
  auditor = await startAuditor({ kubeconfig, evict: ['missed'], evictions: { budgetMs: 1_000 } });
  await untilEvicted('budget', 2);
  expect(await counted('evicted')).toBe(0);
  expect((await podsOf(namespace)).some(hasSidecar)).toBe(false);
  await run('delete', 'pdb', 'web', '-n', namespace);
  await untilEvicted('evicted', 1);
  // Until the new pod runs, the other one stays.
  await until('a new pod', async () => (await podsOf(namespace)).some(hasSidecar) || undefined);
  expect(await counted('evicted')).toBe(1);
  await runPods(namespace);
  await untilEvicted('evicted', 2);
  // Between the eviction and the pod in its place there is one alone.
  await until('all new', async () => (await podsOf(namespace)).filter(hasSidecar).length === 2 || undefined);
  await runPods(namespace);
  await untilEvicted('replaced', 2);
  expect(await untilEvent(namespace, 'deployment/web', 'PodEvicted')).toContain('without the sidecar');
  await untilCounted(labelled('missed', namespace, 'web'), undefined);
});

test('a pod that a new node has not captured is made anew', async () => {
  const namespace = await cluster.createNamespace(injected);
  await createDeployment(namespace, 'web', 1);
  const [lost] = await podsOf(namespace);
  const check = { name: 'istio-validation', image: 'x', imageID: '', ready: false, restartCount: 0 };
  const initContainerStatuses = [{ ...check, state: { terminated: { exitCode: 126, reason: 'Error' } } }];
  await cluster.api.patch(`/api/v1/namespaces/${namespace}/pods/${lost?.metadata.name}/status`, {
    status: { initContainerStatuses },
  });
  auditor = await startAuditor({ kubeconfig, evict: ['uncaptured'] });
  await untilEvicted('evicted', 1);
  await until('another pod', async () => {
    const [pod] = await podsOf(namespace);
    return (pod !== undefined && pod.metadata.uid !== lost?.metadata.uid) || undefined;
  });
  await runPods(namespace);
  await untilEvicted('replaced', 1);
  await untilCounted(labelled('uncaptured', namespace, 'web'), undefined);
});

test('when new pods miss again, it stops: two pods are lost and not twelve', async () => {
  const namespaces = [
    await cluster.createNamespace(),
    await cluster.createNamespace(),
    await cluster.createNamespace(),
  ];
  for (const namespace of namespaces) {
    await createDeployment(namespace, 'web', 4);
    await runPods(namespace);
    await run('label', 'namespace', namespace, 'istio-injection=enabled', 'sidecar-injector.io/failurePolicy=Ignore');
  }
  await injector.stop('SIGTERM');
  try {
    auditor = await startAuditor({ kubeconfig, evict: ['missed'] });
    await untilEvicted('missed-again', 2);
    await until('the breaker', async () => (await auditor?.values('breaker_open'))?.get('') === 1 || undefined);
    expect(await counted('evicted')).toBe(2);
    const told = await run(
      'get',
      'events',
      '-A',
      '--field-selector=reason=EvictionStopped',
      '-o',
      'jsonpath={.items[*].involvedObject.kind}',
    );
    expect(told).toBe('Deployment Deployment');
    expect(auditor.log()).toContain('an evicted pod was not replaced by a better one');
  } finally {
    await startWebhook();
  }
});
