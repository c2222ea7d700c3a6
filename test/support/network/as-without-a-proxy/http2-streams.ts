import { describe, expect, test } from '@jest/globals';
import type { Agent } from '../agent.ts';
import {
  data,
  headers,
  paddedData,
  ping,
  preface,
  priority,
  reset,
  settings,
  settingsAreSeen,
  splitHeaders,
  unknown,
  windowUpdate,
  type Fields,
} from '../http2-frames.ts';
import type { Line } from './line.ts';

/** The same servers twice: behind the proxy, and on ports that nothing captures, which is how it is without a proxy. */
export const streamPorts = {
  proxied: { node: 8080, empty: 8082, raw: 8083 },
  plain: { node: 8180, empty: 8182, raw: 8183 },
} as const;

const ways = [
  ['with the proxy', 'host', streamPorts.proxied],
  ['without it', 'plainHost', streamPorts.plain],
] as const;

const request = (path: string, more: Fields = {}): Fields => ({
  ':method': 'GET',
  ':scheme': 'http',
  ':path': path,
  ':authority': 'shop',
  ...more,
});
const ok: Fields = { ':status': '200' };
const post: Fields = { ':method': 'POST' };
const times = (count: number, one: string): string => one.repeat(count);
/** The streams that a client opens, from the third one on. */
const many = Array.from({ length: 700 }, (_, index) => 3 + 2 * index);

/** Has a server listen on all of them. */
export async function serveStreams(server: Agent): Promise<void> {
  for (const { node, empty, raw } of Object.values(streamPorts)) {
    await server.listen({ kind: 'exchange', port: raw });
    await server.listen({ kind: 'h2c', port: node });
    await server.listen({
      kind: 'frames',
      port: empty,
      frames: { 1: headers(1, ok, false) + times(50, data(1, '', false)) + data(1, 'a good answer') },
    });
  }
}

