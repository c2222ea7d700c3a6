import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { podWith } from '../support/builders/decisions.ts';
import type { Agent } from '../support/network/agent.ts';
import { destination, directions, families, openScene, seenSource, url, type Scene } from '../support/network/scene.ts';

const timeoutMs = 500;
const binary = '\u0001\u0002\u0003\n';

let scene: Scene;

beforeAll(async () => {
  const container = { ports: [{ name: 'redis-own', containerPort: 8085 }] };
  const pod = podWith({ annotations: { 'sidecar-injector.io/opaquePorts': '8084' }, container });
  scene = await openScene({ label: 'failures', pod, settings: { proxy: { protocolDetectionTimeoutMs: timeoutMs } } });
  for (const agent of [scene.app, scene.outside]) {
    for (const port of [8084, 8085, 8086, 9600]) await agent.listen({ kind: 'echo', port });
    await agent.listen({ kind: 'refusing', port: 8082 });
    await agent.listen({ kind: 'http', port: 8080 });
    for (const port of [3306, 8087, 9700]) await agent.listen({ kind: 'banner', port });
  }
});

afterAll(() => scene.stop());

describe.each(directions)('%s', (direction) => {
  const client = (): Agent => (direction === 'inbound' ? scene.outside : scene.app);

  describe.each(families)('%s', (family) => {
    const host = destination(direction, family);

    test('a port where nobody listens is a 503 for HTTP and the end of the connection for the rest', async () => {
      expect((await client().ask({ url: url(host, 8089) })).status).toBe(503);
      const silent = [8089, 9999].map((port) => client().dial({ host, port, untilClosed: true }));
      const ends = [...silent, client().dial({ host, port: 8089, send: binary, untilClosed: true })];
      for (const end of await Promise.all(ends)) expect(end).toMatchObject({ text: '', ending: 'closed' });
    });

    test('what an HTTP/2 server refuses before it has begun is asked for once more', async () => {
      const { status, body } = await client().askHttp2({ url: url(host, 8082) });
      expect([status, Buffer.from(body, 'base64').toString()]).toEqual([200, 'served']);
    });

    test('the first bytes are waited for on ports for HTTP alone, unless they are declared or annotated', async () => {
      const atOnce = direction === 'inbound' ? [9600, 8084, 8085] : [9600, 8084];
      const order: number[] = [];
      const dial = async (port: number, send?: string) => {
        const dialled = await client().dial({ host, port, ...(send === undefined ? {} : { send }) });
        order.push(port);
        return dialled;
      };
      // Letters without a newline could still become an HTTP request.
      const [letters, silence] = await Promise.all([
        dial(8086, 'ping'),
        dial(8087),
        dial(3306),
        dial(9700),
        ...atOnce.map((port) => dial(port, 'ping')),
      ]);
      expect(new Set(order.slice(0, -2))).toEqual(new Set([3306, 9700, ...atOnce]));
      // A timer may fire a little early, never much.
      for (const { ms } of [letters, silence]) expect(ms).toBeGreaterThan(timeoutMs * 0.9);
    });
  });
});

test('a host that is not there is dialled once, then a 503, and the log says why', async () => {
  const failed = /^envoy_cluster_upstream_cx_connect_fail\{.*"PassthroughCluster"/;
  const [before = 0] = scene.pod.statistics(failed);
  const hosts = { v4: '10.77.0.99', v6: 'fd77::99' };
  const asked = families.map((family) => scene.app.ask({ url: url(hosts[family], 80, `/${family}`) }));
  expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([503, 503]);
  expect(scene.pod.statistics(failed)).toEqual([before + 2]);
  await scene.pod.stopProxy();
  for (const family of families) {
    const entry = scene.pod.entries.find(({ path }) => path === `/${family}`);
    expect(entry).toMatchObject({ response_code: 503, route_name: 'allow_any', response_flags: 'UF' });
  }
});

test('where IPv6 is switched off in the pod, IPv4 goes on', async () => {
  await scene.pod.stopProxy();
  scene.pod.namespace.run('pod', ['sysctl', '-q', '-w', 'net.ipv6.conf.all.disable_ipv6=1']);
  expect(scene.pod.initialise().stdout).toContain('IPv6 is switched off in this pod');
  await scene.pod.startProxy();
  for (const direction of directions) {
    const client = direction === 'inbound' ? scene.outside : scene.app;
    const { status, body } = await client.ask({ url: url(destination(direction, 'v4'), 8080) });
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ remoteAddress: seenSource(direction, 'v4') });
  }
});
