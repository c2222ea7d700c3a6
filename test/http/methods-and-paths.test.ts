import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ask, postReview } from '../support/http/https-client.ts';
import { podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { converse, statusesOf } from '../support/http/tls-client.ts';
import { startWebhook, type Webhook } from '../support/processes/webhook-server.ts';

let webhook: Webhook;
beforeAll(async () => {
  webhook = await startWebhook({ checks: () => [{ name: 'shop', ready: true, reason: 'open' }] });
});
afterAll(() => webhook.close());

/** Whatever a test sent: the next review is answered. */
afterEach(async () => {
  expect(responseOf(await postReview(webhook, reviewOf(podOf()))).allowed).toBe(true);
});

describe('a method that the path does not have is answered 405 with the one that it has', () => {
  test.each(['GET', 'PUT', 'HEAD', 'OPTIONS', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND'])('%s /inject', async (method) => {
    const { status, headers, text } = await ask(webhook, { method, path: '/inject?timeout=1s' });
    expect([status, headers.allow]).toEqual([405, 'POST']);
    expect(text).toBe(method === 'HEAD' ? '' : 'Only POST is allowed here.\n');
  });

  test.each(['POST', 'PUT', 'HEAD', 'DELETE'])('%s /livez and /readyz', async (method) => {
    for (const path of ['/livez', '/readyz']) {
      const { status, headers } = await ask(webhook, { method, path });
      expect([status, headers.allow]).toEqual([405, 'GET']);
    }
  });

  test('GET with a body', async () => {
    const answer = await ask(webhook, {
      method: 'GET',
      path: '/inject',
      body: JSON.stringify(reviewOf(podOf())),
      headers: { 'content-type': 'application/json' },
    });
    expect([answer.status, answer.headers.allow]).toEqual([405, 'POST']);
  });
});

test.each(['FOO', 'post', 'P\u0000ST', ''])(
  'the method %j, which HTTP does not know, is answered 400',
  async (method) => {
    const said = await converse(webhook, `${method} /inject HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`);
    expect(statusesOf(said)).toEqual([400]);
  },
);

test('a tunnel is refused', async () => {
  const said = await converse(webhook, 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n');
  expect(said).not.toMatch(/^HTTP\/1\.1 2/);
});

test('an upgrade to another protocol is not made', async () => {
  const said = await converse(
    webhook,
    'GET /livez HTTP/1.1\r\nHost: x\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGVzdA==\r\n\r\n',
  );
  expect(statusesOf(said)).toEqual([200]);
});

describe('a path that is not served is answered 404', () => {
  test.each([
    '/',
    '/inject/',
    '/Inject',
    '//inject',
    '/inject//',
    '/inject/x',
    '/injection',
    '/inject;timeout=1s',
    '/../inject',
    '/x/../inject',
    '/livez/../inject',
    '/%2e%2e/inject',
    '/%2e/inject',
    '/inject%2f',
    '/inject%00',
    '/metrics',
    '/healthz',
    '/debug/pprof',
    '/__proto__',
    '/constructor',
    '/etc/passwd',
    '/inject\\..',
    '/%F0%9F%98%80',
  ])('%s', async (path) => {
    for (const method of ['GET', 'POST']) {
      const body = method === 'POST' ? { body: '{}', headers: { 'content-type': 'application/json' } } : {};
      const { status, text } = await ask(webhook, { method, path, ...body });
      expect([method, status, text]).toEqual([method, 404, 'There is nothing here.\n']);
    }
  });

  test('8 KB long', async () => {
    expect(await ask(webhook, { path: `/${'a'.repeat(8 * 1024)}` })).toMatchObject({ status: 404 });
    expect(await ask(webhook, { path: `/inject/${'../'.repeat(2_700)}` })).toMatchObject({ status: 404 });
  });
});

test.each(['/%', '/inject%', '/%zz', '/%c0%ae%c0%ae/inject', '/%ff'])(
  'the path %s, which does not decode, is refused and not repeated',
  async (path) => {
    const { status, text } = await ask(webhook, { method: 'POST', path });
    expect([400, 404]).toContain(status);
    expect(text).not.toContain(path);
  },
);

test('a path that does not fit the headers is refused', async () => {
  const said = await converse(webhook, `GET /${'a'.repeat(64 * 1024)} HTTP/1.1\r\nHost: x\r\n\r\n`);
  expect(statusesOf(said)).toEqual([431]);
});

test.each(['*', 'https://127.0.0.1/inject', 'inject', '?', '/inject#x'])(
  'the request target %s does no harm',
  async (target) => {
    const said = await converse(webhook, `OPTIONS ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    const [status = 0] = statusesOf(said);
    expect([400, 404, 405]).toContain(status);
  },
);

test('a query is no part of the path, whatever is in it', async () => {
  for (const query of [
    '',
    'timeout=',
    'timeout=10s&timeout=1s',
    'timeout[a]=1',
    '__proto__[x]=1',
    `x=${'%'.repeat(99)}`,
  ]) {
    const answer = await postReview(webhook, reviewOf(podOf()), { path: `/inject?${query}` });
    expect([query, answer.status]).toEqual([query, 200]);
  }
  expect(({} as Record<string, unknown>)['x']).toBeUndefined();
});

test('no answer redirects, sets cookies or names the software behind it', async () => {
  for (const path of ['/inject', '/inject/', '/readyz', '/nothing']) {
    const { status, headers } = await ask(webhook, { path });
    expect([200, 404, 405]).toContain(status);
    for (const name of ['location', 'set-cookie', 'server', 'x-powered-by']) expect(headers[name]).toBeUndefined();
  }
});