/** Plays what clients and servers of HTTP/2 may send, with the proxies and without. */
export function testStreams(line: () => Line): void {
  describe.each(ways)('%s', (way, host, ports) => {
    /** What is heard on one connection after what is sent, in turn, up to a text. */
    async function hear(port: number, sends: readonly string[], until: string): Promise<string> {
      const steps = sends.map((send, index) => ({ who: 'one', send, until: index === sends.length - 1 ? until : '' }));
      return (await line().client.converse({ host: line()[host], port, steps })).join('');
    }

    test.each<[what: string, bad: string]>([
      ['connection', headers(3, request('/bad', { connection: 'close' }))],
      ['transfer-encoding', headers(3, request('/bad', { 'transfer-encoding': 'chunked' }))],
      ['te: gzip', headers(3, request('/bad', { te: 'gzip' }))],
      ['an upper-case name', headers(3, request('/bad', { 'X-Upper': 'case' }))],
      ['a control character', headers(3, request('/bad', { x: 'a\u0001b' }))],
      ['a newline', headers(3, request('/bad', { x: 'a\nb' }))],
      ['an unknown pseudo-header', headers(3, request('/bad', { ':x': 'y' }))],
      ['no path', headers(3, { ':method': 'GET', ':scheme': 'http', ':authority': 'shop' })],
      ['no authority', headers(3, { ':method': 'GET', ':scheme': 'http', ':path': '/bad' })],
    ])('a malformed request harms none beside it: %s', async (__, bad) => {
      const good = headers(1, request('/slow?ms=200'));
      const later = headers(5, request('/slow?ms=400'));
      const heard = await hear(ports.node, [preface + good + bad + later], '"/slow?ms=400"');
      expect(heard).toContain('"/slow?ms=200"');
      expect(heard).toContain('"/slow?ms=400"');
    });

    test('frames without content in a request', async () => {
      const send = headers(1, request('/empty', { ':method': 'POST' }), false) + times(50, data(1, '', false));
      expect(await hear(ports.node, [preface + send + data(1, '')], '"/empty"')).toContain('"/empty"');
    });

    test('frames without content in an answer', async () => {
      const send = headers(1, request('/'));
      expect(await hear(ports.empty, [preface + send], 'a good answer')).toContain('a good answer');
    });

    test.each<[what: string, send: string, until: string]>([
      ['headers in two frames', splitHeaders(1, request('/split')), '"/split"'],
      ['a body with padding', headers(1, request('/padded', post), false) + paddedData(1, 'text', 100), '"/padded"'],
      ['a frame that nobody knows', unknown(0, 'what?') + headers(1, request('/known')), '"/known"'],
      ['a ping', ping('pingpong'), 'pingpong'],
      ['settings again', settings + headers(1, request('/again')), '"/again"'],
      ['trailers', headers(1, request('/trailers', post), false) + headers(1, { 'x-trailer': 't' }), '"/trailers"'],
    ])('%s', async (__, send, until) => {
      expect(await hear(ports.node, [preface + send], until)).toContain(until);
    });

    test.each([
      ['at once', 'GET'],
      ['while it sends', 'POST'],
    ])('a client that cancels its call %s has cancelled it at the server', async (__, method) => {
      const { client, server } = line();
      // Type, flags and stream of a frame with the headers of the first stream.
      const begin = `\u0001${method === 'GET' ? '\u0005' : '\u0004'}\0\0\0\u0001`;
      const answered = `\u0001\u0004\0\0\0\u0001`;
      await server.prepare({
        port: ports.raw,
        party: {
          steps: [{ until: begin, send: settings + headers(1, ok, false) }, { until: reset(1).slice(0, 9) }],
          end: 'close',
        },
      });
      const call = request('/a.B/C', { ':method': method, 'content-type': 'application/grpc', te: 'trailers' });
      await client.exchange({
        host: line()[host],
        port: ports.raw,
        party: {
          steps: [{ send: preface + headers(1, call, method === 'GET') }, { until: answered, send: reset(1) }],
          end: 'keep',
        },
        until: 'never',
        limitMs: 1_000,
      });
      const [heard] = await server.received({ port: ports.raw });
      // The proxy says INTERNAL_ERROR instead of CANCEL.
      const code = way === 'without it' ? 8 : 2;
      expect(heard?.text).toContain(reset(1, code));
    });

    test('more streams at a time than a proxy allows by its own default', async () => {
      const send = Array.from({ length: 1_500 }, (_, index) => headers(1 + 2 * index, request('/gather?count=1500')));
      expect(await hear(ports.node, [preface + send.join('')], '"/gather?count=1500"')).toContain(
        '"/gather?count=1500"',
      );
    });

    test.each([
      ['after its request', true],
      ['during its request', false],
    ])('a client that opens its window late, when all is said, %s', async (__, isOver) => {
      const { client, server } = line();
      const sent = 9 * 15_000;
      const begin = `\u0001${isOver ? '\u0005' : '\u0004'}\0\0\0\u0001`;
      const all = times(9, data(1, 'x'.repeat(15_000), false)) + headers(1, { 'x-last': 'word' });
      await server.prepare({
        port: ports.raw,
        party: {
          steps: [{ until: begin, send: settings + settingsAreSeen + headers(1, ok, false) + all }],
          end: 'keep',
        },
      });
      const { text } = await client.exchange({
        host: line()[host],
        port: ports.raw,
        party: {
          steps: [
            { send: preface + headers(1, request('/late', post), isOver), deafMs: 300 },
            { send: windowUpdate(0, sent) + windowUpdate(1, sent) },
          ],
          end: 'keep',
        },
        until: 'never',
        limitMs: 1_000,
      });
      await server.received({ port: ports.raw });
      // The proxy resets what is left of a request that the server has answered, with what its client has not taken yet.
      const isLost = way === 'with the proxy' && !isOver;
      expect(text.length >= sent).toBe(!isLost);
    });

    test('many changes of priority', async () => {
      const send = headers(1, request('/slow?ms=200')) + times(1_000, priority(1));
      expect(await hear(ports.node, [preface + send], '"/slow?ms=200"')).toContain('"/slow?ms=200"');
    });

    test('many small updates of the window, as from a client that reads little by little', async () => {
      const first = headers(1, request('/first'));
      const second = times(300, windowUpdate(0, 1)) + headers(3, request('/second'));
      const steps = [
        { who: 'one', send: preface + first, until: '"/first"' },
        { who: 'one', send: second, until: '"/second"' },
      ];
      const [, heard] = await line().client.converse({ host: line()[host], port: ports.node, steps });
      expect(heard).toContain('"/second"');
    });

    test('a stream beside many that are cancelled', async () => {
      const begin =
        headers(1, request('/slow?ms=500')) + many.map((id) => headers(id, request('/slow?ms=9000'))).join('');
      const heard = await hear(ports.node, [preface + begin, many.map((id) => reset(id)).join('')], '"/slow?ms=500"');
      expect(heard).toContain('"/slow?ms=500"');
    });
  });
}
