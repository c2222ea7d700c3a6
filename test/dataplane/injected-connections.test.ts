import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { podWith } from '../support/builders/decisions.ts';
import type { Agent } from '../support/network/agent.ts';
import { destination, directions, openScene, type Scene } from '../support/network/scene.ts';

/** The same servers twice: behind the proxy, and on ports that nothing captures, which is how it is without a proxy. */
const ways = [
  ['with the proxy', { http: 8080 }],
  ['without it', { http: 8180 }],
] as const;

let scene: Scene;

beforeAll(async () => {
  const annotations = {
    'traffic.sidecar.istio.io/excludeInboundPorts': '8180',
    'traffic.sidecar.istio.io/excludeOutboundPorts': '8180',
  };
  scene = await openScene({ label: 'connections', pod: podWith({ annotations }) });
  for (const agent of [scene.app, scene.outside]) {
    for (const [, { http }] of ways) await agent.listen({ kind: 'http', port: http });
  }
});

afterAll(() => scene.stop());

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`;

describe.each(directions)('%s', (direction) => {
  const client = (): Agent => (direction === 'inbound' ? scene.outside : scene.app);
  const host = destination(direction, 'v4');

  describe.each(ways)('%s', (_, ports) => {
    test('who logs in on a connection is known there, and nowhere else', async () => {
      // More users than the proxy has threads, each of which has connections of its own.
      const others = ['bob', 'carol', 'dave', 'erin'];
      const [, alice, ...rest] = await client().converse({
        host,
        port: ports.http,
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
});
