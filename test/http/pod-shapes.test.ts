import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Json, JsonObject } from '../../src/json/json.ts';
import { postReview } from '../support/http/https-client.ts';
import {
  annotated,
  namesOf,
  operationsOf,
  patchedPod,
  podOf,
  responseOf,
  reviewOf,
} from '../support/builders/reviews.ts';
import { snapshotOf } from '../support/builders/snapshots.ts';
import { startWebhook, type Webhook } from '../support/processes/webhook-server.ts';

let webhook: Webhook;
let classic: Webhook;
beforeAll(async () => {
  [webhook, classic] = await Promise.all([
    startWebhook(),
    startWebhook({ snapshot: snapshotOf({}, { nativeSidecars: false }) }),
  ]);
});
afterAll(() => Promise.all([webhook.close(), classic.close()]));

const send = async (pod: JsonObject, request: object = {}, to = webhook) =>
  responseOf(await postReview(to, reviewOf(pod, request)));

const app = { name: 'app', image: 'registry.example/app:1' };
const asked = { labels: { 'sidecar.istio.io/inject': 'true' } };

describe('a list or map of the pod that is', () => {
  const states: readonly [string, Json | undefined, Json | undefined][] = [
    ['absent', undefined, undefined],
    ['null', null, null],
    ['empty', [], {}],
  ];
  const fields: readonly [where: 'metadata' | 'spec', name: string][] = [
    ['metadata', 'annotations'],
    ['metadata', 'labels'],
    ['spec', 'volumes'],
    ['spec', 'initContainers'],
    ['spec', 'imagePullSecrets'],
    ['spec', 'securityContext'],
    ['spec', 'nodeSelector'],
  ];
  const cases = states.flatMap(([state, list, map]) =>
    fields.map(([where, name]) => {
      const isMap = where === 'metadata' || name === 'securityContext' || name === 'nodeSelector';
      return [state, where, name, isMap ? map : list] as const;
    }),
  );

  test.each(cases)('%s, %s.%s, is no hindrance', async (_state, where, name, value) => {
    const pod = where === 'metadata' ? podOf({ [name]: value }) : podOf({}, { [name]: value });
    for (const to of [webhook, classic]) {
      const response = await send(pod, {}, to);
      const result = patchedPod(pod, response);
      const { initContainers, containers } = result.spec;
      expect(namesOf([...initContainers, ...containers]).toSorted()).toEqual(['app', 'istio-init', 'istio-proxy']);
      expect(namesOf(result.spec.volumes)).toEqual(['istio-logs', 'istio-podinfo', 'istio-token-mask']);
      expect(result.metadata.annotations).toHaveProperty(['sidecar.istio.io/status']);
      expect(response.warnings).toBeUndefined();
    }
  });

  test.each(states)('%s, all of them at once, is no hindrance', async (_state, list, map) => {
    const pod = podOf(
      { annotations: map, labels: map },
      { volumes: list, initContainers: list, imagePullSecrets: list, securityContext: map },
    );
    expect(namesOf(patchedPod(pod, await send(pod)).spec.initContainers)).toEqual(['istio-init', 'istio-proxy']);
  });

  test('filled keeps what is in it, in its order', async () => {
    const pod = podOf(
      { annotations: { a: '1' }, labels: { b: '2' } },
      { volumes: [{ name: 'data' }], initContainers: [{ name: 'setup', image: 'x' }], containers: [app] },
    );
    const result = patchedPod(pod, await send(pod));
    expect(namesOf(result.spec.initContainers)).toEqual(['istio-init', 'istio-proxy', 'setup']);
    expect(namesOf(result.spec.volumes)[0]).toBe('data');
    expect(result.metadata.annotations).toMatchObject({ a: '1' });
    expect(result.metadata.labels).toMatchObject({ b: '2' });
  });

  test('absent with its metadata is no hindrance', async () => {
    for (const metadata of [undefined, null, {}]) {
      const pod = { ...podOf(), metadata };
      expect(patchedPod(pod, await send(pod)).metadata.annotations).toHaveProperty(['sidecar.istio.io/status']);
    }
  });
});

