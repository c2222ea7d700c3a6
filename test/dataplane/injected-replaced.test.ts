import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { podWith } from '../support/builders/decisions.ts';
import type { Agent } from '../support/network/agent.ts';
import type { Exchanged, Party } from '../support/network/party.ts';
import { headers, preface, type Fields } from '../support/network/http2-frames.ts';
import { destination, directions, openScene, type Scene } from '../support/network/scene.ts';

/** The same servers twice: behind the proxy, and on ports that nothing captures, which is how it is without a proxy. */
const ways = [
  ['with the proxy', { http: 8080, gone: 8081 }],
  ['without it', { http: 8180, gone: 8181 }],
] as const;

const get = 'GET / HTTP/1.1\r\nHost: shop\r\n\r\n';
const answer = (body: string, ...fields: readonly string[]): string =>
  ['HTTP/1.1 200 OK', ...fields, `Content-Length: ${body.length}`, '', body].join('\r\n');
/** A client that asks on one connection again as soon as it has an answer. */
const asksTwice: Party = { steps: [{ send: get }, { until: 'one.', send: get }], end: 'keep' };
const call: Fields = {
  ':method': 'POST',
  ':scheme': 'http',
  ':path': '/a.B/C',
  ':authority': 'shop',
  'content-type': 'application/grpc',
  te: 'trailers',
};
/** Length, type, flags and stream of a GOAWAY frame without debug data. */
const goAway = '\0\0\u0008\u0007\0\0\0\0\0';

let scene: Scene;

beforeAll(async () => {
  const excluded = Object.values(ways[1][1]).join(',');
  const annotations = {
    'traffic.sidecar.istio.io/excludeInboundPorts': excluded,
    'traffic.sidecar.istio.io/excludeOutboundPorts': excluded,
  };
  scene = await openScene({ label: 'replaced', pod: podWith({ annotations }) });
});

afterAll(() => scene.stop());

describe.each(directions)('%s: a client with a kept connection', (direction) => {
  const client = (): Agent => (direction === 'inbound' ? scene.outside : scene.app);
  const server = (): Agent => (direction === 'inbound' ? scene.app : scene.outside);
  const host = destination(direction, 'v4');

  /** What a client hears of a server, up to the end of the connection or of what it waits for. */
  function hear(port: number, party: Party, until = 'never'): Promise<Exchanged> {
    return client().exchange({ host, port, party, until, answers: 9, limitMs: 5_000 });
  }

  describe.each(ways)('%s', (_, ports) => {
    test('loses it when the server is gone, and can look for another one', async () => {
      await server().listen({ kind: 'exchange', port: ports.gone, takesOne: true });
      await server().prepare({
        port: ports.gone,
        party: { steps: [{ until: '\r\n\r\n', send: answer('one.') }], end: 'close' },
      });
      const { text, ending } = await hear(ports.gone, asksTwice);
      await server().close({ port: ports.gone });
      expect(text).toContain('one.');
      expect(ending).not.toBe('open');
    });

    test('loses it when the server says that it will close it', async () => {
      await server().listen({ kind: 'exchange', port: ports.http });
      await server().prepare({
        port: ports.http,
        party: { steps: [{ until: '\r\n\r\n', send: answer('one.', 'Connection: Close') }], end: 'close' },
      });
      const { text, ending } = await hear(ports.http, { steps: [{ send: get }], end: 'keep' });
      await server().close({ port: ports.http });
      expect(text).toMatch(/\r\nconnection: close\r\n/i);
      expect(ending).toBe('closed');
    });

    test("keeps it when the server's own answer is 503", async () => {
      await server().listen({ kind: 'exchange', port: ports.http });
      const unavailable = answer('one.').replace('200 OK', '503 Service Unavailable');
      await server().prepare({
        port: ports.http,
        party: {
          steps: [
            { until: '\r\n\r\n', send: unavailable },
            { until: '\r\n\r\n', send: answer('two.') },
          ],
          end: 'keep',
        },
      });
      const { text, ending } = await hear(ports.http, asksTwice, 'two.');
      await server().close({ port: ports.http });
      expect(text).toContain('two.');
      expect(text).not.toMatch(/connection: close/i);
      expect(ending).toBe('open');
    });
  });

  // Without a proxy there would be no connection at all.
  test('of gRPC is told to go away when there is no server', async () => {
    const party: Party = { steps: [{ send: preface + headers(1, call) }], end: 'keep' };
    const { text } = await hear(ways[0][1].gone, party, goAway);
    expect(text).toContain(goAway);
  });
});
