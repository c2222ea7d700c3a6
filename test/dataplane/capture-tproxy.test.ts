import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { renderIptables } from '../../src/capture/iptables.ts';
import { renderNftables } from '../../src/capture/nftables.ts';
import { captureRoutes } from '../../src/capture/routes.ts';
import { captureIntent, port } from '../support/builders/capture-intent.ts';
import { envoyBinary } from '../support/network/envoy.ts';
import { startAgent, type Agent, type Heard } from '../support/network/agent.ts';
import { addresses, createPodNamespace, inNamespace, type PodNamespace } from '../support/network/pod-namespace.ts';
import { asSocket, families, url, type Family } from '../support/network/scene.ts';
import { until } from '../support/waiting.ts';

/*
 * Mode TPROXY with a real Envoy that keeps both addresses, as Istio's does: root, group 1337 and NET_ADMIN. The
 * standalone proxy is none of these, so it refuses the mode; the rules are Istio's and are rendered for it.
 */
const intent = captureIntent({
  mode: 'TPROXY',
  proxyUids: ['1337'],
  proxyGids: ['1337'],
  inbound: { ports: 'all', excludePorts: [port(8081)] },
});

function passthrough(direction: string): object {
  return {
    name: 'envoy.filters.network.tcp_proxy',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
      stat_prefix: direction,
      cluster: 'passthrough',
    },
  };
}

function filter(name: string, type: string, more: object = {}): object {
  const typeUrl = `type.googleapis.com/envoy.extensions.filters.listener.${name}.v3.${type}`;
  return { name: `envoy.filters.listener.${name}`, typed_config: { '@type': typeUrl, ...more } };
}

const keepSource = filter('original_src', 'OriginalSrc', { mark: intent.tproxy.inboundMark });

function listener(direction: 'INBOUND' | 'OUTBOUND', address: string): object {
  const isInbound = direction === 'INBOUND';
  return {
    name: `${direction} ${address}`,
    address: { socket_address: { address, port_value: isInbound ? intent.inboundPort : intent.outboundPort } },
    transparent: isInbound,
    traffic_direction: direction,
    listener_filters: [filter('original_dst', 'OriginalDst'), ...(isInbound ? [keepSource] : [])],
    filter_chains: [{ filters: [passthrough(direction)] }],
  };
}

const bootstrap = {
  admin: { address: { socket_address: { address: '127.0.0.1', port_value: 15000 } } },
  static_resources: {
    listeners: ['0.0.0.0', '::'].flatMap((address) => [listener('INBOUND', address), listener('OUTBOUND', address)]),
    clusters: [{ name: 'passthrough', type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED', connect_timeout: '5s' }],
  },
};

const loaders: readonly [string, (pod: PodNamespace) => string][] = [
  ...(['nft', 'legacy'] as const).map((backend): [string, (pod: PodNamespace) => string] => [
    `iptables-${backend}`,
    (pod) =>
      families
        .map((family) => {
          const tool = `${family === 'v4' ? 'iptables' : 'ip6tables'}-${backend}-restore`;
          return pod.run('pod', [tool], { input: renderIptables(intent, family) }).stderr;
        })
        .join(''),
  ]),
  ['nftables', (pod) => pod.run('pod', ['nft', '-f', '-'], { input: renderNftables(intent) }).stderr],
];

describe.each(loaders)('%s', (label, load) => {
  let pod: PodNamespace;
  let envoy: ChildProcess;
  let ended: Promise<unknown>;
  let app: Agent;
  let outside: Agent;

  beforeEach(async () => {
    pod = createPodNamespace(`tproxy-${label}`);
    expect(load(pod)).toBe('');
    for (const words of captureRoutes(intent)) expect(pod.run('pod', ['ip', ...words])).toMatchObject({ status: 0 });
    app = await startAgent(pod.name.pod, 1000);
    outside = await startAgent(pod.name.cluster);
    for (const number of [8080, 8081]) await app.listen({ kind: 'http', port: number });
    await outside.listen({ kind: 'http', port: 9090 });
    const user = ['setpriv', '--regid=1337', '--clear-groups', '--'];
    const words = [...user, envoyBinary(), '--config-yaml', JSON.stringify(bootstrap), '-l', 'error'];
    const [command, ...rest] = [...inNamespace(pod.name.pod), ...words];
    envoy = spawn(command ?? '', rest, { stdio: ['ignore', 'ignore', 'inherit'] });
    ended = once(envoy, 'exit');
  });

  afterEach(async () => {
    envoy.kill('SIGTERM');
    await ended;
    await app.stop();
    await outside.stop();
    pod.remove();
  });

  async function heardBy(agent: Agent, host: string, number: number): Promise<Heard> {
    return JSON.parse((await agent.ask({ url: url(host, number) })).body) as Heard;
  }

  async function whenReady(family: Family): Promise<void> {
    await until('the proxy takes connections', () =>
      heardBy(outside, addresses.pod[family], 8080).catch(() => undefined),
    );
  }

  /** Connections that the proxy has passed on so far, inbound and outbound. */
  async function passedOn(): Promise<readonly number[]> {
    const { body } = await app.ask({ url: url('127.0.0.1', 15000, '/stats?filter=downstream_cx_total') });
    return ['INBOUND', 'OUTBOUND'].map((direction) =>
      Number(new RegExp(`^tcp\\.${direction}\\.downstream_cx_total: (\\d+)$`, 'm').exec(body)?.[1]),
    );
  }

  test('the application sees the client, and what goes past or out of the pod is as in mode REDIRECT', async () => {
    for (const family of families) {
      await whenReady(family);
      const [inbound = 0, outbound = 0] = await passedOn();
      const client = { remoteAddress: asSocket(family, addresses.cluster[family]) };
      expect(await heardBy(outside, addresses.pod[family], 8080)).toMatchObject({ ...client, localPort: 8080 });
      expect(await passedOn()).toEqual([inbound + 1, outbound]);
      expect(await heardBy(outside, addresses.pod[family], 8081)).toMatchObject({ ...client, localPort: 8081 });
      expect(await heardBy(app, addresses.pod[family], 8080)).toMatchObject({ localPort: 8080 });
      expect(await passedOn()).toEqual([inbound + 1, outbound]);
      expect(await heardBy(app, addresses.cluster[family], 9090)).toMatchObject({
        remoteAddress: asSocket(family, addresses.pod[family]),
      });
      expect(await passedOn()).toEqual([inbound + 1, outbound + 1]);
    }
  });

  test('without a listener connections are refused or lost, not let past the proxy', async () => {
    await whenReady('v4');
    envoy.kill('SIGKILL');
    await ended;
    for (const family of families) {
      const dial = outside.dial({
        host: addresses.pod[family],
        port: 8080,
        send: 'GET / HTTP/1.0\r\n\r\n',
        limitMs: 500,
      });
      expect(
        await dial.then(
          ({ text }) => text,
          () => '',
        ),
      ).toBe('');
      expect(await heardBy(outside, addresses.pod[family], 8081)).toMatchObject({ localPort: 8081 });
    }
  });
});
