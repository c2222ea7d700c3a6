import { expect } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import type { ClusterNamespace } from '../cluster/cluster-namespace.ts';
import { until } from '../waiting.ts';

/** Annotations that bring the proxy and the sidecars into a pod. */
function withSidecars(sidecars: readonly string[]): Readonly<Record<string, string>> {
  return {
    'inject.istio.io/templates': ['sidecar', ...sidecars].join(','),
    ...(sidecars.includes('tls-terminator') && { 'tls-terminator.sidecar-injector.io/secret': 'web-tls' }),
  };
}

const command = `mkdir -p /var/log/app /var/lib/metrics
echo 'the first line' > /var/log/app/app.log
echo 'orders_total 42' > /var/lib/metrics/app.prom
exec node --disable-warning=ExperimentalWarning serve.ts`;

/** A pod whose application gives every shipped sidecar something to do; it needs the ConfigMap `web`. */
export function busyPod(name: string, sidecars: readonly string[]): JsonObject {
  const config = { name: 'config', configMap: { name: 'web' } };
  const container = {
    name: 'app',
    image: 'cluster.test/workbench:1',
    command: ['/bin/sh', '-c', command],
    volumeMounts: [{ name: 'config', mountPath: '/etc/config' }],
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'web' }, annotations: withSidecars(sidecars) },
    spec: { terminationGracePeriodSeconds: 2, containers: [container], volumes: [config] },
  };
}

/** What it reads its configuration from. */
export const busyConfig: JsonObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'web' },
  data: { 'web.conf': 'a = 1\n' },
};

/** Expects that a sidecar does in a busy pod what it is there for, seen from outside of the pod. */
type Duty = (namespace: ClusterNamespace, pod: string) => Promise<void>;

/** By sidecar. Those that serve something are asked by the pod `client`, which trusts `/tmp/ca.pem`. */
export const duties: Readonly<Record<string, Duty>> = {
  async 'log-shipper'(namespace, pod) {
    // How a record is written depends on the program.
    const line = await logged(namespace, pod, 'log-shipper', 'the first line');
    for (const value of ['/var/log/app/app.log', pod, namespace.name]) expect(line).toContain(`"${value}"`);
  },

  async 'metrics-exporter'(namespace, pod) {
    const address = (await namespace.untilPod(pod)).status.podIP;
    const metrics = await namespace.exec('client/app', 'curl', '-sS', '--fail', `http://${address}:9100/metrics`);
    expect(metrics).toMatch(/^orders_total 42$/m);
    expect(metrics).toMatch(/^node_network_receive_bytes_total\{device="eth0"\} /m);
  },

  async 'tls-terminator'(namespace, pod) {
    const address = (await namespace.untilPod(pod)).status.podIP;
    const trusted = ['--cacert', '/tmp/ca.pem', '--resolve', `web:8443:${address}`];
    const answer = await namespace.exec('client/app', 'curl', '-sS', '--fail', ...trusted, 'https://web:8443/cart');
    expect(JSON.parse(answer)).toMatchObject({
      host: pod,
      url: '/cart',
      peer: expect.stringContaining('127.0.0.1'),
      headers: { host: 'web:8443', 'x-forwarded-proto': 'https' },
    });
  },

  async 'security-agent'(namespace, pod) {
    await logged(namespace, pod, 'security-agent', '"web.conf"');
    expect(await privilegesOf(namespace, `${pod}/security-agent`)).toEqual({ user: '10004', capabilities: 0n });
    const write = namespace.exec(`${pod}/security-agent`, '/bin/sh', '-c', 'echo x > /watched/web.conf || echo x > /x');
    await expect(write).rejects.toThrow(/Read-only file system/);
  },
};

/** User and effective capabilities of what runs in a container. */
export async function privilegesOf(
  namespace: ClusterNamespace,
  target: string,
): Promise<{ readonly user: string; readonly capabilities: bigint }> {
  const text = await namespace.exec(target, '/bin/sh', '-c', 'id -u; grep CapEff /proc/self/status');
  const [, user = '', digits = ''] = /^(\d+)\s+CapEff:\s*([0-9a-f]+)/.exec(text) ?? [];
  return { user, capabilities: BigInt(`0x${digits}`) };
}

/** The first line of a container's log that holds the text. */
export function logged(namespace: ClusterNamespace, pod: string, container: string, text: string): Promise<string> {
  return until(`${text} in the log of ${container} in ${pod}`, async () => {
    const lines = (await namespace.kubectl('logs', pod, `--container=${container}`)).split('\n');
    return lines.find((line) => line.includes(text));
  });
}
