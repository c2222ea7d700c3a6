import { once } from 'node:events';
import { connect as connectPlainly } from 'node:net';
import { Agent } from 'node:https';
import { X509Certificate } from 'node:crypto';
import { checkServerIdentity } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createAuthority } from '../../src/certs/authority.ts';
import { ask, postReview } from '../support/http/https-client.ts';
import { podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { openConnection } from '../support/http/tls-client.ts';
import { startWebhook, type Webhook } from '../support/processes/webhook-server.ts';

let webhook: Webhook;
beforeAll(async () => {
  webhook = await startWebhook();
});
afterAll(() => webhook.close());
afterEach(async () => {
  expect(responseOf(await postReview(webhook, reviewOf(podOf()))).allowed).toBe(true);
});

/** A client that would take anything: what is refused is refused by the server. */
const lax = { rejectUnauthorized: false, ciphers: 'ALL:@SECLEVEL=0' } as const;

test('a client of TLS 1.2 may not renegotiate', async () => {
  const { socket } = await openConnection(webhook, { maxVersion: 'TLSv1.2' });
  const failure = await new Promise<Error | null>((resolve) => {
    socket.once('error', resolve);
    socket.renegotiate({}, resolve);
  });
  expect(failure?.message).toMatch(/no renegotiation/i);
  socket.destroy();
});

describe('the protocol floor', () => {
  test.each(['TLSv1', 'TLSv1.1'] as const)('%s is refused', async (version) => {
    await expect(openConnection(webhook, { ...lax, minVersion: version, maxVersion: version })).rejects.toThrow(
      /protocol version|unsupported protocol/,
    );
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('%s is spoken', async (version) => {
    const { socket } = await openConnection(webhook, { minVersion: version, maxVersion: version });
    expect([socket.authorized, socket.getProtocol()]).toEqual([true, version]);
    socket.destroy();
  });

  test.each(['NULL', 'aNULL', 'RC4', '3DES', 'EXPORT', 'PSK', 'MD5', 'kRSA', 'SHA1', 'CAMELLIA', 'ARIA'])(
    'ciphers of the kind %s are refused',
    async (kind) => {
      const opening = openConnection(webhook, {
        rejectUnauthorized: false,
        ciphers: `${kind}:@SECLEVEL=0`,
        maxVersion: 'TLSv1.2',
      });
      // A kind that the client's own library has dropped cannot be offered at all.
      await expect(opening).rejects.toThrow(/handshake failure|no ciphers|no cipher match|NO_CIPHER/i);
    },
  );

  test.each(['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-RSA-CHACHA20-POLY1305'])(
    'Go’s %s is spoken',
    async (ciphers) => {
      const { socket } = await openConnection(webhook, { ciphers, maxVersion: 'TLSv1.2' });
      expect(socket.getCipher().name).toBe(ciphers);
      socket.destroy();
    },
  );
});

describe('plain HTTP to this port', () => {
  test.each(['GET /livez HTTP/1.1\r\nHost: x\r\n\r\n', '\r\n', '\u0000'.repeat(100), 'SSH-2.0-x\r\n'])(
    '%j gets no HTTP answer',
    async (text) => {
      const socket = connectPlainly(webhook.port, '127.0.0.1');
      let said = '';
      socket.on('data', (chunk) => (said += chunk.toString('latin1'))).on('error', () => undefined);
      socket.end(text);
      await once(socket, 'close');
      expect(said).not.toContain('HTTP/');
    },
  );
});

test.each([
  ['no server name', { servername: '' }],
  ['another server name', { servername: 'sidecar-injector.sidecar-injector-system.svc' }],
  ['a name of 250 characters', { servername: `${'a.'.repeat(120)}example` }],
])('a client with %s gets the same certificate', async (_what, options) => {
  const { socket } = await openConnection(webhook, { ...options, checkServerIdentity: () => undefined });
  expect(socket.authorized).toBe(true);
  expect(checkServerIdentity('localhost', socket.getPeerCertificate())).toBeUndefined();
  socket.destroy();
});

describe('the application protocol', () => {
  test('is HTTP/1.1 where the client offers both', async () => {
    const { socket } = await openConnection(webhook, { ALPNProtocols: ['h2', 'http/1.1'] });
    expect(socket.alpnProtocol).toBe('http/1.1');
    socket.destroy();
  });

  test('is refused where the client speaks HTTP/2 only', async () => {
    await expect(openConnection(webhook, { ALPNProtocols: ['h2'] })).rejects.toThrow(/no application protocol/);
  });
});

test('a client certificate is neither asked for nor a hindrance', async () => {
  const { certificate, privateKey } = await createAuthority({ now: new Date(), lifetimeMs: 60_000 });
  const { socket } = await openConnection(webhook, { cert: certificate, key: privateKey });
  expect(socket.authorized).toBe(true);
  socket.destroy();
});

test('after 300 handshakes, some of them broken off, a review is answered', async () => {
  const shake = async (index: number): Promise<void> => {
    if (index % 3 === 0) {
      const socket = connectPlainly(webhook.port, '127.0.0.1').on('error', () => undefined);
      await once(socket, 'connect');
      socket.destroy();
      return;
    }
    const { socket, closed } = await openConnection(webhook);
    socket.destroy();
    await closed;
  };
  for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 30 }, (_, index) => shake(index)));
  expect(responseOf(await postReview(webhook, reviewOf(podOf()), { path: '/inject?timeout=5s' })).allowed).toBe(true);
});