describe('a pod that is no pod is denied with the field', () => {
  test.each<[JsonObject, RegExp]>([
    [{ metadata: {} }, /the pod has no spec/],
    [{ metadata: {}, spec: null }, /the pod has no spec/],
    [podOf({}, { containers: {} }), /spec\.containers is not a list/],
    [podOf({}, { containers: [null] }), /spec\.containers\[0\] is not an object/],
    [podOf({}, { volumes: 'x' }), /spec\.volumes is not a list/],
    [podOf({}, { initContainers: [app, 7] }), /spec\.initContainers\[1\] is not an object/],
    [podOf({ labels: ['x'] }), /metadata\.labels is not a map/],
    [podOf({ annotations: 'x' }), /metadata\.annotations is not a map/],
  ])('%#', async (pod, sentence) => {
    const response = await send(pod);
    expect(response).toMatchObject({ allowed: false, status: { code: 400, reason: 'Invalid' } });
    expect(response.status?.message).toMatch(sentence);
  });

  test.each([
    podOf({}, { containers: [] }),
    podOf({}, { containers: null }),
    podOf({}, { containers: [{}] }),
    podOf({}, { containers: [{ name: 7, ports: 'x', env: 3, readinessProbe: [], securityContext: 'root' }] }),
    podOf({}, { containers: [{ name: '', readinessProbe: { httpGet: { port: {} } }, lifecycle: { preStop: 'x' } }] }),
    podOf({}, { containers: [app], hostNetwork: 'yes', os: 'windows', nodeSelector: [], securityContext: 1 }),
    podOf({ name: 7, generateName: {}, ownerReferences: [{ controller: true, kind: 1, name: [] }] }),
    podOf({ ownerReferences: 'x', labels: { 'pod-template-hash': 3 } }),
  ])('or left to the API server, but never a failure of ours: %#', async (pod) => {
    const before = await webhook.sample('sidecar_injector_internal_failures_total');
    await send(pod);
    expect(await webhook.sample('sidecar_injector_internal_failures_total')).toBe(before);
  });
});

describe('a pod that has what is to be injected', () => {
  test('as a container of its own keeps its wishes about it', async () => {
    const own = { name: 'istio-proxy', image: 'auto', resources: { requests: { cpu: '7m' } } };
    const pod = podOf({}, { containers: [app, own] });
    const result = patchedPod(pod, await send(pod));
    expect(namesOf([...result.spec.initContainers, ...result.spec.containers])).toEqual([
      'istio-init',
      'istio-proxy',
      'app',
    ]);
    expect(result.spec.initContainers[1]).toMatchObject({ resources: { requests: { cpu: '7m', memory: '128Mi' } } });
    expect(result.spec.initContainers[1]?.['image']).not.toBe('auto');
  });

  test.each([
    ['another image', { image: 'evil.example/x' }, /container "istio-proxy", image: "evil\.example\/x" is not allowed/],
    [
      'more rights',
      { securityContext: { privileged: true } },
      /container "istio-proxy", securityContext\.privileged: may not/,
    ],
    ['a command', { command: ['sh'] }, /container "istio-proxy", command: may not be set; allowed: /],
    [
      'uid 0',
      { securityContext: { runAsUser: 0 } },
      /securityContext\.runAsUser: allowed: a number from 1 to 2147483647/,
    ],
  ])('with %s is denied', async (_what, wish, sentence) => {
    const response = await send(podOf({}, { containers: [app, { name: 'istio-proxy', ...wish }] }));
    expect([response.allowed, response.status?.code]).toEqual([false, 400]);
    expect(response.status?.message).toMatch(sentence);
  });

  test.each(['istio-logs', 'istio-podinfo', 'istio-token-mask'])('as a volume %s is denied', async (name) => {
    const response = await send(podOf({}, { volumes: [{ name, hostPath: { path: '/' } }] }));
    expect(response.status?.message).toBe(
      `volume "${name}" of sidecar "sidecar" is also in the pod; rename one of them (NameConflict)`,
    );
  });

  test.each([15000, 15001, 15006, 15020, 15021, 15090])('as the port %d is denied', async (containerPort) => {
    const response = await send(podOf({}, { containers: [{ ...app, ports: [{ containerPort }] }] }));
    expect(response.status).toEqual({
      status: 'Failure',
      code: 400,
      reason: 'Invalid',
      message: `container "app" declares port ${containerPort}, which the proxy listens on; use another port (PortConflict)`,
    });
  });

  test('as the proxy’s user is denied', async () => {
    const response = await send(podOf({}, { securityContext: { runAsUser: 1337 } }));
    expect(response.status?.message).toMatch(/container "app" runs as user 1337/);
  });

  test.each([1, 80, 15002, 15008, 15022, 16000])('near it, port %d, is injected', async (containerPort) => {
    const pod = podOf({}, { containers: [{ ...app, ports: [{ containerPort }] }] });
    expect((await send(pod)).patchType).toBe('JSONPatch');
  });

  test('as everything at once hears of everything at once', async () => {
    const response = await send(
      podOf(
        { annotations: { 'sidecar.istio.io/logLevel': 'loud', 'sidecar.istio.io/proxyCPU': 'much' } },
        {
          containers: [
            {
              ...app,
              ports: [{ containerPort: 15001 }, { containerPort: 15090 }],
              securityContext: { runAsGroup: 1337 },
            },
            { name: 'istio-proxy', command: ['sh'], stdin: true },
          ],
        },
      ),
    );
    for (const part of ['logLevel', 'proxyCPU', 'port 15001', 'port 15090', 'group 1337', 'command', 'stdin']) {
      expect(response.status?.message).toContain(part);
    }
    expect(response.status?.message).not.toContain('\n');
  });
});

