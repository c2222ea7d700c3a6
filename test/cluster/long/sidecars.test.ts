import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { root } from '../../../scripts/checkout.ts';
import { createAuthority, issueLeaf } from '../../../src/certs/authority.ts';
import {
  clusterKubeconfig,
  createClusterNamespace,
  readyCount,
  type ClusterNamespace,
  type RunningPod,
} from '../../support/cluster/cluster-namespace.ts';
import { envoyStatistics } from '../../support/network/envoy-in-pod.ts';
import { kubectl } from '../../support/cluster/kubectl.ts';
import { busyConfig, busyPod } from '../../support/sidecars/busy-pod.ts';
import { logged, privilegesOf } from '../../support/sidecars/container-state.ts';
import { dutyOf } from '../../support/sidecars/shipped-sidecars.ts';
import { shippedNames } from '../../../scripts/manifests/sidecars.ts';
import { system } from '../../support/cluster/system-namespace.ts';
import { injected } from '../../support/processes/test-cluster.ts';
import { until } from '../../support/waiting.ts';
import { idlePod } from '../../support/cluster/workbench.ts';

jest.setTimeout(240_000);

const hourMs = 3_600_000;
const sidecars = shippedNames();
let shop: ClusterNamespace;
let elsewhere: ClusterNamespace;
let authority: Awaited<ReturnType<typeof createAuthority>>;

beforeAll(async () => {
  // The example of the TLS terminator names its namespace.
  [shop, elsewhere] = await Promise.all([createClusterNamespace(injected, 'shop'), createClusterNamespace(injected)]);
  authority = await createAuthority({ now: new Date(), lifetimeMs: hourMs });
  await system.useSettings({
    sidecars: { allowSecretsIn: ['shop'], allowPrivilegedIn: ['shop'] },
  });
  await shop.apply(busyConfig, await tlsSecret('web-tls', 'web'), idlePod('client'));
  await shop.untilPod('client');
  await shop.exec('client/app', '/bin/sh', '-c', 'printf %s "$1" > /tmp/ca.pem', 'write', authority.certificate);
});
afterAll(async () => {
  await Promise.all([shop.remove(), elsewhere.remove()]);
  await kubectl(clusterKubeconfig(), ['apply', '-f', path.join(root, 'deploy/install.yaml')]);
});

/** A Secret with a certificate that `client` trusts. */
async function tlsSecret(name: string, host: string): Promise<object> {
  const names = { dns: [host], ips: [] };
  const { certificate, privateKey } = await issueLeaf({
    authority,
    names,
    now: new Date(),
    lifetimeMs: hourMs,
  });
  const stringData = { 'tls.crt': certificate, 'tls.key': privateKey };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name },
    stringData,
  };
}

const example = (name: string) => readFile(path.join(root, `examples/${name}/${name}.yaml`), 'utf8');
const curl = (...args: string[]) => shop.exec('client/app', 'curl', '-sS', '--fail', '--max-time', '10', ...args);

const trusted = ['--cacert', '/tmp/ca.pem'];

/** Takes what is sent to the aggregator of the example, and shows it. */
const listen = `require('node:net').createServer((socket) => socket.pipe(process.stdout, { end: false })).listen(24224)`;
const aggregator = [
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'aggregator', labels: { app: 'aggregator' } },
    spec: {
      terminationGracePeriodSeconds: 2,
      containers: [
        {
          name: 'app',
          image: 'cluster.test/workbench:1',
          args: ['--eval', listen],
        },
      ],
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'aggregator' },
    spec: { selector: { app: 'aggregator' }, ports: [{ port: 24224 }] },
  },
];

/** A busy pod whose application container is changed. */
function withApplication(name: string, names: readonly string[], more: object): object {
  const pod = busyPod(name, names) as { spec: { containers: object[] } };
  return {
    ...pod,
    spec: { ...pod.spec, containers: [{ ...pod.spec.containers[0], ...more }] },
  };
}

/** How often any container of a pod was restarted. */
function restarts({ status }: RunningPod): number {
  const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  return statuses.reduce((sum, { restartCount }) => sum + restartCount, 0);
}

/** Applies the example of a sidecar and answers the name of its application's pod. */
async function start(name: string, app: string): Promise<string> {
  await shop.apply(await example(name));
  await shop.rollOut(`deployment/${app}`);
  const [pod] = await shop.pods(`app=${app}`);
  if (pod === undefined) throw new Error(`no pod of ${app}`);
  expect(readyCount(pod)).toBe('3/3');
  return pod.metadata.name ?? '';
}

