import { Buffer } from 'node:buffer';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { defaultLimits } from '../../src/server/limits.ts';
import { ask, postReview } from '../support/http/https-client.ts';
import { podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { converse, openConnection, statusesOf } from '../support/http/tls-client.ts';
import { until } from '../support/waiting.ts';
import { startWebhook, type Webhook } from '../support/processes/webhook-server.ts';

let webhook: Webhook;
beforeAll(async () => {
  webhook = await startWebhook();
});
afterAll(() => webhook.close());

/** Whatever a test sent: the next review is answered, and of the others nothing stays reserved. */
afterEach(async () => {
  expect(responseOf(await postReview(webhook, reviewOf(podOf()))).allowed).toBe(true);
  for (const name of ['sidecar_injector_admission_buffered_bytes', 'sidecar_injector_admission_in_flight']) {
    await until(`${name} is 0`, async () => ((await webhook.sample(name)) === 0 ? true : undefined));
  }
});

const review = JSON.stringify(reviewOf(podOf()));
const oneReview = (request: object) => JSON.stringify(reviewOf(podOf(), request));

describe('a body that is no review is answered 400 with a sentence', () => {
  test.each<[body: string, sentence: string]>([
    ['', 'The body is empty.'],
    [' \r\n\t', 'The body is empty.'],
    ['null', 'The body is not a JSON object.'],
    ['[]', 'The body is not a JSON object.'],
    ['"x"', 'The body is not a JSON object.'],
    ['true', 'The body is not a JSON object.'],
    ['0', 'The body is not a JSON object.'],
    ['{}', 'The body is not an AdmissionReview of admission.k8s.io/v1.'],
    ['{"request":null}', 'The body is not an AdmissionReview of admission.k8s.io/v1.'],
    ['{"__proto__":{"kind":"AdmissionReview"}}', 'The body is not an AdmissionReview of admission.k8s.io/v1.'],
    [
      review.replace('admission.k8s.io/v1', 'admission.k8s.io/v1beta1'),
      'The body is not an AdmissionReview of admission.k8s.io/v1.',
    ],
    [
      review.replace('admission.k8s.io/v1', 'admission.k8s.io/v2'),
      'The body is not an AdmissionReview of admission.k8s.io/v1.',
    ],
    [review.replace('AdmissionReview', 'Pod'), 'The body is not an AdmissionReview of admission.k8s.io/v1.'],
    ['{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}', 'The AdmissionReview has no request.'],
    [
      '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":null}',
      'The AdmissionReview has no request.',
    ],
    [
      '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":[]}',
      'The AdmissionReview has no request.',
    ],
    ['{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{}}', 'The request has no uid.'],
    [oneReview({ uid: '' }), 'The request has no uid.'],
    [oneReview({ uid: 7 }), 'The request has no uid.'],
    [oneReview({ uid: null }), 'The request has no uid.'],
    [oneReview({ object: null }), 'The request creates a pod and has no object.'],
    [oneReview({ object: [] }), 'The request creates a pod and has no object.'],
    [oneReview({ object: 'pod' }), 'The request creates a pod and has no object.'],
  ])('%s', async (body, sentence) => {
    expect(await postReview(webhook, body)).toMatchObject({ status: 400, text: `${sentence}\n` });
  });

  test('no body at all', async () => {
    const answer = await ask(webhook, { method: 'POST', path: '/inject' });
    expect(answer).toMatchObject({ status: 400, text: 'The body is empty.\n' });
  });
});

describe('a body that is not JSON is answered 400 and not repeated', () => {
  test.each<[string, string]>([
    ['cut off', review.slice(0, -1)],
    ['cut off in a string', review.slice(0, review.indexOf('web-0') + 3)],
    ['a byte order mark before it', `\uFEFF${review}`],
    ['something behind it', `${review}}`],
    ['two of them', review + review],
    ['NUL behind it', `${review}\u0000`],
    ['single quotes', review.replaceAll('"', "'")],
    ['a comment', `/* web-0 */${review}`],
    ['a comma too many', review.replace(/\}$/, ',}')],
    ['NaN', review.replace('"dryRun":false', '"dryRun":NaN')],
    ['a control character in a string', review.replace('web-0', 'web\u00010')],
    ['yaml', 'apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\n'],
  ])('%s', async (_what, body) => {
    expect(await postReview(webhook, body)).toMatchObject({ status: 400, text: 'The body is not JSON.\n' });
  });

  test.each<[string, Buffer]>([
    ['a lone continuation byte', Buffer.from([0x22, 0x80, 0x22])],
    ['an overlong slash', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ['an encoded surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['a cut character', Buffer.concat([Buffer.from(review), Buffer.from([0xf0, 0x9f])])],
    ['UTF-16', Buffer.from(`\uFEFF${review}`, 'utf16le')],
    ['latin1 in a name', Buffer.from(review.replace('web-0', 'wéb-0'), 'latin1')],
  ])('%s', async (_what, body) => {
    expect(await postReview(webhook, body)).toMatchObject({ status: 400, text: 'The body is not UTF-8.\n' });
  });
});

test('of a key that is there twice the last one counts, as in the API server', async () => {
  const body = review.replace(/"uid":"[^"]*"/, '"uid":"first","uid":"second"');
  expect(responseOf(await postReview(webhook, body)).uid).toBe('second');
  const twice = review.replace(/\}$/, ',"request":null}');
  expect(await postReview(webhook, twice)).toMatchObject({
    status: 400,
    text: 'The AdmissionReview has no request.\n',
  });
});

describe('a body above the bound', () => {
  const most = defaultLimits.bodyBytes;
  const sentence = `The body is larger than ${most} bytes.\n`;
  const padded = (bytes: number): Buffer => {
    const body = Buffer.alloc(bytes, ' ');
    body.write(review);
    return body;
  };

  test('of exactly 7 MiB is read', async () => {
    expect(most).toBe(7 * 1024 * 1024);
    expect(responseOf(await postReview(webhook, padded(most))).allowed).toBe(true);
  });

  test('is answered 413 by its declared length alone', async () => {
    const connection = await openConnection(webhook);
    connection.write(
      `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${most + 1}\r\n\r\n`,
    );
    const said = await connection.receive(/larger than \d+ bytes\.\n$/);
    expect(statusesOf(said)).toEqual([413]);
    await connection.closed;
  });

  test('is answered 413 in chunks', async () => {
    const connection = await openConnection(webhook);
    connection.write(
      'POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    const chunk = Buffer.alloc(1024 * 1024, ' ');
    for (let sent = 0; sent <= most; sent += chunk.length) {
      connection.write(`${chunk.length.toString(16)}\r\n`);
      connection.write(chunk);
      connection.write('\r\n');
    }
    expect(statusesOf(await connection.receive(/larger than \d+ bytes\.\n/))).toEqual([413]);
    connection.socket.destroy();
  });

  test('is answered 413 with the sentence', async () => {
    const answer = await postReview(webhook, padded(most + 1)).catch((error: NodeJS.ErrnoException) => error.code);
    // The answer is out before the body is in: a client that writes on may meet the end of the connection instead.
    if (typeof answer === 'object') expect([answer.status, answer.text]).toEqual([413, sentence]);
    else expect(['EPIPE', 'ECONNRESET']).toContain(answer);
  });
});

describe('a declared length that lies', () => {
  const head = (length: string) =>
    `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;

  test('too short: what is left over is no request', async () => {
    const said = await converse(webhook, `${head('10')}${review}`);
    expect(statusesOf(said)).toEqual([400]);
  });

  test('too long, and the client hangs up: nothing is decided', async () => {
    const connection = await openConnection(webhook);
    connection.write(`${head(String(review.length + 5))}${review}`);
    connection.socket.end();
    await connection.closed;
    expect(statusesOf(connection.received())).not.toContain(200);
  });

  test.each(['-1', '1e3', '0x10', '1, 2', '99999999999999999999', ' ', 'NaN', '+5'])(
    '%j is refused',
    async (length) => {
      const connection = await openConnection(webhook);
      connection.write(`${head(length)}${review}`);
      await connection.receive(/HTTP\/1\.1 (?:400|413) /);
      connection.socket.destroy();
    },
  );
});
