import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Pod } from '../support/http/api-client.ts';
import { runKubectl } from '../support/cluster/kubectl.ts';
import { sharedCluster } from '../support/processes/shared-cluster.ts';
import { containerNames, injected, makePod, openTestCluster, resizesPods } from '../support/processes/test-cluster.ts';
import { until } from '../support/waiting.ts';

const cluster = openTestCluster(sharedCluster());
const sidecars = ['istio-init', 'istio-proxy'];
let enabled: string;
let plain: string;

beforeAll(async () => {
  [enabled, plain] = await Promise.all([cluster.createNamespace(injected), cluster.createNamespace()]);
});
afterAll(() => cluster.api.close());

const kubectl = (args: readonly string[], input?: object) =>
  runKubectl(cluster.kubeconfig, args, input === undefined ? '' : JSON.stringify(input));

const makeDeployment = (name: string, podAnnotations: Record<string, string> = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name }, annotations: podAnnotations },
      spec: { containers: [{ name: 'app', image: 'registry.example/app:1', ports: [{ containerPort: 8080 }] }] },
    },
  },
});

describe('a Deployment', () => {
  const storedPods = (namespace: string, name: string) =>
    until(`two pods of ${name}`, async () => {
      const { body } = await cluster.api.get<{ items: Pod[] }>(
        `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${name}`,
      );
      return body.items.length === 2 ? body.items : undefined;
    });

  test('in an enabled namespace gets pods with capture and proxy', async () => {
    const answer = await kubectl(['apply', '-n', enabled, '-f', '-'], makeDeployment('web'));
    expect(answer).toMatchObject({ code: 0, stderr: '' });
    for (const pod of await storedPods(enabled, 'web')) {
      expect(containerNames(pod)).toEqual([...sidecars, 'app']);
      expect(pod.metadata.annotations).toHaveProperty(['sidecar.istio.io/status']);
    }
  });

  test('elsewhere gets pods as they were written', async () => {
    await kubectl(['apply', '-n', plain, '-f', '-'], makeDeployment('web'));
    for (const pod of await storedPods(plain, 'web')) expect(containerNames(pod)).toEqual(['app']);
  });

  test('with a bad annotation says why in the ReplicaSet', async () => {
    const bad = makeDeployment('bad', { 'traffic.sidecar.istio.io/excludeInboundPorts': '80,http' });
    await kubectl(['apply', '-n', enabled, '-f', '-'], bad);
    const message = await until('a refusal in the status', async () => {
      const { body } = await cluster.api.get<{ items: { status: { conditions?: { message: string }[] } }[] }>(
        `/apis/apps/v1/namespaces/${enabled}/replicasets?labelSelector=app%3Dbad`,
      );
      return body.items[0]?.status.conditions?.[0]?.message;
    });
    expect(message).toContain('traffic.sidecar.istio.io/excludeInboundPorts');
  });
});

describe('a pod decides by its label', () => {
  test.each([
    ['in', 'true', 'plain', [...sidecars, 'app']],
    ['out', 'false', 'enabled', ['app']],
  ])('to opt %s', async (_what, value, where, names) => {
    const namespace = where === 'plain' ? plain : enabled;
    const pod = makePod(`label-${value}`, { metadata: { labels: { 'sidecar.istio.io/inject': value } } });
    const { status, body } = await cluster.createPod(namespace, pod);
    expect([status, containerNames(body)]).toEqual([201, names]);
  });
});

test('a pod decides by its annotation when it has no label', async () => {
  const pod = makePod('annotated', { metadata: { annotations: { 'sidecar.istio.io/inject': 'false' } } });
  expect(containerNames((await cluster.createPod(enabled, pod)).body)).toEqual(['app']);
});

test('a pod whose name the server makes is injected', async () => {
  const pod = makePod('', { metadata: { name: undefined, generateName: 'made-' } });
  const { body } = await cluster.createPod(enabled, pod);
  expect(body.metadata.name).toMatch(/^made-/);
  expect(containerNames(body)).toEqual([...sidecars, 'app']);
});

test('`kubectl apply --dry-run=server` shows the injection and stores nothing', async () => {
  const args = ['apply', '-n', enabled, '--dry-run=server', '-o', 'json', '-f', '-'];
  const { code, stdout } = await kubectl(args, makePod('dry'));
  expect(code).toBe(0);
  const shown: Pod = JSON.parse(stdout);
  expect(containerNames(shown)).toEqual([...sidecars, 'app']);
  expect((await cluster.api.get(`/api/v1/namespaces/${enabled}/pods/dry`)).status).toBe(404);
});

test('`kubectl diff` shows the injection of a new pod and nothing for a stored one', async () => {
  const before = await kubectl(['diff', '-n', enabled, '-f', '-'], makePod('diffed'));
  expect(before.code).toBe(1);
  expect(before.stdout).toMatch(/^\+.* name: istio-proxy$/m);
  await kubectl(['apply', '-n', enabled, '-f', '-'], makePod('diffed'));
  expect(await kubectl(['diff', '-n', enabled, '-f', '-'], makePod('diffed'))).toMatchObject({ code: 0, stdout: '' });
});

