import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import {
  createClusterNamespace,
  type ClusterNamespace,
  type RunningPod,
} from '../../support/cluster/cluster-namespace.ts';
import { idlePod } from '../../support/cluster/workbench.ts';
import { selfSigned } from '../../support/http/self-signed.ts';
import { injected } from '../../support/processes/test-cluster.ts';
import { until } from '../../support/waiting.ts';

jest.setTimeout(200_000);

const image = 'cluster.test/workbench:1';
const plain = { labels: { 'sidecar.istio.io/inject': 'false' } };
const classic = { annotations: { 'sidecar.istio.io/nativeSidecar': 'false' } };

let namespace: ClusterNamespace;

beforeAll(async () => {
  namespace = await createClusterNamespace(injected);
});
afterAll(() => namespace.remove());

const podIp = { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } };

function pod(name: string, metadata: JsonObject, spec: JsonObject): JsonObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, ...metadata }, spec };
}

function serving(name: string, more: JsonObject = {}, env: Record<string, string> = {}): JsonObject {
  const variables = Object.entries(env).map(([key, value]) => ({ name: key, value }));
  return { name, image, args: ['serve.ts'], env: [podIp, ...variables], ...more };
}

const moved = (place: string): string => `/moved?to=${encodeURIComponent(place)}`;
const chain = (length: number, end: string): string => Array.from({ length }).reduce<string>(moved, end);

/** What a probe asks, by the name of the container that has it. */
const probed: Record<string, { readonly path: string; readonly scheme?: 'HTTPS' }> = {
  fine: { path: '/status/200' },
  'to-good': { path: moved('/status/200') },
  'to-bad': { path: moved('/status/503') },
  relative: { path: moved('status/503') },
  dots: { path: moved('a/../status/503') },
  query: { path: moved('?to=/status/503') },
  nine: { path: chain(9, '/status/200') },
  ten: { path: chain(10, '/status/200') },
  loop: { path: moved('#') },
  'absolute-bad': { path: moved('http://{ip}:8080/status/503') },
  'other-port-bad': { path: moved('http://{ip}:8081/status/503') },
  'other-port-good': { path: moved('http://{ip}:8081/status/200') },
  'closed-port': { path: moved('http://{ip}:8099/') },
  'to-https-bad': { path: moved('https://{ip}:8443/status/503') },
  'to-https-good': { path: moved('https://{ip}:8443/status/200') },
  'from-https-bad': { path: moved('http://{ip}:8080/status/503'), scheme: 'HTTPS' },
  'https-relative-bad': { path: moved('/status/503'), scheme: 'HTTPS' },
  'other-host': { path: moved('http://other.example/') },
  'other-host-then': { path: moved(moved('//other.example/status/503')) },
  ftp: { path: moved('ftp://{ip}/') },
  'not-followed': { path: '/moved?status=304&to=/status/503' },
  'moved-permanently': { path: '/moved?status=308&to=/status/503' },
};

function probedPod(name: string, metadata: JsonObject): JsonObject {
  const { key, cert } = selfSigned();
  const containers = Object.entries(probed).map(([container, { path, scheme = 'HTTP' }]) => ({
    name: container,
    image,
    command: ['/bin/sh', '-c', 'exec sleep 3600'],
    readinessProbe: {
      httpGet: { path, scheme, port: scheme === 'HTTP' ? 8080 : 8443 },
      periodSeconds: 1,
      timeoutSeconds: 5,
    },
  }));
  return pod(name, metadata, {
    terminationGracePeriodSeconds: 1,
    containers: [
      serving('app', {}, { TLS_PORT: '8443', TLS_KEY: key, TLS_CERT: cert }),
      serving('other', {}, { PORT: '8081' }),
      ...containers,
    ],
  });
}

function readiness({ status }: RunningPod): Record<string, boolean> {
  const found = (status.containerStatuses ?? []).filter(({ name }) => name in probed);
  return Object.fromEntries(found.map(({ name, ready }) => [name, ready]));
}

test('the kubelet finds the same containers ready with the proxy and without it, wherever their probes are redirected', async () => {
  await namespace.apply(probedPod('plain', plain), probedPod('probed', {}));
  const good = [
    'fine',
    'to-good',
    'nine',
    'other-port-good',
    'to-https-good',
    'other-host',
    'other-host-then',
    'not-followed',
  ];
  const states = async (name: string) => readiness(await namespace.get<RunningPod>('pod', name));
  const started = async (name: string): Promise<void> => {
    let seen: Record<string, boolean> = {};
    await until(
      () => `the good ones of ${name} are ready: ${JSON.stringify(seen)}`,
      async () => {
        seen = await states(name);
        return good.every((container) => seen[container] === true) ? true : undefined;
      },
      90_000,
    );
  };
  await Promise.all(['plain', 'probed'].map(started));
  // All are asked every second, so that the others have been asked, too.
  await pause(5_000);
  const [without, native] = await Promise.all(['plain', 'probed'].map(states));
  expect(Object.keys(without ?? {}).filter((container) => without?.[container])).toEqual(good.toSorted());
  expect(native).toEqual(without);
});

