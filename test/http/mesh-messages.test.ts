import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { afterEach, expect, test } from '@jest/globals';
import { createEllipticAuthority, createLeafIssuer } from '../../src/certs/elliptic-certificate.ts';
import { startAdsServer, type AdsConnection } from '../../src/mesh/serve/ads-server.ts';
import { systemTimers } from '../../src/mesh/serve/timers.ts';
import { until } from '../support/waiting.ts';

// How messages are framed on a stream, as gRPC over HTTP/2 says.

const day = 24 * 60 * 60 * 1000;
const now = new Date();
const own = createEllipticAuthority({ name: 'control-plane', now, lifetimeMs: day });
const pair = createLeafIssuer(own).issue({ names: { dns: ['mesh.test'] }, now, lifetimeMs: day });
const discovery = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface Opened {
  readonly stream: ClientHttp2Stream;
  readonly session: ClientHttp2Session;
  /** The server's side of the stream; undefined until it is there. */
  readonly connection: () => AdsConnection | undefined;
  /** What the server has read. */
  readonly taken: readonly string[];
  readonly body: () => Buffer;
  /** Headers and trailers together, once the stream has ended. */
  readonly ending: () => Promise<Readonly<Record<string, unknown>>>;
}

async function open(headers: Record<string, string> = {}): Promise<Opened> {
  let connection: AdsConnection | undefined;
  const taken: string[] = [];
  const server = await startAdsServer({
    host: '127.0.0.1',
    port: 0,
    pair,
    strangers: { most: 10, mostOfAddress: 10, patienceMs: 600_000 },
    after: systemTimers.after,
    onCut: () => undefined,
    onError: () => undefined,
    accept(accepted) {
      connection = accepted;
      accepted.welcome();
      accepted.onMessage((bytes) => taken.push(Buffer.from(bytes).toString()));
    },
  });
  const session = connect(`https://127.0.0.1:${server.port}`, { ca: own.certificate, servername: 'mesh.test' });
  session.on('error', () => undefined);
  cleanups.push(
    () => server.stop(),
    () => session.destroy(),
  );
  const stream = session.request({
    ':method': 'POST',
    ':path': discovery,
    'content-type': 'application/grpc',
    ...headers,
  });
  const chunks: Buffer[] = [];
  let all: Record<string, unknown> = {};
  stream.on('error', () => undefined);
  stream.on('response', (got) => (all = { ...all, ...got }));
  stream.on('trailers', (got) => (all = { ...all, ...got }));
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return {
    stream,
    session,
    connection: () => connection,
    taken,
    body: () => Buffer.concat(chunks),
    ending: () => until('the end of the stream', () => (all['grpc-status'] === undefined ? undefined : all)),
  };
}

function frame(text: string, compressed = 0, length = text.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, Buffer.from(text)]);
}

const message = { plain: () => [Buffer.from('pla'), Buffer.from('in')], deflated: () => [Buffer.from('deflated')] };
const accepted = (opened: Opened) => until('the stream', opened.connection);
const hasSent = (opened: Opened, bytes: number) => until('the bytes', () => opened.body().length >= bytes || undefined);

test('a message is compressed for those who understand it, and only for them', async () => {
  for (const [accepts, encoding, expected] of [
    ['identity, deflate, gzip', 'deflate', frame('deflated', 1)],
    ['identity,gzip', undefined, frame('plain')],
    [undefined, undefined, frame('plain')],
  ] as const) {
    const opened = await open(accepts === undefined ? {} : { 'grpc-accept-encoding': accepts });
    const connection = await accepted(opened);
    connection.send(message);
    await hasSent(opened, expected.length);
    connection.end('aged', 'bye');
    expect(await opened.ending()).toMatchObject({
      ':status': 200,
      'grpc-status': '0',
      'content-type': 'application/grpc',
    });
    expect((await opened.ending())['grpc-encoding']).toBe(encoding);
    expect(opened.body()).toEqual(expected);
  }
});

test('messages of megabytes arrive whole and in order, before the end', async () => {
  const opened = await open();
  const connection = await accepted(opened);
  const pieces = Array.from({ length: 300 }, (_, index) => Buffer.alloc(9_000, index));
  connection.send({ plain: () => pieces, deflated: () => [] });
  connection.send(message);
  connection.end('unavailable', 'the end');
  expect(await opened.ending()).toMatchObject({ 'grpc-status': '14', 'grpc-message': 'the end' });
  const head = frame('', 0, 300 * 9_000);
  expect(opened.body().equals(Buffer.concat([head, ...pieces, frame('plain')]))).toBe(true);
});

test('requests are read in whatever pieces they come', async () => {
  const opened = await open();
  const bytes = Buffer.concat([frame('one'), frame(''), frame('three')]);
  for (const byte of bytes) opened.stream.write(Buffer.from([byte]));
  opened.stream.write(Buffer.concat([frame('four'), frame('five').subarray(0, 6)]));
  opened.stream.write(frame('five').subarray(6));
  await until('all', () => opened.taken.length === 5 || undefined);
  expect(opened.taken).toEqual(['one', '', 'three', 'four', 'five']);
  opened.stream.end();
  expect(await opened.ending()).toMatchObject({ 'grpc-status': '0' });
});

test.each<[string, Buffer, string]>([
  ['is compressed', frame('x', 1), 'a message is compressed'],
  ['is too long', frame('x', 0, 4 * 1024 * 1024 + 1), 'a message has 4194305 bytes; 4194304 are allowed'],
])('a request that %s ends the stream', async (_, bytes, problem) => {
  const opened = await open();
  opened.stream.write(frame('first'));
  opened.stream.write(bytes);
  opened.stream.write(frame('never read'));
  expect(await opened.ending()).toMatchObject({
    'grpc-status': '3',
    'grpc-message': `not a discovery request: ${problem}`,
  });
  expect(opened.taken).toEqual(['first']);
});

test('another method is not served', async () => {
  const opened = await open({ ':path': '/other' });
  expect(await opened.ending()).toMatchObject({ 'grpc-status': '12', 'grpc-message': '/other is not served' });
  expect(opened.connection()).toBeUndefined();
});

test('a text of the end may have any characters', async () => {
  const opened = await open();
  (await accepted(opened)).end('invalid', 'zażółć 100 %\n\ud800');
  const { 'grpc-message': text } = await opened.ending();
  expect(text).toMatch(/^[ -~]+$/);
  expect(decodeURIComponent(String(text))).toBe('zażółć 100 %\n\ufffd');
});

test('who does not read is disconnected once its stream has ended', async () => {
  const opened = await open({ 'grpc-accept-encoding': 'deflate' });
  opened.stream.pause();
  const connection = await accepted(opened);
  const piece = Buffer.alloc(1_000_000);
  for (let count = 0; count < 50; count += 1) connection.send({ plain: () => [], deflated: () => [piece] });
  let isOver = false;
  connection.onEnd(() => (isOver = true));
  connection.end('unavailable', 'too slow');
  expect(isOver).toBe(true);
  await until('the end of the connection', () => opened.session.destroyed || opened.session.closed || undefined);
});

test('a stream that its proxy resets is over', async () => {
  const opened = await open();
  const connection = await accepted(opened);
  let times = 0;
  connection.onEnd(() => (times += 1));
  opened.stream.close(constants.NGHTTP2_CANCEL);
  await until('the end', () => times > 0 || undefined);
  connection.send(message);
  connection.end('unavailable', 'late');
  expect(times).toBe(1);
});
