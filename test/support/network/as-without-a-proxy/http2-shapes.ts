import { describe, expect, test } from '@jest/globals';
import type { StreamHeard, StreamScript, StreamSeen } from '../agent.ts';
import { pathOf } from '../agent-streams.ts';
import { addedByProxy } from './http1-shapes.ts';
import type { Line } from './line.ts';

/** The same server twice: behind the proxy, and on a port that nothing captures, which is how it is without a proxy. */
export const streamShapePorts = { proxied: 8086, plain: 8186 } as const;

type Fields = Readonly<Record<string, string | readonly string[]>>;

interface StreamShape {
  readonly name: string;
  readonly fields?: Fields;
  readonly body?: string;
  readonly trailers?: Readonly<Record<string, string>>;
  readonly isOpen?: boolean;
  readonly script?: StreamScript;
}

const post: Fields = { ':method': 'POST' };
const grpc: Fields = { ...post, 'content-type': 'application/grpc', te: 'trailers' };
const frame = '\0\0\0\0\u0001\u0007';

const asks = (name: string, fields: Fields, more: Partial<StreamShape> = {}): StreamShape => ({
  name,
  fields,
  ...more,
});
const replies = (name: string, script: StreamScript, more: Partial<StreamShape> = {}): StreamShape => ({
  name,
  script: { body: 'fin.', ...script },
  ...more,
});
const numbered = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, '1']));

const requests: readonly StreamShape[] = [
  ...['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', 'PROPFIND', 'FROB', 'get', 'TRACE'].map((method) =>
    asks(`the method ${method}`, { ':method': method }),
  ),
  ...['GET', 'POST', 'DELETE', 'HEAD', 'FROB'].map((method) =>
    asks(`a ${method} with a body`, { ':method': method }, { body: 'hello' }),
  ),
  asks('a body without content', post, { body: '' }),
  asks('a length', { ...post, 'content-length': '5' }, { body: 'hello' }),
  ...['https', 'http', 'HTTP', 'foo', 'grpc'].map((scheme) => asks(`the scheme ${scheme}`, { ':scheme': scheme })),
  ...['shop:8080', 'SHOP', '[::1]:80', 'user@shop', 'shop.', 'a_b'].map((authority) =>
    asks(`the authority ${authority}`, { ':authority': authority }),
  ),
  ...['/', '//a/../b', '/a#b', '/?a=b;c', '/%2F%00', '/|{}^`"<>', '/a b', '*', `/${'x'.repeat(30_000)}`].map((path) =>
    asks(`the path ${path.slice(0, 20)}`, { ':path': path }),
  ),
  asks('a host beside the authority', { host: 'other' }),
  asks('the same host beside the authority', { host: 'shop' }),
  asks('many cookies', { cookie: ['a=1', 'b=2', 'c=3'] }),
  asks('a cookie', { cookie: 'a=1; b=2' }),
  asks('a repeated field', { 'x-a': ['1', '2', '3'] }),
  asks('a repeated field that Envoy knows', { accept: ['a', 'b'] }),
  asks('an empty value', { 'x-e': '' }),
  asks('Latin-1', { 'x-e': 'caf\u00e9' }),
  asks('te: trailers', { te: 'trailers' }),
  asks('expect', { ...post, expect: '100-continue' }, { body: 'hello' }),
  asks('priority', { priority: 'u=1, i' }),
  asks('x-forwarded-proto', { 'x-forwarded-proto': 'https' }),
  asks('an empty x-forwarded-proto', { 'x-forwarded-proto': '' }),
  asks('x-forwarded-for', { 'x-forwarded-for': '10.1.1.1' }),
  asks('a request id', { 'x-request-id': 'order-42' }),
  asks('a timeout for Envoy', { 'x-envoy-upstream-rq-timeout-ms': '1' }),
  asks('many fields', numbered(90)),
  asks('a long value', { 'x-l': 'a'.repeat(50_000) }),
  asks('trailers', post, { body: 'hello', trailers: { 'x-t': '1' } }),
  asks('trailers without a body', post, { trailers: { 'x-t': '1' } }),
  asks('a call of gRPC', { ...grpc, 'grpc-timeout': '10S', 'user-agent': 'grpc-go/1.70' }, { body: frame }),
  asks('a compressed message of gRPC', { ...grpc, 'grpc-encoding': 'gzip', 'x-bin': 'AAE=' }, { body: frame }),
  asks('gRPC that is none', grpc, { body: 'letters' }),
  asks('gRPC-Web', { ...post, 'content-type': 'application/grpc-web+proto' }, { body: frame }),
  asks('CONNECT', { ':method': 'CONNECT' }, { body: 'hello' }),
  asks('a WebSocket', { ':method': 'CONNECT', ':protocol': 'websocket' }, { body: 'hello' }),
  asks('CONNECT with another protocol', { ':method': 'CONNECT', ':protocol': 'connect-ip' }, { body: 'hello' }),
];

