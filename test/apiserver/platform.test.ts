import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Container, Pod } from '../support/http/api-client.ts';
import { sharedCluster } from '../support/processes/shared-cluster.ts';
import { runKubectl } from '../support/cluster/kubectl.ts';
import { containerNames, injected, makePod, openTestCluster, resizesPods } from '../support/processes/test-cluster.ts';
import { until } from '../support/waiting.ts';

const cluster = openTestCluster(sharedCluster());
const tokenPath = '/var/run/secrets/kubernetes.io/serviceaccount';
afterAll(() => cluster.api.close());

const ours = (pod: Pod): readonly Container[] =>
  [...(pod.spec.initContainers ?? []), ...pod.spec.containers].filter(({ name }) => name.startsWith('istio-'));

describe('ServiceAccount plug-in', () => {
  test('mounts the API token into the application and not into our containers', async () => {
    const namespace = await cluster.createNamespace(injected);
    const { body } = await cluster.createPod(namespace, makePod('pod'));
    const tokenMount = ({ volumeMounts = [] }: Container) =>
      volumeMounts.filter(({ mountPath, name }) => mountPath === tokenPath && name.startsWith('kube-api-access-'));
    const app = body.spec.containers.find(({ name }) => name === 'app');
    expect(app && tokenMount(app)).toHaveLength(1);
    expect(ours(body)).toHaveLength(2);
    for (const container of ours(body)) expect(tokenMount(container)).toEqual([]);
  });
});

describe('LimitRange', () => {
  test('fills the application and leaves our resources alone', async () => {
    const [limited, free] = await Promise.all([cluster.createNamespace(injected), cluster.createNamespace(injected)]);
    const limits = [
      { type: 'Container', default: { cpu: '111m', memory: '111Mi' }, defaultRequest: { cpu: '11m', memory: '11Mi' } },
    ];
    await cluster.api.create(`/api/v1/namespaces/${limited}/limitranges`, {
      metadata: { name: 'l' },
      spec: { limits },
    });
    const [withRange, without] = await Promise.all(
      [limited, free].map(async (namespace) =>
        until(`pod in ${namespace}`, async () => {
          const { body } = await cluster.createPod(namespace, makePod('pod'), 'dryRun=All');
          const isFilled = body.spec.containers.some(({ resources }) => resources?.limits?.['cpu'] === '111m');
          return isFilled === (namespace === limited) ? body : undefined;
        }),
      ),
    );
    const resources = (pod: Pod | undefined) => pod && ours(pod).map((container) => container.resources);
    expect(resources(withRange)).toEqual(resources(without));
    expect(resources(withRange)).toHaveLength(2);
  });
});