describe('a native sidecar of the pod, whose handlers the kubelet runs before a classic proxy starts', () => {
  const asked = (path: string) => ({ httpGet: { path, port: 9801 } });
  const helper = serving(
    'helper',
    {
      restartPolicy: 'Always',
      startupProbe: { ...asked('/startup'), periodSeconds: 1, failureThreshold: 30 },
      livenessProbe: { tcpSocket: { port: 9801 }, periodSeconds: 1 },
      readinessProbe: { ...asked('/ready'), periodSeconds: 1 },
    },
    { PORT: '9801' },
  );
  const app = serving('app', {
    lifecycle: { postStart: asked('/started') },
    readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
  });
  const spec = { terminationGracePeriodSeconds: 1, initContainers: [helper], containers: [app] };

  test.each<[string, JsonObject]>([
    ['classic-helper', classic],
    ['native-helper', {}],
  ])('the pod becomes ready: %s', async (name, metadata) => {
    await namespace.apply(pod(name, metadata, spec));
    const { status } = await namespace.untilPod(name);
    const states = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
    expect(states.map(({ restartCount }) => restartCount)).toEqual(states.map(() => 0));
    expect(states.find(({ name: container }) => container === 'helper')).toMatchObject({ ready: true, started: true });
  });
});

describe('the end of a pod', () => {
  const ways = { 'ends-plain': plain, 'ends-native': {}, 'ends-classic': classic } as const;
  const names = Object.keys(ways) as (keyof typeof ways)[];

  test('a hook over HTTP takes the time that it takes', async () => {
    const lifecycle = { preStop: { httpGet: { path: '/wait?ms=4000', port: 8080 } } };
    const spec = { terminationGracePeriodSeconds: 20, containers: [serving('app', { lifecycle })] };
    const hooked = names.map((name) => `hooked-${name}`);
    await namespace.apply(...names.map((name) => pod(`hooked-${name}`, ways[name], spec)));
    await Promise.all(hooked.map((name) => namespace.untilPod(name)));
    for (const name of hooked) await namespace.untilServed(`${name}/app`, 'http://127.0.0.1:8080/');
    const logs = Promise.all(hooked.map((name) => namespace.kubectl('logs', '-f', name, '--container=app')));
    await namespace.kubectl('delete', 'pod', ...hooked, '--wait=false');
    for (const text of await logs) {
      const events = text.split('\n').flatMap((line) => /"event":"(.*?)"/.exec(line)?.[1] ?? []);
      expect(events).toEqual(['serving', 'waited', 'told to end']);
    }
  });

  test('takes new connections for as long as the application serves, and so does the proxy outbound', async () => {
    const lifecycle = { preStop: { sleep: { seconds: 22 } } };
    const spec = { terminationGracePeriodSeconds: 40, containers: [serving('app', { lifecycle })] };
    await namespace.apply(idlePod('client', plain), ...names.map((name) => pod(name, ways[name], spec)));
    const pods = await Promise.all(['client', ...names].map((name) => namespace.untilPod(name)));
    const addresses = pods.slice(1).map(({ status }) => status.podIP ?? '');
    for (const address of addresses) await namespace.untilServed('client/app', `http://${address}:8080/`);
    const logs = Promise.all(names.map((name) => namespace.kubectl('logs', '-f', name, '--container=app')));
    await namespace.kubectl('delete', 'pod', ...names, '--wait=false');
    // One call of kubectl for all rounds: a call for each takes seconds on a busy machine.
    const script = `while :; do
alive=
for address in "$@"; do
code=$(curl -s -o /dev/null -w '%{http_code}' --max-time 5 "http://$address:8080/")
echo "$address $code $(date +%s%3N)"
[ "$code" = 200 ] && alive=yes
done
[ -n "$alive" ] || exit 0
sleep 0.5
done`;
    const seen = await namespace.exec('client/app', '/bin/sh', '-c', script, 'sh', ...addresses);
    const answers = seen
      .trim()
      .split('\n')
      .map((line) => line.split(' '));
    for (const [index, log] of (await logs).entries()) {
      const toldMs = Number(/"event":"told to end","atMs":(\d+)/.exec(log)?.[1]);
      const codes = answers
        .filter(([address, , atMs]) => address === addresses[index] && Number(atMs) < toldMs)
        .map(([, code]) => code);
      expect([names[index], new Set(codes)]).toEqual([names[index], new Set(['200'])]);
      expect(codes.length).toBeGreaterThan(3);
    }
  });
});
