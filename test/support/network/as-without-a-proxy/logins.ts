import { describe, expect, test } from '@jest/globals';
import type { Line } from './line.ts';

/** The same servers twice: behind the proxy, and on a port that nothing captures, which is how it is without a proxy. */
export const loginPorts = { proxied: 8080, plain: 8180 } as const;

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`;

/** Whoever logs in on a connection is known there, and nobody else is taken for them. */
export function testLogins(line: () => Line): void {
  describe.each([
    ['with the proxy', 'host', loginPorts.proxied],
    ['without it', 'plainHost', loginPorts.plain],
  ] as const)('%s', (_, host, port) => {
    test('who logs in on a connection is known there, and nowhere else', async () => {
      // More users than the proxy has threads, each of which has connections of its own.
      const others = ['bob', 'carol', 'dave', 'erin'];
      const [, alice, ...rest] = await line().client.converse({
        host: line()[host],
        port,
        steps: [
          { who: 'alice', send: get('/login?user=alice'), until: 'logged in' },
          { who: 'alice', send: get('/who'), until: 'alice' },
          ...others.map((who) => ({ who, send: get('/who'), until: 'nobody' })),
        ],
      });
      expect(alice).toMatch(/^HTTP\/1\.1 200 .*alice/s);
      for (const answer of rest) expect(answer).toMatch(/^HTTP\/1\.1 401 .*nobody/s);
    });
  });
}