const answers: readonly StreamShape[] = [
  ...[200, 204, 205, 206, 299, 301, 304, 399, 400, 401, 404, 429, 499, 500, 502, 503, 504, 599].map((status) =>
    replies(`the status ${status}`, { status, ...([204, 205, 304].includes(status) ? { body: '' } : {}) }),
  ),
  ...[[100], [102], [103], [110], [103, 103], [102, 103], [100, 103]].map((informational) =>
    replies(`${informational.join(' and ')} before the answer`, { informational }),
  ),
  replies('304 with a length', { status: 304, body: '', fields: { 'content-length': '99' } }),
  replies('HEAD with a length', { body: '', fields: { 'content-length': '99' } }, { fields: { ':method': 'HEAD' } }),
  replies('an answer without content', { body: '', fields: { 'content-length': '0' } }),
  replies('trailers of an answer', { trailers: { 'x-t': '1', 'grpc-status': '0', 'x-bin': 'AAE=' } }),
  replies('an answer of gRPC without a message', {
    body: '',
    fields: { 'content-type': 'application/grpc', 'grpc-status': '5', 'grpc-message': 'not%20found' },
  }),
  replies('fields of an answer', {
    fields: {
      vary: ['a', 'b'],
      'x-a': ['1', '2'],
      'set-cookie': ['a', 'b'],
      server: 's',
      via: 'v',
      date: 'd',
      'alt-svc': 'x',
    },
  }),
  replies("Envoy's fields of an answer", {
    fields: { 'x-envoy-overloaded': 'true', 'x-envoy-upstream-canary': 'true' },
  }),
  replies('many fields of an answer', { fields: numbered(90) }),
  replies('a long value of an answer', { fields: { 'x-l': 'a'.repeat(50_000) } }),
  replies('a large answer', { body: 'x'.repeat(20_000) }),
  replies('an answer before the end of the request', { isEarly: true }, { fields: post, isOpen: true }),
  replies(
    '413 before the end of the request',
    { isEarly: true, status: 413 },
    { fields: post, body: 'x', isOpen: true },
  ),
  ...[0, 1, 2, 5, 7, 8, 11, 13].flatMap((reset) => [
    replies(`a reset with ${reset}`, { reset }),
    replies(`a reset of gRPC with ${reset}`, { reset }, { fields: grpc, body: frame }),
  ]),
];

/** Streams of HTTP/2, of which both sides are read by Node. */
const streamShapes = [...requests, ...answers];

const unanswered = Object.fromEntries(
  [0, 1, 2, 5, 7, 8, 11, 13].flatMap((code) => [
    // PROTOCOL_ERROR is a fault of the server.
    [`a reset with ${code}`, [`answer: ${code === 1 ? 502 : 503}`]],
    [`a reset of gRPC with ${code}`, ['answer: 200 with grpc-status 14']],
  ]),
);

