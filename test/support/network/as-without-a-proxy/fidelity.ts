import { expect, test } from '@jest/globals';
import type { Agent, Dialled, Heard } from '../agent.ts';
import type { Line } from './line.ts';

const lines = (...all: string[]): string => all.map((line) => `${line}\r\n`).join('');
const request = (first: string, ...headers: string[]): string => lines(first, 'Host: shop', ...headers, '');
const get = request('GET / HTTP/1.1');
const ok = (...headers: string[]): string => lines('HTTP/1.1 200 OK', 'Connection: close', ...headers, '');
const length = { empty: 'Content-Length: 0', seven: 'Content-Length: 7' };
const long = 'x'.repeat(200_000);
const count = Array.from({ length: 300 }, (_, index) => index);

/** What works without a proxy: what a client sends, what the server answers, and what the client has to see of it. */
const exchanges: readonly (readonly [name: string, send: string, answer: string, seen: string])[] = [
  ['CONNECT, as to a forward proxy', `${lines('CONNECT x:443 HTTP/1.1', 'Host: x:443', '')}through`, ok(), 'through'],
  ...['tcp', 'SPDY/3.1'].map((protocol) => {
    const upgrade = ['Connection: Upgrade', `Upgrade: ${protocol}`];
    const answer = lines('HTTP/1.1 101 Switching Protocols', ...upgrade, '');
    return [`an upgrade to ${protocol}`, `${request('POST / HTTP/1.1', ...upgrade)}raw`, answer, 'raw'] as const;
  }),
  // What a client offers that can do without: Apache's HttpClient 5.4, CUPS, RFC 9110's example, and one that nobody knows.
  ...['TLS/1.2', 'tls/1.3', 'TLS/1.2,TLS/1.1,TLS/1.0', 'HTTP/2.0, SHTTP/1.3, IRC/6.9', 'h2c', 'foo/2'].map((offer) => {
    const send = request('GET /offered HTTP/1.1', 'Connection: Upgrade, keep-alive', `Upgrade: ${offer}`);
    return [`an offer of ${offer}`, send, `${ok()}{request}`, 'GET /offered'] as const;
  }),
  [
    'an offer with a body',
    `${request('POST /offered HTTP/1.1', 'Connection: Upgrade', 'Upgrade: TLS/1.2', length.seven)}payload`,
    ok(),
    'payload',
  ],
  [
    'trailers of a request',
    `${request('POST / HTTP/1.1', 'Transfer-Encoding: chunked')}${lines('1', 'a', '0', 'X-T: yes', '')}`,
    ok(),
    't: yes',
  ],
  ['trailers of an answer', get, ok('Transfer-Encoding: chunked') + lines('1', 'a', '0', 'X-T: yes', ''), 't: yes'],
  [
    'a body that the server does not want',
    request('POST / HTTP/1.1', 'Expect: 100-continue', length.seven),
    lines('HTTP/1.1 417 No', 'Connection: close', length.empty, ''),
    '417 No',
  ],
  [
    'a body that the server waits for',
    request('POST / HTTP/1.1', 'Expect: 100-continue', length.seven),
    lines('HTTP/1.1 100 Continue', ''),
    '100 Continue',
  ],
  ['early hints', get, lines('HTTP/1.1 103 Early Hints', 'Link: </a>', '') + ok(length.empty), 'Link: </a>'],
  ['a reason of its own', get, lines('HTTP/1.1 200 Very Fine', 'Connection: close', length.empty, ''), 'Very Fine'],
  ...['M-SEARCH', 'frobnicate'].map((method) => {
    return [`the method ${method}`, request(`${method} / HTTP/1.1`), `${ok()}{request}`, `${method} / `] as const;
  }),
  [
    'many headers of a request',
    request('GET / HTTP/1.1', ...count.map((n) => `X-${n}: 1`)),
    `${ok()}{request}`,
    'X-299',
  ],
  ['many headers of an answer', get, ok(...count.map((n) => `X-${n}: 1`), length.empty), 'X-299'],
  ['a long header of a request', request('GET / HTTP/1.1', `X-Long: ${long}`, 'X-End: 1'), `${ok()}{request}`, 'X-End'],
  ['a long header of an answer', get, ok(`X-Long: ${long}`, 'X-End: 1', length.empty), 'X-End'],
];

/** Ports of the servers of these exchanges; the last one is not to be read as HTTP. */
export const fidelityPorts = [...exchanges.map((_, index) => 9100 + index), 3128, 9080, 9081, 9082];

/** Has a server listen on all of them. */
export async function serveFidelity(server: Agent): Promise<void> {
  for (const [index, [, , text]] of exchanges.entries()) {
    await server.listen({ kind: 'script', port: 9100 + index, text });
  }
  await server.listen({ kind: 'script', port: 3128, text: `${ok()}{request}` });
  await server.listen({ kind: 'http', port: 9080 });
  await server.listen({ kind: 'echo', port: 9081 });
  await server.listen({ kind: 'last-word', port: 9082, text: 'good bye' });
}

/** Plays what has to work through proxies. */
export function testFidelity(line: () => Line): void {
  const dial = (options: Omit<Parameters<Agent['dial']>[0], 'host'>): Promise<Dialled> =>
    line().client.dial({ host: line().host, ...options });

  test.each(exchanges.map(([name, send, , seen], index) => ({ name, send, seen, port: 9100 + index })))(
    '$name',
    async ({ send, seen, port }) => {
      const { text } = await dial({ port, send, until: seen });
      expect(text.slice(0, 2_000)).toMatch(/^HTTP\/1\.1 [1245]/);
      expect(text.includes(seen)).toBe(true);
    },
  );

  test('a request to a forward proxy, on the port of Squid', async () => {
    const first = 'GET http://shop/x?y=1 HTTP/1.1';
    const { text } = await dial({ port: 3128, send: request(first), until: 'Host' });
    expect(text).toContain(first);
  });

  test('requests that are sent before the first answer', async () => {
    const send = ['/first', '/second'].map((path) => request(`GET ${path} HTTP/1.1`)).join('');
    const { text } = await dial({ port: 9080, send, until: '/second' });
    const heard = [...text.matchAll(/^\{.*\}/gm)].map(([json]) => (JSON.parse(json) as Heard).url);
    expect(heard).toEqual(['/first', '/second']);
  });

  test.each(['get key\r\n', 'PING\r\n', 'EHLO client\r\n', 'GET key\n'])(
    '%j is no HTTP, and known at once',
    async (send) => {
      const { text } = await dial({ port: 9081, send, until: '\n' });
      expect(JSON.parse(text)).toMatchObject({ text: send });
    },
  );

  test('on a declared port a client that has said all hears the answer still', async () => {
    const { text } = await dial({ port: 9082, send: 'that is all', halfClose: true, until: 'bye' });
    expect(text).toBe('good bye');
  });
}
