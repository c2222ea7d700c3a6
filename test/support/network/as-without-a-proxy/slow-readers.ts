import { describe, expect, test } from '@jest/globals';
import { readAnswers } from '../http1-messages.ts';
import { lines } from '../http1-shapes/shape.ts';
import type { Line } from './line.ts';

/** The same servers twice: behind the proxy, and on ports that nothing captures, which is how it is without a proxy. */
export const slowPorts = {
  proxied: [8080, 8081, 8082, 8083, 8084, 8085],
  plain: [8180, 8181, 8182, 8183, 8184, 8185],
} as const;

/** Longer than a proxy waits for a client before it gives up, by its own default. */
const deafMs = 3_000;

/** From what fits into the buffers of all kernels on the way up to what none of them holds. */
const sizes = [100_000, 200_000, 400_000, 800_000, 1_600_000, 3_200_000] as const;

const request = (...fields: readonly string[]): string => lines('GET / HTTP/1.1', 'Host: shop', ...fields, '');
const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];
const withLength = (body: string, ...fields: readonly string[]): string =>
  `${lines('HTTP/1.1 200 OK', `Content-Length: ${body.length}`, ...fields, '')}${body}`;

interface Way {
  readonly send: string;
  readonly answer: (body: string) => string;
  /** Whether the server ends the connection. */
  readonly isLast?: boolean;
}

/** Who says that an answer is the last one, and how. */
const ways: Readonly<Record<string, Way>> = {
  'the client wants one answer': { send: request('Connection: close'), answer: withLength },
  'HTTP/1.0': { send: lines('GET / HTTP/1.0', 'Host: shop', ''), answer: withLength },
  'the server says that it closes': {
    send: request(),
    answer: (body) => withLength(body, 'Connection: close'),
    isLast: true,
  },
  'the body ends with the connection': {
    send: request(),
    answer: (body) => `${lines('HTTP/1.1 200 OK', 'Connection: close', '')}${body}`,
    isLast: true,
  },
  'a tunnel that the server closes': {
    send: request(...upgrade),
    answer: (body) => `${lines('HTTP/1.1 101 Switching Protocols', ...upgrade, '')}${body}`,
    isLast: true,
  },
  'the connection is kept': { send: request(), answer: withLength },
};

/** Plays clients that do not read for a while, with the proxies and without. */
export function testSlowReaders(line: () => Line): void {
  describe.each([
    ['with the proxy', 'host', slowPorts.proxied],
    ['without it', 'plainHost', slowPorts.plain],
  ] as const)('%s', (_, host, ports) => {
    test.each(Object.entries(ways))('a client that reads late hears all: %s', async (__, { send, answer, isLast }) => {
      const { client, server } = line();
      const heard = sizes.map(async (size, index) => {
        const port = ports[index] ?? 0;
        await server.prepare({
          port,
          party: {
            steps: [{ until: '\r\n\r\n', send: answer('x'.repeat(size)) }],
            end: isLast === true ? 'close' : 'keep',
          },
        });
        const { text } = await client.exchange({
          host: line()[host],
          port,
          party: { steps: [{ send, deafMs }], end: 'keep' },
          until: 'never',
          limitMs: 5_000,
        });
        await server.received({ port });
        return readAnswers(text, ['GET'])[0]?.body.length;
      });
      expect(await Promise.all(heard)).toEqual(sizes);
    });
  });
}
