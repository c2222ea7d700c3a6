import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ask, postReview } from '../support/http/https-client.ts';
import { podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { converse, openConnection, statusesOf } from '../support/http/tls-client.ts';
import { startWebhook, type Webhook } from '../support/processes/webhook-server.ts';

let webhook: Webhook;
beforeAll(async () => {
  webhook = await startWebhook();
});
afterAll(() => webhook.close());
afterEach(async () => {
  expect(responseOf(await postReview(webhook, reviewOf(podOf()))).allowed).toBe(true);
});

const bodyOf = (uid: string): string => JSON.stringify(reviewOf(podOf(), { uid }));
const post = (body: string, more = ''): string =>
  `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;
const uidsOf = (said: string): string[] => [...said.matchAll(/"uid":"([^"]+)"/g)].map((match) => match[1] ?? '');
const last = 'Connection: close\r\n';

describe('requests one behind the other on a connection', () => {
  test('are answered in order, written at once', async () => {
    const uids = Array.from({ length: 10 }, (_, index) => `uid-${index}`);
    const said = await converse(webhook, uids.map((uid, index) => post(bodyOf(uid), index === 9 ? last : '')).join(''));
    expect(uidsOf(said)).toEqual(uids);
    expect(statusesOf(said)).toEqual(uids.map(() => 200));
  });

  test('are answered in order, cut anywhere', async () => {
    const text = post(bodyOf('a')) + post('nonsense') + post(bodyOf('b'), last);
    const connection = await openConnection(webhook, {});
    connection.socket.setNoDelay(true);
    for (let at = 0; at < text.length; at += 97) {
      connection.write(text.slice(at, at + 97));
      await new Promise(setImmediate);
    }
    await connection.closed;
    expect(statusesOf(connection.received())).toEqual([200, 400, 200]);
    expect(uidsOf(connection.received())).toEqual(['a', 'b']);
  });

  test('end where one of them is refused for its framing', async () => {
    const said = await converse(webhook, `${post(bodyOf('a'))}\u0001\r\n\r\n${post(bodyOf('b'), last)}`);
    expect(uidsOf(said)).not.toContain('b');
  });

  test('with `Expect: 100-continue` are asked for their body', async () => {
    const connection = await openConnection(webhook);
    const text = post(bodyOf('a'), `Expect: 100-continue\r\n${last}`);
    const end = text.indexOf('\r\n\r\n') + 4;
    connection.write(text.slice(0, end));
    await connection.receive(/^HTTP\/1\.1 100 /);
    connection.write(text.slice(end));
    await connection.closed;
    expect(uidsOf(connection.received())).toEqual(['a']);
  });
});

describe('a request whose end can be read in two ways is refused, and nothing hidden in it is answered', () => {
  const hidden = post(bodyOf('hidden'));
  const chunked = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
  const head = 'POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
  test.each<[string, string]>([
    ['length and chunks', `${head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`],
    ['chunks and length', `${head}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${hidden}`],
    ['two lengths', `${head}Content-Length: 0\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`],
    ['a list of lengths', `${head}Content-Length: 0, ${hidden.length}\r\n\r\n${hidden}`],
    ['chunks, then another coding', `${head}Transfer-Encoding: chunked, identity\r\n\r\n${chunked}`],
    ['a coding that is not chunked', `${head}Transfer-Encoding: xchunked\r\n\r\n${hidden}`],
    ['a blank before the colon', `${head}Transfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n${chunked}`],
    ['a folded header', `${head}X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n${hidden}`],
    ['a bare line feed', `${head}X: y\nContent-Length: 0\r\n\r\n${hidden}`],
    ['a NUL in a header', `${head}X: \u0000\r\nContent-Length: 0\r\n\r\n${hidden}`],
    ['a bad chunk size', `${head}Transfer-Encoding: chunked\r\n\r\n-5\r\n${hidden}`],
    ['a huge chunk size', `${head}Transfer-Encoding: chunked\r\n\r\n${'f'.repeat(17)}\r\n${hidden}`],
  ])('%s', async (_what, text) => {
    const said = await converse(webhook, text);
    expect(said).not.toMatch(/HTTP\/1\.1 2/);
    expect(uidsOf(said)).toEqual([]);
  });

  test('a body behind a GET is not taken for a request', async () => {
    const said = await converse(
      webhook,
      `GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: ${hidden.length}\r\n${last}\r\n${hidden}`,
    );
    expect(uidsOf(said)).toEqual([]);
  });
});

describe('headers', () => {
  test('of 8 KB are read', async () => {
    const answer = await postReview(webhook, reviewOf(podOf()), { headers: { 'x-long': 'x'.repeat(8 * 1024) } });
    expect(answer.status).toBe(200);
  });

  test.each([
    ['a single one of 64 KB', `X: ${'x'.repeat(64 * 1024)}\r\n`],
    ['2,000 of them', Array.from({ length: 2_000 }, (_, index) => `X-${index}: ${'y'.repeat(20)}\r\n`).join('')],
    ['a name of 64 KB', `${'x'.repeat(64 * 1024)}: y\r\n`],
  ])('%s are answered 431', async (_what, lines) => {
    expect(statusesOf(await converse(webhook, `GET /livez HTTP/1.1\r\nHost: x\r\n${lines}\r\n`))).toEqual([431]);
  });

  test('2,000 short ones do no harm', async () => {
    const lines = Array.from({ length: 2_000 }, () => 'a: b\r\n').join('');
    const [status = 0] = statusesOf(await converse(webhook, post(bodyOf('a'), lines + last)));
    expect([200, 431]).toContain(status);
  });

  test('with names of prototypes do no harm', async () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasownproperty']) {
      const answer = await postReview(webhook, reviewOf(podOf()), { headers: { [name]: 'x' } });
      expect([name, answer.status]).toEqual([name, 200]);
    }
  });

  test('that claim another host, address or method change nothing', async () => {
    const headers = {
      host: 'evil.example',
      'x-forwarded-for': '10.0.0.1',
      'x-http-method-override': 'DELETE',
      'x-original-url': '/readyz',
      'accept-version': '2.x',
      authorization: 'Bearer secret-token',
    };
    expect(await ask(webhook, { path: '/livez', headers })).toMatchObject({ status: 200, text: 'ok\n' });
    expect((await postReview(webhook, reviewOf(podOf()), { headers })).status).toBe(200);
    expect(webhook.log()).not.toContain('secret-token');
  });

  test('without a host are refused', async () => {
    expect(statusesOf(await converse(webhook, 'GET /livez HTTP/1.1\r\n\r\n'))).toEqual([400]);
  });

  test('of HTTP/1.0 and older are answered, of HTTP/2 and none refused', async () => {
    expect(statusesOf(await converse(webhook, 'GET /livez HTTP/1.0\r\n\r\n'))).toEqual([200]);
    expect(statusesOf(await converse(webhook, 'GET /livez\r\n\r\n'))).toEqual([200]);
    expect(statusesOf(await converse(webhook, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'))).toEqual([400]);
    expect(statusesOf(await converse(webhook, 'GET /livez HTTP/9.9\r\nHost: x\r\n\r\n'))).toEqual([400]);
  });
});
