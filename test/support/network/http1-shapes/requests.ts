import { answer, answers, asks, lines, request, says, type Shape } from './shape.ts';

const long = 'x'.repeat(100_000);

const methods = [
  'GET',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'REPORT',
  'SEARCH',
  'M-SEARCH',
  'MKCALENDAR',
  'PURGE',
  'NOTIFY',
  'QUERY',
  'LOCK',
  'frobnicate',
  'get',
  'X!#$%&*+.^_|~',
].map((method) => asks(`the method ${method}`, request(`${method} /x HTTP/1.1`), { methods: [method] }));

const queries: readonly Shape[] = [
  asks('a QUERY with a type', request('QUERY / HTTP/1.1', 'Content-Type: text/plain'), { methods: ['QUERY'] }),
];

const targets = [
  '//a//b',
  '/./a/../b',
  '/a/..',
  '/%2F%2e%2E',
  '/%00',
  '/%zz',
  '/a%20b',
  '/?',
  '/?a=b&c=%3D',
  '/;a=b',
  '/a?b?c',
  '/|{}^`"<>',
  '/a\\b',
  '/caf\u00c3\u00a9',
  '/*',
  '/http://other/',
  '/:80',
  '//',
  '/a b',
  '/a#b',
  '*',
  'x',
  '',
  'http://shop/x?y=1',
  'http://other:81/x',
  'https://shop/x',
  'HTTP://SHOP/',
  'http://shop',
  'ftp://shop/x',
].map((target) => asks(`the target ${target}`, request(`GET ${target} HTTP/1.1`)));

const hosts = [
  'shop:8080',
  'SHOP',
  '',
  '[::1]',
  '[::1]:80',
  '10.0.0.1',
  'a_b',
  'shop.',
  'shop:',
  'user@shop',
  'a,b',
  'a b',
].map((host) => asks(`the host ${host}`, lines('GET / HTTP/1.1', `Host: ${host}`, 'X-End: 1', '')));

const versions: readonly Shape[] = [
  asks('HTTP/1.0', request('GET / HTTP/1.0')),
  asks('HTTP/1.0 that keeps its connection', request('GET / HTTP/1.0', 'Connection: keep-alive')),
  asks('HTTP/1.0 without a host', lines('GET / HTTP/1.0', 'X-End: 1', '')),
  asks('HTTP/1.1 without a host', lines('GET / HTTP/1.1', 'X-End: 1', '')),
  asks('two hosts', request('GET / HTTP/1.1', 'Host: other')),
  asks('the same host twice', request('GET / HTTP/1.1', 'Host: shop')),
  asks('HTTP/1.2', request('GET / HTTP/1.2')),
];

const names = [
  'X_Under_Score',
  'x-lower',
  'X-UPPER',
  'x.dot',
  '1',
  '-',
  "X!#$%&'*+-.^`|~",
  'X'.repeat(1_000),
  'X Y',
  'X ',
  '',
  'X\u00e9',
  'X/Y',
  'X(Y)',
  'X"Y"',
].map((name) =>
  asks(
    `the name ${name.length > 50 ? 'of 1,000 letters' : JSON.stringify(name)}`,
    request('GET / HTTP/1.1', `${name}: 1`),
  ),
);

const values = [
  '',
  ' a ',
  'a  b',
  '\ta\t',
  'a\tb',
  '\u00e9',
  '\u00c3\u00a9',
  '"a\\"b"',
  'a,,b',
  ',',
  ':',
  '\u0001',
  'a\u0000b',
  '\u007f',
].map((value) => asks(`the value ${JSON.stringify(value)}`, request('GET / HTTP/1.1', `X-Value: ${value}`)));