describe('mistakes of the pod itself are left to the API server', () => {
  test.each<[string, object]>([
    ['two containers of one name', { containers: [app, app] }],
    ['a port twice', { containers: [{ ...app, ports: [{ containerPort: 80 }, { containerPort: 80 }] }] }],
    ['a volume twice', { volumes: [{ name: 'a' }, { name: 'a' }] }],
    ['a mount without its volume', { containers: [{ ...app, volumeMounts: [{ name: 'none', mountPath: '/x' }] }] }],
    ['an init container of the same name', { initContainers: [app] }],
    ['no image', { containers: [{ name: 'app' }] }],
    ['no name', { containers: [{ image: 'x' }] }],
    ['port 0 and 70000', { containers: [{ ...app, ports: [{ containerPort: 0 }, { containerPort: 70_000 }] }] }],
  ])('%s', async (_what, spec) => {
    const pod = podOf({}, spec);
    const response = await send(pod);
    expect([response.allowed, response.warnings]).toEqual([true, undefined]);
    for (const { op, path } of operationsOf(response)) {
      expect(op).toBe('add');
      expect(path).toMatch(/^\/(?:metadata\/(?:annotations|labels)|spec\/(?:initContainers|volumes))(?:\/|$)/);
    }
  });
});

describe('a pod that is never injected', () => {
  test.each<[string, JsonObject, string]>([
    ['on the node’s network', podOf(asked, { hostNetwork: true }), 'HostNetwork'],
    ['on Windows by its operating system', podOf(asked, { os: { name: 'windows' } }), 'WindowsPod'],
    ['on Windows by its node', podOf(asked, { nodeSelector: { 'kubernetes.io/os': 'windows' } }), 'WindowsPod'],
    [
      'on Windows by the old label',
      podOf(asked, { nodeSelector: { 'beta.kubernetes.io/os': 'windows' } }),
      'WindowsPod',
    ],
    [
      'that mirrors a static one',
      podOf({ ...asked, annotations: { 'kubernetes.io/config.mirror': 'x' } }),
      'MirrorPod',
    ],
    ['with another mesh’s proxy', podOf(asked, { containers: [app, { name: 'linkerd-proxy' }] }), 'ForeignProxy'],
    [
      'with a status that is not ours',
      podOf({ ...asked, annotations: { 'sidecar.istio.io/status': '{}' } }),
      'ForeignStatus',
    ],
  ])('%s is told so', async (_where, pod, reasons) => {
    const response = await send(pod);
    expect(response).toMatchObject({ allowed: true, auditAnnotations: { decision: 'skip', reasons } });
    expect(response.patch).toBeUndefined();
    expect(response.warnings).toEqual([expect.stringMatching(/^sidecar-injector: not injected: /)]);
  });

  test.each<[string, object]>([
    ['hostPID', { hostPID: true }],
    ['hostIPC', { hostIPC: true }],
    ['Linux', { os: { name: 'linux' } }],
    ['a runtime class', { runtimeClassName: 'windows-2019' }],
    ['an unset hostNetwork', { hostNetwork: false }],
  ])('is not one with %s', async (_what, spec) => {
    expect((await send(podOf({}, spec))).patchType).toBe('JSONPatch');
  });
});

describe('the name of a pod', () => {
  test.each<[string, object, string]>([
    ['that the server will make', { name: undefined, generateName: 'web-7f9c-' }, 'web-7f9c-*'],
    ['that is not there at all', { name: undefined }, '(unnamed)'],
    ['that is empty', { name: '', generateName: 'web-' }, 'web-*'],
    ['of 253 characters', { name: 'a'.repeat(253) }, 'a'.repeat(253)],
  ])('%s is no hindrance', async (_which, metadata, logged) => {
    const pod = podOf({ namespace: '', ...metadata });
    expect(patchedPod(pod, await send(pod)).spec.initContainers).toHaveLength(2);
    expect(webhook.log()).toContain(`"pod":${JSON.stringify(logged)}`);
  });

  test('of a megabyte does not fill the log', async () => {
    const before = webhook.log().length;
    const long = 'a'.repeat(1024 * 1024);
    await send(podOf({ name: long, generateName: long }), { uid: long, operation: long, namespace: long });
    await send(podOf({ name: long, generateName: long }), { uid: long, namespace: long });
    expect(webhook.log().length - before).toBeLessThan(8 * 1024);
  });
});

describe('a pod that was injected before', () => {
  test('is left as it is', async () => {
    for (const to of [webhook, classic]) {
      const pod = podOf();
      const injected = patchedPod(pod, await send(pod, {}, to));
      const again = await send(injected, {}, to);
      expect(again).toMatchObject({
        allowed: true,
        auditAnnotations: { decision: 'skip', reasons: 'AlreadyInjected' },
      });
      expect(again.patch).toBeUndefined();
    }
  });

  test('and came back from a running cluster is left as it is', async () => {
    const pod = podOf();
    const injected = patchedPod(pod, await send(pod));
    const running = {
      ...injected,
      status: { phase: 'Running' },
      spec: { ...injected.spec, nodeName: 'n1', tolerations: [] },
    };
    expect((await send(running)).patch).toBeUndefined();
  });

  test('and lost a container is denied', async () => {
    const pod = podOf();
    const { metadata } = patchedPod(pod, await send(pod));
    const response = await send(annotated(metadata.annotations));
    expect(response.status?.message).toMatch(/says that "istio-init", "istio-proxy" was injected, but it is not there/);
  });
});