describe('the example of each', () => {
  test('tls-terminator serves HTTPS from the Secret, past the proxies, and takes up a renewed certificate', async () => {
    await shop.apply(await tlsSecret('shop-tls', 'shop'));
    const pod = await start('tls-terminator', 'shop');
    await shop.untilServed('client/app', 'https://shop/', ...trusted);
    const passed = async () =>
      (await envoyStatistics(shop, pod))['tcp.InboundPassthroughCluster.downstream_cx_total'] ?? 0;
    const before = await passed();
    expect(await curl(...trusted, 'https://shop/')).toContain('It works!');
    expect(await passed()).toBe(before + 1);

    await shop.apply(await tlsSecret('shop-tls', 'renewed'));
    const name = ['--connect-to', 'renewed:443:shop:443'];
    await until(
      'the renewed certificate is served',
      () => curl(...trusted, ...name, 'https://renewed/').catch(() => undefined),
      120_000,
    );
    const [still] = await shop.pods('app=shop');
    expect([still?.metadata.name, still && restarts(still)]).toEqual([pod, 0]);
  });

  test('metrics-exporter shows through its Service what Apache HTTPD has done', async () => {
    const pod = await start('metrics-exporter', 'httpd');
    const [running] = await shop.pods('app=httpd');
    const metrics = 'http://httpd-metrics:9117/metrics';
    await shop.untilServed('client/app', metrics);
    const total = async () => {
      const text = await curl(metrics);
      expect(text).toMatch(/^apache_up 1$/m);
      return Number(/^apache_accesses_total (\S+)$/m.exec(text)?.[1]);
    };
    const before = await total();
    for (let request = 0; request < 5; request++) await curl(`http://${running?.status.podIP}/`);
    expect(await total()).toBeGreaterThanOrEqual(before + 5);
    expect(await shop.tryKubectl('logs', pod, '--container=metrics-exporter')).toMatchObject({ code: 0 });
  });

  test('log-shipper sends every line of the application to the aggregator', async () => {
    const logging = await createClusterNamespace(injected, 'logging');
    await logging.apply(...aggregator);
    await logging.untilPod('aggregator');
    const pod = await start('log-shipper', 'orders');
    const line = await until('lines have arrived', async () => {
      const lines = (await logging.kubectl('logs', 'aggregator')).split('\n');
      return lines.findLast((text) => text.startsWith('{') && text.endsWith('}'));
    });
    const record = JSON.parse(line) as { log: string };
    expect(record).toMatchObject({
      file: '/var/log/app/orders.log',
      pod,
      namespace: 'shop',
    });
    expect(await shop.exec(`${pod}/orders`, 'cat', '/var/log/orders/orders.log')).toContain(record.log);
    await logging.remove();
  });

  test('security-agent sees a changed configuration, unprivileged', async () => {
    const pod = await start('security-agent', 'payments');
    await logged(shop, pod, 'security-agent', '"payments.conf"');
    const none = { user: '10004', capabilities: 0n };
    expect(await privilegesOf(shop, `${pod}/security-agent`)).toEqual(none);
    const changed = (await example('security-agent')).replace('currency = EUR', 'currency = CHF');
    await shop.apply(changed);
    await logged(shop, pod, 'security-agent', '"action"');
  });
});

test('the other versions: Fluentd ships to its own output, the privileged agent has every privilege', async () => {
  await shop.apply(busyPod('fluentd', ['log-shipper:fluentd']), busyPod('privileged', ['security-agent:privileged']));
  await Promise.all([shop.untilPod('fluentd'), shop.untilPod('privileged')]);
  await dutyOf('log-shipper')(shop, 'fluentd');
  await logged(shop, 'privileged', 'security-agent', '"started"');
  const { user, capabilities } = await privilegesOf(shop, 'privileged/security-agent');
  expect(user).toBe('0');
  expect(capabilities).toBeGreaterThan(0n);
});

describe('together they do what each does alone', () => {
  const pairs = sidecars.flatMap((one, index) => sidecars.slice(index + 1).map((other) => [one, other]));
  const combinations = [...pairs, sidecars, sidecars.toReversed()].map(
    (names, index) => [`web-${index}`, names] as const,
  );

  beforeAll(async () => {
    await shop.apply(...combinations.map(([name, names]) => busyPod(name, names)));
  });

  test.each(combinations.map(([name, names]) => [names.join(' and '), name, names] as const))(
    '%s',
    async (_title, name, names) => {
      const pod = await shop.untilPod(name);
      expect(readyCount(pod)).toBe(`${names.length + 2}/${names.length + 2}`);
      for (const sidecar of names) await dutyOf(sidecar)(shop, name);
      expect(await curl(`http://${pod.status.podIP}:8080/`)).toContain(`"host":"${name}"`);
      expect(restarts(await shop.untilPod(name))).toBe(0);
      await shop.kubectl('delete', 'pod', name, '--wait=false');
    },
  );
});

describe('what cannot be is denied, with both names', () => {
  test.each([
    [
      'two versions of one sidecar',
      () => busyPod('twice', ['metrics-exporter', 'metrics-exporter:apache']),
      /container "metrics-exporter" of sidecar "metrics-exporter:apache" is also in metrics-exporter/,
    ],
    [
      'a port of the application',
      () =>
        withApplication('port', ['tls-terminator'], {
          ports: [{ containerPort: 8443 }],
        }),
      /TCP port 8443 of sidecar "tls-terminator" is also used by container "app" of the pod/,
    ],
    [
      'a container of the application',
      () => withApplication('container', ['log-shipper'], { name: 'log-shipper' }),
      /container "log-shipper" of sidecar "log-shipper" is also in the pod/,
    ],
  ])('%s', async (_title, pod, message) => {
    await expect(shop.apply(pod())).rejects.toThrow(message);
  });

  test.each([
    ['tls-terminator', /sidecars\.allowSecretsIn/],
    ['security-agent:privileged', /sidecars\.allowPrivilegedIn/],
  ])('%s where the settings do not allow it', async (sidecar, message) => {
    await elsewhere.apply(busyConfig);
    await expect(elsewhere.apply(busyPod('refused', [sidecar]))).rejects.toThrow(message);
  });
});