const fields = [
  'Accept: a|Accept: b',
  'X-A: 1|X-A: 2',
  'x-a: 1|X-A: 2',
  'Cookie: a=1|Cookie: b=2',
  'Cookie: a=1; b=2',
  'X-A: 1|X-B: 2|X-A: 3',
  'X-Forwarded-For: 10.1.1.1',
  'X-Forwarded-For: a|X-Forwarded-For: b',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Proto: wss, http',
  'X-Forwarded-Proto: nothing known',
  'X-Forwarded-Proto:',
  'x-FORWARDED-proto: HTTP',
  'X-Forwarded-Host: other',
  'X-Forwarded-Port: 1',
  'X-Forwarded-Client-Cert: By=x',
  'Forwarded: for=10.1.1.1;proto=https',
  'X-Request-Id: order-42',
  'X-Client-Trace-Id: 1',
  'X-B3-Sampled: 1',
  'X-Envoy-Upstream-Rq-Timeout-Ms: 1',
  'X-Envoy-Max-Retries: 3',
  'X-Envoy-Original-Dst-Host: 10.1.1.1:80',
  'X-Envoy-Internal: true',
  'X-Envoy-External-Address: 10.1.1.1',
  'X-Envoy-Decorator-Operation: x',
  'X-Envoy-Force-Trace: 1',
  'Via: 1.1 other',
  'Keep-Alive: timeout=5',
  'Proxy-Connection: keep-alive',
  'Connection: X-Own|X-Own: 1',
  'Connection: close',
  'TE: trailers',
  'Max-Forwards: 1',
  'Range: bytes=0-1',
  'If-None-Match: "a"',
  'Authorization: Basic eDp5',
  'Server: x',
  'Date: Mon, 30 Nov 2026 00:00:00 GMT',
  'Content-Type: application/grpc',
  'grpc-timeout: 1m',
  'Expect: something',
].map((text) => asks(`the fields ${text}`, request('GET / HTTP/1.1', ...text.split('|'))));

const sizes: readonly Shape[] = [
  asks('a long target', request(`GET /${long.slice(0, 15_000)} HTTP/1.1`)),
  asks('a long value', request('GET / HTTP/1.1', `X-Long: ${long}`)),
  asks('many fields', request('GET / HTTP/1.1', ...Array.from({ length: 500 }, (_, index) => `X-${index}: 1`))),
];

const lineEnds: readonly Shape[] = [
  asks('line feeds alone', request('GET / HTTP/1.1').replaceAll('\r', '')),
  asks('an empty line first', `\r\n${request('GET / HTTP/1.1')}`),
  asks('two empty lines first', `\r\n\r\n${request('GET / HTTP/1.1')}`),
  asks('a folded field', request('GET / HTTP/1.1', 'X-Folded: a', ' b')),
  asks('two spaces in the request line', request('GET  / HTTP/1.1')),
  asks('a head in two pieces', '', { client: says('GET / HTTP/1.1\r\nHo', `st: shop\r\nX-End: 1\r\n\r\n`) }),
];

const second = request('GET /second HTTP/1.1').replace('X-End: 1', 'X-End: 2');
const both = {
  steps: [
    { until: 'X-End: 1', send: answer().replace('fin.', 'one.') },
    { until: 'X-End: 2', send: answer() },
  ],
  end: 'keep',
} as const;

const pipelines: readonly Shape[] = [
  asks('two requests at once', request('GET /first HTTP/1.1') + second, {
    server: both,
    answers: 2,
    methods: ['GET', 'GET'],
  }),
  asks('a body and a request at once', `${request('POST /first HTTP/1.1', 'Content-Length: 7')}payload${second}`, {
    server: both,
    answers: 2,
    methods: ['POST', 'GET'],
  }),
  asks('a HEAD and a request at once', request('HEAD /first HTTP/1.1') + second, {
    server: {
      ...both,
      steps: [{ until: 'X-End: 1', send: lines('HTTP/1.1 200 OK', 'Content-Length: 9', '') }, both.steps[1]],
    },
    answers: 2,
    methods: ['HEAD', 'GET'],
  }),
  asks('a request after an answer', '', {
    client: says(request('GET /first HTTP/1.1'), { until: 'one.', send: second }),
    server: both,
    answers: 2,
    methods: ['GET', 'GET'],
  }),
];

const head: readonly Shape[] = [
  asks('HEAD with a length', request('HEAD / HTTP/1.1'), {
    server: answers(lines('HTTP/1.1 200 OK', 'Content-Length: 99', 'X-Fin: fin.', '')),
    until: '\r\n\r\n',
    methods: ['HEAD'],
  }),
  asks('HEAD with chunks', request('HEAD / HTTP/1.1'), {
    server: answers(lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '')),
    until: '\r\n\r\n',
    methods: ['HEAD'],
  }),
];

/** Request lines and fields. */
export const requestShapes: readonly Shape[] = [
  ...methods,
  ...queries,
  ...targets,
  ...hosts,
  ...versions,
  ...names,
  ...values,
  ...fields,
  ...sizes,
  ...lineEnds,
  ...pipelines,
  ...head,
];