describe('Pod Security', () => {
  const container = {
    name: 'app',
    image: 'registry.example/app:1',
    securityContext: {
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
  const withoutCapture = { annotations: { 'sidecar.istio.io/interceptionMode': 'NONE' } };

  test.each([
    ['privileged', {}, 201, ''],
    ['baseline', {}, 403, '"istio-init" must not include "NET_ADMIN", "NET_RAW"'],
    ['restricted', {}, 403, 'runAsUser=0 (container "istio-init" must not set runAsUser=0)'],
    ['baseline', withoutCapture, 201, ''],
    ['restricted', withoutCapture, 201, ''],
  ])('%s, %j: %i', async (level, metadata, status, message) => {
    const namespace = await cluster.createNamespace({ ...injected, 'pod-security.kubernetes.io/enforce': level });
    const pod = makePod('pod', { metadata, spec: { containers: [container] } });
    const answer = await cluster.createPod(namespace, pod);
    expect(answer.body.message ?? '').toContain(message);
    expect(answer.status).toBe(status);
    if (status === 201) expect(containerNames(answer.body)).toContain('istio-proxy');
  });

  test('kubectl shows before the refusal that it is because of the sidecar, and what to do', async () => {
    const namespace = await cluster.createNamespace({ ...injected, 'pod-security.kubernetes.io/enforce': 'baseline' });
    const pod = JSON.stringify(makePod('pod', { spec: { containers: [container] } }));
    // The injector learns of the namespace from its watch, which the API server does not wait for.
    const { stderr, code } = await until('the warning', async () => {
      const answer = await runKubectl(cluster.kubeconfig, ['create', '-n', namespace, '-f', '-'], pod);
      return answer.stderr.includes('the namespace enforces') ? answer : undefined;
    });
    expect(code).not.toBe(0);
    expect(stderr).toContain(
      'Warning: sidecar-injector: the namespace enforces Pod Security baseline, so the pod will be refused (container "istio-init": capability NET_ADMIN, capability NET_RAW)',
    );
    expect(stderr).toContain('use sidecar.istio.io/interceptionMode: NONE on the pods');
    expect(stderr).toContain('violates PodSecurity "baseline:latest"');
  });
});

test('a ResourceQuota counts our containers', async () => {
  const namespace = await cluster.createNamespace(injected);
  const hard = { 'requests.cpu': '1', 'requests.memory': '1Gi' };
  await cluster.api.create(`/api/v1/namespaces/${namespace}/resourcequotas`, {
    metadata: { name: 'q' },
    spec: { hard },
  });
  await until('the quota is known', async () => {
    const { body } = await cluster.api.get<{ status?: { hard?: object } }>(
      `/api/v1/namespaces/${namespace}/resourcequotas/q`,
    );
    return body.status?.hard;
  });
  const resources = { requests: { cpu: '10m', memory: '10Mi' } };
  const spec = { containers: [{ name: 'app', image: 'registry.example/app:1', resources }] };
  const { status, body } = await until('a verdict of the quota', async () => {
    const answer = await cluster.createPod(namespace, makePod('pod', { spec }));
    return answer.status === 403 && answer.body.message?.includes('status unknown') ? undefined : answer;
  });
  expect([body.message, status]).toEqual([undefined, 201]);
  const used = await until('the quota is used', async () => {
    const answer = await cluster.api.get<{ status: { used: Record<string, string> } }>(
      `/api/v1/namespaces/${namespace}/resourcequotas/q`,
    );
    const cpu = answer.body.status.used['requests.cpu'];
    return cpu === '0' ? undefined : cpu;
  });
  expect(used).toBe('110m');
});

describe('later changes of an injected pod go their own way', () => {
  let namespace: string;
  const path = (more = '') => `/api/v1/namespaces/${namespace}/pods/pod${more}`;

  beforeAll(async () => {
    namespace = await cluster.createNamespace(injected);
    await cluster.createPod(namespace, makePod('pod'));
  });

  const shape = async () => {
    const { body } = await cluster.api.get<Pod>(path());
    return { names: containerNames(body), status: body.metadata.annotations?.['sidecar.istio.io/status'] };
  };

  test.each([
    [
      'an ephemeral container',
      '/ephemeralcontainers',
      {
        spec: {
          ephemeralContainers: [{ name: 'debug', image: 'registry.example/debug:1', targetContainerName: 'app' }],
        },
      },
    ],
    ['a status', '/status', { status: { phase: 'Running' } }],
    [
      'a resize of the application',
      '/resize',
      [{ op: 'add', path: '/spec/containers/0/resources/requests', value: { cpu: '20m' } }],
    ],
    ['a label', '', { metadata: { labels: { added: 'later' } } }],
  ])('%s', async (_what, subresource, change) => {
    const before = await shape();
    const answer = await cluster.api.patch<Pod>(path(subresource), change);
    const isServed = subresource !== '/resize' || (await resizesPods(cluster));
    expect([answer.status, answer.body.message]).toEqual(
      isServed ? [200, undefined] : [404, 'the server could not find the requested resource'],
    );
    expect(await shape()).toEqual(before);
  });
});

test('annotations of a namespace become defaults of its new pods, and cease to be', async () => {
  const namespace = await cluster.createNamespace(injected);
  const requested = async (): Promise<string | undefined> => {
    const { body } = await cluster.createPod(namespace, makePod('pod'), 'dryRun=All');
    return ours(body).find(({ name }) => name === 'istio-proxy')?.resources?.requests?.['cpu'];
  };
  const annotate = (...annotations: readonly string[]) =>
    runKubectl(cluster.kubeconfig, ['annotate', '--overwrite', 'namespace', namespace, ...annotations]);
  expect(await requested()).toBe('100m');
  await annotate('sidecar-injector.io/defaults=true', 'sidecar.istio.io/proxyCPU=77m');
  await until('the default', async () => ((await requested()) === '77m' ? true : undefined));
  await annotate('sidecar-injector.io/defaults-');
  await until('its end', async () => ((await requested()) === '100m' ? true : undefined));
});