/** Differences that `docs/data-plane.md` names, by the row of its table. */
export const documentedStreams: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  Fields: {
    'many cookies': ['request cookie'],
    'a repeated field that Envoy knows': ['request accept'],
    'fields of an answer': ['answer vary'],
    'a host beside the authority': ['request host'],
    'the same host beside the authority': ['request host'],
    'a timeout for Envoy': ['request x-envoy-upstream-rq-timeout-ms'],
  },
  Schemes: {
    'the scheme HTTP': ['request :scheme'],
    'the scheme foo': ['request :scheme'],
    'the scheme grpc': ['request :scheme'],
  },
  'Requests that are refused': {
    'the path /a#b': ['answer: 400'],
    'an empty x-forwarded-proto': ['answer: 404'],
    'CONNECT with another protocol': ['answer: 403'],
  },
  'Informational answers, HTTP/2': {
    '110 before the answer': ['informational: '],
    '103 and 103 before the answer': ['informational: 103'],
    '102 and 103 before the answer': ['informational: 102'],
    '100 and 103 before the answer': ['informational: 100'],
  },
  'A server that resets a stream': unanswered,
};

const documented = new Map(Object.values(documentedStreams).flatMap((row) => Object.entries(row)));

const added = new Set([...addedByProxy.request, ...addedByProxy.answer]);

function fieldsOf(shape: StreamShape): Fields {
  const fields = {
    ':method': 'GET',
    ':scheme': 'http',
    ':authority': 'shop',
    ':path': pathOf(shape.script ?? {}),
    ...shape.fields,
  };
  if (fields[':method'] !== 'CONNECT' || shape.fields?.[':protocol'] !== undefined) return fields;
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== ':scheme' && name !== ':path'));
}

/** What a side has got, by the words for it. */
function told(side: string, fields: readonly (readonly [string, unknown])[]): ReadonlyMap<string, string> {
  const all = new Map<string, string>();
  for (const [name, value] of fields) {
    if (!added.has(name)) all.set(`${side} ${name}`, `${all.get(`${side} ${name}`) ?? ''}${JSON.stringify(value)}`);
  }
  return all;
}

function heardOf({ body }: StreamSeen): StreamHeard | undefined {
  return body.startsWith('{"fields"') ? (JSON.parse(body) as StreamHeard) : undefined;
}

function wordsOf(seen: StreamSeen): ReadonlyMap<string, string> {
  const heard = heardOf(seen);
  const pairs = (of: readonly string[]): [string, string][] =>
    of.map((field) => [/^:?[^:]*/.exec(field)?.[0] ?? '', field]);
  return new Map([
    ...told('request', pairs(heard?.fields ?? [])),
    ...told('request trailer', pairs(heard?.trailers ?? [])),
    ['request body', heard?.body ?? ''],
    ...told('answer', Object.entries(seen.fields)),
    ...told('answer trailer', Object.entries(seen.trailers)),
    ['answer body', heard === undefined ? seen.body : 'heard'],
    ['informational', seen.informational.join(', ')],
    ['ending', String(seen.ending)],
  ]);
}

function differences(plain: StreamSeen, proxied: StreamSeen): string[] {
  const { ':status': status, 'grpc-status': grpcStatus } = proxied.fields;
  // With another status it is another answer, of which nothing is the same.
  if (status !== plain.fields[':status']) {
    const more = typeof grpcStatus === 'string' ? ` with grpc-status ${grpcStatus}` : '';
    return [`answer: ${String(status)}${more}`];
  }
  const [before, after] = [wordsOf(plain), wordsOf(proxied)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => (['informational', 'ending'].includes(name) ? `${name}: ${after.get(name)}` : name));
}

/** Plays every stream with the proxies and without, and compares what both sides have got. */
export function testStreamShapes(line: () => Line): void {
  describe('shapes', () => {
    test.each(streamShapes.map((shape) => [shape.name, shape] as const))('%s', async (name, shape) => {
      const { client, host, plainHost } = line();
      const { body, trailers, isOpen } = shape;
      const ask = (to: string, port: number): Promise<StreamSeen> =>
        client.askStream({
          host: to,
          port,
          fields: fieldsOf(shape),
          ...(body === undefined ? {} : { body }),
          ...(trailers === undefined ? {} : { trailers }),
          ...(isOpen === undefined ? {} : { isOpen }),
        });
      const plain = await ask(plainHost, streamShapePorts.plain);
      const proxied = await ask(host, streamShapePorts.proxied);
      expect(differences(plain, proxied)).toEqual(documented.get(name) ?? []);
    });
  });
}