describe('another certificate', () => {
  const serial = async (): Promise<string> => {
    const { socket } = await openConnection(webhook);
    const presented = socket.getPeerX509Certificate()?.serialNumber ?? '';
    socket.destroy();
    return presented;
  };

  test('under load costs no request, and open connections go on', async () => {
    const kept = new Agent({ keepAlive: true, maxSockets: 4 });
    const pairs = [await webhook.issue(), await webhook.issue(), await webhook.issue()];
    let swapping = true;
    let answered = 0;
    const load = async (agent: Agent | undefined): Promise<void> => {
      while (swapping) {
        const answer = await postReview(webhook, reviewOf(podOf()), agent === undefined ? {} : { agent });
        expect(responseOf(answer).patchType).toBe('JSONPatch');
        answered++;
      }
    };
    const loads = Promise.all([load(kept), load(kept), load(undefined)]);
    for (const pair of pairs) {
      webhook.server.useKeyPair(pair);
      const wanted = answered + 20;
      expect(await serial()).toBe(new X509Certificate(pair.certificate).serialNumber);
      while (answered < wanted) await ask(webhook, { path: '/livez' });
    }
    swapping = false;
    await loads;
    kept.destroy();
  });

  test('has the same floor and the same ciphers as the first', async () => {
    webhook.server.useKeyPair(await webhook.issue());
    for (const version of ['TLSv1', 'TLSv1.1'] as const) {
      const opening = openConnection(webhook, { ...lax, minVersion: version, maxVersion: version });
      await expect(opening).rejects.toThrow(/protocol version|unsupported protocol/);
    }
    await expect(openConnection(webhook, { ALPNProtocols: ['h2'] })).rejects.toThrow(/no application protocol/);
    await expect(
      openConnection(webhook, { rejectUnauthorized: false, ciphers: 'kRSA:@SECLEVEL=0', maxVersion: 'TLSv1.2' }),
    ).rejects.toThrow(/handshake failure/);
  });

  test('that does not match its key is refused, and the one in use stays', async () => {
    const before = await serial();
    const [left, right] = [await webhook.issue(), await webhook.issue()];
    const mixed = { certificate: left.certificate, privateKey: right.privateKey };
    expect(() => webhook.server.useKeyPair(mixed)).toThrow(/key values mismatch/);
    expect(() => webhook.server.useKeyPair({ certificate: '', privateKey: '' })).toThrow();
    expect(await serial()).toBe(before);
  });
});
