import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../src/json/json.ts';
import type { Container, Pod } from '../support/http/api-client.ts';
import { runKubectl } from '../support/cluster/kubectl.ts';
import { sharedCluster } from '../support/processes/shared-cluster.ts';
import { containerNames, injected, makePod, openTestCluster } from '../support/processes/test-cluster.ts';

const cluster = openTestCluster(sharedCluster());
const sidecars = ['istio-init', 'istio-proxy'];
let namespace: string;

const app: JsonObject = {
  name: 'app',
  image: 'registry.example/app:1',
  readinessProbe: { httpGet: { path: '/ready', port: 8080 } },
  ports: [{ containerPort: 8080 }],
};
const classic = { annotations: { 'sidecar.istio.io/nativeSidecar': 'false' } };
const ownCopy = { name: 'istio-proxy', image: 'auto', resources: { limits: { cpu: '1' } } };

/** Pods that are copied, by name. */
const originals: Readonly<Record<string, JsonObject>> = {
  native: makePod('native', { spec: { containers: [app] } }),
  classic: makePod('classic', { metadata: classic, spec: { containers: [app] } }),
  override: makePod('override', { spec: { containers: [app, ownCopy] } }),
};

beforeAll(async () => {
  namespace = await cluster.createNamespace(injected);
  for (const pod of Object.values(originals)) {
    expect(await cluster.createPod(namespace, pod)).toMatchObject({ status: 201 });
  }
});
afterAll(() => cluster.api.close());

const read = async (name: string): Promise<Pod> =>
  (await cluster.api.get<Pod>(`/api/v1/namespaces/${namespace}/pods/${name}`)).body;

/** Expects one proxy and one init container, recorded by the status, and volumes for all that is mounted. */
function expectInjectedOnce(pod: Pod): void {
  const names = containerNames(pod);
  for (const name of sidecars) expect(names.filter((one) => one === name)).toEqual([name]);
  expect(new Set(names).size).toBe(names.length);
  expect(pod.metadata.annotations).toHaveProperty(['sidecar.istio.io/status']);
  const volumes = (pod.spec.volumes ?? []).map(({ name }) => name);
  expect(volumes.filter((name) => name.startsWith('istio-'))).toEqual([
    'istio-logs',
    'istio-podinfo',
    'istio-token-mask',
  ]);
}

const profiles = ['legacy', 'general', 'baseline', 'netadmin', 'restricted', 'sysadmin'];
const flags = [
  [],
  ['--keep-init-containers=false'],
  ['--keep-annotations'],
  ['--keep-annotations', '--keep-init-containers=false'],
  ['--keep-readiness', '--keep-liveness', '--keep-startup', '--keep-labels'],
];

describe.each(profiles)('`kubectl debug --copy-to --profile=%s`', (profile) => {
  test.each(flags.map((more) => [more.join(' '), more] as const))('%s makes an injected copy', async (_text, more) => {
    for (const original of Object.keys(originals)) {
      const copy = `${original}-${profile}-${flags.indexOf(more)}`;
      const debug = ['--image=registry.example/debug:1', '--container=dbg', '--attach=false', `--copy-to=${copy}`];
      const args = ['debug', '-n', namespace, original, `--profile=${profile}`, ...debug, ...more];
      const { code, stderr } = await runKubectl(cluster.kubeconfig, args);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      const pod = await read(copy);
      expectInjectedOnce(pod);
      expect(containerNames(pod)).toEqual(expect.arrayContaining(['app', 'dbg']));
    }
  });
});

/** What other tools make of a pod when they create it anew. */
const tools: readonly (readonly [what: string, change: (pod: Pod) => { metadata: object; spec: object }])[] = [
  ['everything', ({ metadata: { annotations }, spec }) => ({ metadata: { annotations }, spec })],
  ['the spec alone', ({ spec }) => ({ metadata: {}, spec })],
  [
    'all but our status',
    ({ metadata: { annotations = {} }, spec }) => {
      const kept = Object.entries(annotations).filter(([name]) => name !== 'sidecar.istio.io/status');
      return { metadata: { annotations: Object.fromEntries(kept) }, spec };
    },
  ],
  [
    'the spec without the token, as backup tools restore it',
    ({ spec }) => {
      const isToken = ({ name }: { name: string }) => name.startsWith('kube-api-access-');
      const without = (list: readonly Container[] = []) =>
        list.map((container) => ({
          ...container,
          volumeMounts: (container.volumeMounts ?? []).filter((mount) => !isToken(mount)),
        }));
      const wait = { name: 'restore-wait', image: 'registry.example/restore:1' };
      return {
        metadata: {},
        spec: {
          ...spec,
          initContainers: [wait, ...without(spec.initContainers)],
          containers: without(spec.containers),
          volumes: (spec.volumes ?? []).filter((volume) => !isToken(volume)),
        },
      };
    },
  ],
];

describe.each(Object.keys(originals))('a copy of the pod %s by a tool that keeps', (original) => {
  test.each(tools)('%s is injected', async (what, change) => {
    const made = change(await read(original));
    const name = `${original}-kept-${tools.findIndex(([one]) => one === what)}`;
    const { status, body } = await cluster.createPod(namespace, {
      apiVersion: 'v1',
      kind: 'Pod',
      ...made,
      metadata: { ...made.metadata, name },
    });
    expect([status, body.message]).toEqual([201, undefined]);
    expectInjectedOnce(body);
  });

  test('its spec in `kubectl run --overrides` is injected', async () => {
    const { spec } = await read(original);
    const name = `${original}-run`;
    const overrides = JSON.stringify({ apiVersion: 'v1', spec });
    const args = ['run', '-n', namespace, name, '--image=registry.example/app:2', `--overrides=${overrides}`];
    expect(await runKubectl(cluster.kubeconfig, args)).toMatchObject({ code: 0 });
    expectInjectedOnce(await read(name));
  });
});