test.each([[[]], [['--server-side']]])('`kubectl apply %j` twice changes nothing', async (flags) => {
  const name = flags.length === 0 ? 'twice' : 'twice-server-side';
  const args = ['apply', '-n', enabled, ...flags, '-f', '-'];
  const first = await kubectl(args, makePod(name));
  const read = async () => (await cluster.api.get<Pod>(`/api/v1/namespaces/${enabled}/pods/${name}`)).body;
  const before = await read();
  const second = await kubectl(args, makePod(name));
  expect([first.code, second.code, second.stderr]).toEqual([0, 0, '']);
  const after = await read();
  expect(after.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  expect(containerNames(after)).toEqual([...sidecars, 'app']);
});

describe('what the user hears', () => {
  test('a refusal names annotation, value and what is allowed', async () => {
    const annotations = { 'traffic.sidecar.istio.io/excludeInboundPorts': '80,http' };
    const { code, stderr } = await kubectl(
      ['create', '-n', enabled, '-f', '-'],
      makePod('bad', { metadata: { annotations } }),
    );
    expect(code).toBe(1);
    expect(stderr).toContain('admission webhook "namespace.sidecar-injector.io" denied the request: ');
    expect(stderr).toContain('traffic.sidecar.istio.io/excludeInboundPorts: "http" is not allowed; allowed: ');
    const answer = await cluster.createPod(enabled, makePod('bad', { metadata: { annotations } }));
    expect(answer).toMatchObject({ status: 400, body: { reason: 'Invalid' } });
  });

  test.each(['yes', ''])('the label value %j is refused', async (value) => {
    const pod = makePod('odd', { metadata: { labels: { 'sidecar.istio.io/inject': value } } });
    const { status, body } = await cluster.createPod(enabled, pod);
    expect(status).toBe(400);
    expect(body.message).toContain('sidecar.istio.io/inject');
  });

  test('a pod that asks in vain gets a warning in kubectl', async () => {
    const labels = { 'sidecar.istio.io/inject': 'true' };
    const containers = [{ name: 'app', image: 'registry.example/app:1' }];
    const pod = makePod('host', { metadata: { labels }, spec: { hostNetwork: true, containers } });
    const { code, stderr } = await kubectl(['create', '-n', enabled, '-f', '-'], pod);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^Warning: .*hostNetwork/);
  });

  test('a pod without a problem hears nothing', async () => {
    const { warnings } = await cluster.createPod(enabled, makePod('quiet'));
    expect(warnings).toEqual([]);
  });
});

test('the audit log tells what was decided', async () => {
  await cluster.createPod(enabled, makePod('audited'));
  const { annotations = {} } = await cluster.findAudit(enabled, 'audited');
  expect(annotations).toMatchObject({
    'namespace.sidecar-injector.io/decision': 'inject',
    'namespace.sidecar-injector.io/reasons': 'PolicyEnabled',
  });
});

test('an injected pod that is read and created anew keeps what it has', async () => {
  await cluster.createPod(enabled, makePod('original'));
  const read = await kubectl(['get', 'pod', '-n', enabled, 'original', '-o', 'yaml']);
  const copy = read.stdout
    .replace(/^ {2}name: original$/m, '  name: copy')
    .replace(/^ {2}(?:uid|resourceVersion|creationTimestamp): .*\n/gm, '');
  const created = await runKubectl(cluster.kubeconfig, ['create', '-n', enabled, '-f', '-'], copy);
  expect(created).toMatchObject({ code: 0, stderr: '' });
  const [original, again] = await Promise.all(
    ['original', 'copy'].map((name) => cluster.api.get<Pod>(`/api/v1/namespaces/${enabled}/pods/${name}`)),
  );
  expect(withoutToken(again?.body)).toEqual(withoutToken(original?.body));
  expect(again?.body.metadata.annotations).toEqual(original?.body.metadata.annotations);
});

/** The pod's spec; the name of the token volume is the server's and random. */
function withoutToken(pod: Pod | undefined): unknown {
  return JSON.parse(JSON.stringify(pod?.spec).replaceAll(/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access'));
}

test('fields that the program does not know survive', async () => {
  const resizePolicy = [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }];
  const schedulingGates = [{ name: 'example.com/gate' }];
  const containers = [{ name: 'app', image: 'registry.example/app:1', resizePolicy }];
  const { status, body } = await cluster.createPod(
    enabled,
    makePod('fields', { spec: { containers, schedulingGates } }),
  );
  expect(status).toBe(201);
  expect(body.spec['schedulingGates']).toEqual(schedulingGates);
  expect(body.spec.containers.at(-1)?.['resizePolicy']).toEqual(
    (await resizesPods(cluster)) ? resizePolicy : undefined,
  );
});
