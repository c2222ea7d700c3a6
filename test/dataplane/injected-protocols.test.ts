import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { podWith } from '../support/builders/decisions.ts';
import type { Agent, Echoed, Heard } from '../support/network/agent.ts';
import {
  asSocket,
  destination,
  directions,
  families,
  openScene,
  seenSource,
  url,
  type Direction,
  type Scene,
} from '../support/network/scene.ts';
import type { LogEntry } from '../support/network/running-pod.ts';
import { selfSigned } from '../support/http/self-signed.ts';

const ports = {
  http: 8080,
  h2c: 8081,
  grpc: 8082,
  echo: 8083,
  https: 8443,
  raw: 9000,
  mysql: 3306,
  undeclared: 9001,
  waiting: 8084,
};
const tls = selfSigned();

/** What the proxy counts a connection or request as. */
const counters = {
  http: (direction: Direction) => new RegExp(`^envoy_http_downstream_rq_total\\{.*"${direction}"`),
  tcp: (direction: Direction) =>
    new RegExp(
      `^envoy_tcp_downstream_cx_total\\{.*"${direction === 'inbound' ? 'InboundPassthrough' : 'Passthrough'}Cluster"`,
    ),
};

/** Addresses as the access log writes them. */
function logAddress(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function serve(agent: Agent): Promise<void> {
  await agent.listen({ kind: 'http', port: ports.http });
  await agent.listen({ kind: 'h2c', port: ports.h2c });
  await agent.listen({ kind: 'grpc', port: ports.grpc });
  await agent.listen({ kind: 'echo', port: ports.echo });
  await agent.listen({ kind: 'http', port: ports.https, tls });
  await agent.listen({ kind: 'udp', port: 5353 });
  for (const port of [ports.raw, ports.mysql, ports.undeclared, ports.waiting]) {
    await agent.listen({ kind: 'banner', port, text: `banner of ${port}\n` });
  }
}

describe.each([
  ['native', {}],
  ['classic', { 'sidecar.istio.io/nativeSidecar': 'false' }],
])('a %s sidecar', (label, annotations) => {
  let scene: Scene;
  /** What the access log has to hold in the end: Envoy writes it every ten seconds and when it ends. */
  const logged: LogEntry[] = [];
  beforeAll(async () => {
    const declared = [{ name: 'tcp-raw', containerPort: ports.raw }];
    const pod = podWith({ annotations, container: { ports: declared } });
    // Far longer than any test waits, so that only what never waits for it can pass.
    scene = await openScene({ label, pod, settings: { proxy: { protocolDetectionTimeoutMs: 60_000 } } });
    await serve(scene.app);
    await serve(scene.outside);
  });
  afterAll(() => scene.stop());

  describe.each(directions)('%s', (direction) => {
    const client = (): Agent => (direction === 'inbound' ? scene.outside : scene.app);

    describe.each(families)('%s', (family) => {
      const host = destination(direction, family);

      /** Runs one conversation and sees that the proxy has counted it, once, as what it is. */
      async function counted<T>(kind: 'http' | 'tcp', talk: () => Promise<T>): Promise<T> {
        const read = () => scene.pod.statistics(counters.http(direction), counters.tcp(direction));
        const [http = 0, tcp = 0] = read();
        const result = await talk();
        expect(read()).toEqual(kind === 'http' ? [http + 1, tcp] : [http, tcp + 1]);
        return result;
      }

      /** How the server has to see a connection that came through the proxy. */
      function arrival(port: number): object {
        return { remoteAddress: seenSource(direction, family), localPort: port, localAddress: asSocket(family, host) };
      }

      test.each([
        ['HTTP/1.0', 'GET /old?x=1 HTTP/1.0\r\n\r\n'],
        ['HTTP/1.1', 'GET /old?x=1 HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n'],
      ])('%s', async (protocol, send) => {
        const { text } = await counted('http', () =>
          client().dial({ host, port: ports.http, send, untilClosed: true }),
        );
        expect(text).toMatch(/^HTTP\/1\.[01] 200 /);
        const heard = JSON.parse(/\{.*\}/.exec(text)?.[0] ?? '') as Heard;
        expect(heard).toMatchObject({ ...arrival(ports.http), url: '/old?x=1' });
        logged.push({ protocol, path: '/old?x=1', upstream_host: logAddress(host, ports.http) });
      });

      test('h2c', async () => {
        const answer = await counted('http', () => client().askHttp2({ url: url(host, ports.h2c, '/two') }));
        expect(answer.status).toBe(200);
        const heard = JSON.parse(Buffer.from(answer.body, 'base64').toString()) as Heard;
        expect(heard).toMatchObject({ ...arrival(ports.h2c), httpVersion: '2.0' });
        logged.push({ protocol: 'HTTP/2', path: '/two', upstream_host: logAddress(host, ports.h2c) });
      });

      test('gRPC, with its trailers', async () => {
        const answer = await counted('http', () =>
          client().askHttp2({
            url: url(host, ports.grpc, '/grpc.health.v1.Health/Check'),
            headers: { 'content-type': 'application/grpc', te: 'trailers' },
            body: Buffer.from([0, 0, 0, 0, 0]).toString('base64'),
          }),
        );
        expect(answer).toMatchObject({ status: 200, trailers: { 'grpc-status': '0' } });
        expect([...Buffer.from(answer.body, 'base64')]).toEqual([0, 0, 0, 0, 2, 8, 1]);
      });

      test('WebSocket', async () => {
        const said = await counted('http', () =>
          client().talk({ url: url(host, ports.http, '/chat', 'ws'), text: 'hello' }),
        );
        expect(said).toBe('hello');
        logged.push({ path: '/chat', response_code: 101, upstream_host: logAddress(host, ports.http) });
      });

      test('TCP, recognised by its first bytes', async () => {
        const send = '\u0001\u0002binary\n';
        const { text } = await counted('tcp', () => client().dial({ host, port: ports.echo, send }));
        expect(JSON.parse(text) as Echoed).toEqual({ ...arrival(ports.echo), text: send });
      });

      test("TLS, which stays the application's own", async () => {
        const answer = await counted('tcp', () => client().ask({ url: url(host, ports.https, '/', 'https') }));
        expect(answer.fingerprint).toBe(new X509Certificate(tls.cert).fingerprint256);
        expect(JSON.parse(answer.body) as Heard).toMatchObject(arrival(ports.https));
      });

      test('a server that speaks first is heard at once on a well-known port', async () => {
        const { text } = await counted('tcp', () => client().dial({ host, port: ports.mysql }));
        expect(text).toBe('banner of 3306\n');
      });

      test('UDP passes by', async () => {
        const answer = JSON.parse(await client().sendDatagram({ host, port: 5353, text: 'query' })) as Echoed;
        const from = direction === 'inbound' ? 'outbound' : 'inbound';
        expect(answer).toMatchObject({ text: 'query', remoteAddress: asSocket(family, destination(from, family)) });
      });
    });
  });

  describe.each(directions)('server-first, %s', (direction) => {
    test.each(families)('a port for HTTP waits for the client, one that nobody knows does not, %s', async (family) => {
      const host = destination(direction, family);
      const client = direction === 'inbound' ? scene.outside : scene.app;
      const waiting = client.dial({ host, port: ports.waiting, limitMs: 1_000 });
      for (const port of [ports.undeclared, ports.raw]) {
        expect((await client.dial({ host, port })).text).toBe(`banner of ${port}\n`);
      }
      expect(await waiting).toMatchObject({ text: '', ending: 'silent' });
    });
  });

  test('the access log holds every request with its protocol and where it went', async () => {
    await scene.pod.stopProxy();
    for (const entry of logged) expect(scene.pod.entries).toContainEqual(expect.objectContaining(entry));
  });
});
