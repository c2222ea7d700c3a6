import { describe, expect, test } from '@jest/globals';
import { headers, preface, type Fields } from '../http2-frames.ts';
import type { Exchanged, Party } from '../party.ts';
import type { Line } from './line.ts';

/** The same servers twice: behind the proxy, and on ports that nothing captures, which is how it is without a proxy. */
export const replacedPorts = {
  proxied: { http: 8080, gone: 8081 },
  plain: { http: 8180, gone: 8181 },
} as const;

const ways = [
  ['with the proxy', replacedPorts.proxied],
  ['without it', replacedPorts.plain],
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

/** What a client with a kept connection sees of a server that goes away. */
export function testReplacedServers(line: () => Line): void {
  /** What a client hears of a server, up to the end of the connection or of what it waits for. */
  function hear(port: number, party: Party, until = 'never'): Promise<Exchanged> {
    const { client, host, plainHost } = line();
    const isPlain = Object.values<number>(replacedPorts.plain).includes(port);
    return client.exchange({ host: isPlain ? plainHost : host, port, party, until, answers: 9, limitMs: 5_000 });
  }

  describe.each(ways)('%s', (_, ports) => {
    test('loses it when the server is gone, and can look for another one', async () => {
      await line().server.listen({ kind: 'exchange', port: ports.gone, takesOne: true });
      await line().server.prepare({
        port: ports.gone,
        party: { steps: [{ until: '\r\n\r\n', send: answer('one.') }], end: 'close' },
      });
      const { text, ending } = await hear(ports.gone, asksTwice);
      await line().server.close({ port: ports.gone });
      expect(text).toContain('one.');
      expect(ending).not.toBe('open');
    });

    test('loses it when the server says that it will close it', async () => {
      await line().server.listen({ kind: 'exchange', port: ports.http });
      await line().server.prepare({
        port: ports.http,
        party: { steps: [{ until: '\r\n\r\n', send: answer('one.', 'Connection: Close') }], end: 'close' },
      });
      const { text, ending } = await hear(ports.http, { steps: [{ send: get }], end: 'keep' });
      await line().server.close({ port: ports.http });
      expect(text).toMatch(/\r\nconnection: close\r\n/i);
      expect(ending).toBe('closed');
    });

    test("keeps it when the server's own answer is 503", async () => {
      await line().server.listen({ kind: 'exchange', port: ports.http });
      const unavailable = answer('one.').replace('200 OK', '503 Service Unavailable');
      await line().server.prepare({
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
      await line().server.close({ port: ports.http });
      expect(text).toContain('two.');
      expect(text).not.toMatch(/connection: close/i);
      expect(ending).toBe('open');
    });
  });

  // Without a proxy there would be no connection at all.
  test('of gRPC is told to go away when there is no server', async () => {
    const party: Party = { steps: [{ send: preface + headers(1, call) }], end: 'keep' };
    const { text } = await hear(replacedPorts.proxied.gone, party, goAway);
    expect(text).toContain(goAway);
  });
}
