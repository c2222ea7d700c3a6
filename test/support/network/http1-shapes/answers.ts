import { answer, answers, get, lines, replies, repliesLast, request, says, type Shape } from './shape.ts';

const chunked = 'Transfer-Encoding: chunked';
const head = (...fields: readonly string[]): string => lines('HTTP/1.1 200 OK', ...fields, '');
const body = lines('4', 'fin.', '0', '');

const statuses = (
  '200 201 202 203 206 207 226 300 301 302 303 307 308 399 400 401 402 403 404 405 406 407 ' +
  '408 409 410 411 412 413 414 415 416 417 418 421 422 425 426 428 429 431 451 499 500 501 ' +
  '502 503 504 505 506 507 508 510 511 599 600 799 999'
)
  .split(' ')
  .map((status) => replies(`the status ${status}`, answer().replace('200 OK', `${status} Words`)));

const bodiless: readonly Shape[] = [
  ...['204 No Content', '205 Reset Content', '304 Not Modified'].map((status) =>
    replies(
      `the status ${status}`,
      lines(`HTTP/1.1 ${status}`, ...(status.startsWith('205') ? ['Content-Length: 0'] : []), ''),
      { until: '\r\n\r\n' },
    ),
  ),
  replies('304 with a length', lines('HTTP/1.1 304 Not Modified', 'Content-Length: 99', ''), { until: '\r\n\r\n' }),
  replies('204 with a length of 0', lines('HTTP/1.1 204 No Content', 'Content-Length: 0', ''), { until: '\r\n\r\n' }),
  replies('204 with chunks', `${lines('HTTP/1.1 204 No Content', chunked, '')}${lines('0', '')}`, {
    until: '\r\n\r\n',
  }),
  ...['204 No Content', '304 Not Modified'].map((status) =>
    replies(`${status} with a body`, `${lines(`HTTP/1.1 ${status}`, 'Content-Length: 4', '')}fin.`, {
      until: '\r\n\r\n',
    }),
  ),
  replies('304 with chunks', lines('HTTP/1.1 304 Not Modified', chunked, ''), { until: '\r\n\r\n' }),
  replies('205 with a body', `${lines('HTTP/1.1 205 Reset Content', 'Content-Length: 4', '')}fin.`),
  repliesLast('200 without a length or body', lines('HTTP/1.1 200 OK', ''), 'close', { until: 'never' }),
  ...['Content-Length: 4', chunked].map((field) =>
    replies(
      `HEAD with ${field} and a body`,
      `${lines('HTTP/1.1 200 OK', field, '')}${field === chunked ? body : 'fin.'}`,
      {
        client: says(request('HEAD / HTTP/1.1')),
        until: '\r\n\r\n',
        methods: ['HEAD'],
      },
    ),
  ),
  ...['204 No Content', '304 Not Modified', '404 Not Found', '302 Found'].map((status) =>
    replies(
      `HEAD that is ${status}`,
      lines(`HTTP/1.1 ${status}`, ...(status.startsWith('204') ? [] : ['Content-Length: 9']), ''),
      {
        client: says(request('HEAD / HTTP/1.1')),
        until: '\r\n\r\n',
        methods: ['HEAD'],
      },
    ),
  ),
  replies('a length of 0', head('Content-Length: 0'), { until: '\r\n\r\n' }),
  replies('no chunk', `${head(chunked)}${lines('0', '')}`, { until: '\r\n0\r\n\r\n' }),
];

const startLines: readonly Shape[] = [
  replies('no reason', answer().replace('200 OK', '200')),
  replies('an empty reason', answer().replace('200 OK', '200 ')),
  replies('a reason of its own', answer().replace('OK', 'Very Fine: \u00e9')),
  repliesLast('an answer of HTTP/1.0', answer().replace('HTTP/1.1', 'HTTP/1.0')),
  replies(
    'an answer of HTTP/1.0 that keeps its connection',
    answer('Connection: keep-alive').replace('HTTP/1.1', 'HTTP/1.0'),
  ),
  replies('an answer of HTTP/1.2', answer().replace('HTTP/1.1', 'HTTP/1.2')),
  repliesLast('a status of two digits', answer().replace('200', '20')),
  repliesLast('no HTTP', 'hello fin.\r\n'),
  ...['HTTP/1.10', 'HTTP/01.1', 'http/1.1', 'HTTP/2', 'HTTP/2.0', 'HTTP/0.9', 'ICY', 'RTSP/1.0'].map((version) =>
    repliesLast(`an answer of ${version}`, answer().replace('HTTP/1.1', version)),
  ),
  repliesLast('two spaces in a status line', answer().replace(' 200', '  200')),
  repliesLast('a tab in a status line', answer().replace(' 200', '\t200')),
  repliesLast('a status of four digits', answer().replace('200', '2000')),
  repliesLast('the status 000', answer().replace('200', '000')),
  repliesLast('the status 099', answer().replace('200', '099')),
  replies('a long reason', answer().replace('OK', 'x'.repeat(5_000))),
  replies('a reason with a tab', answer().replace('OK', 'a\tb')),
  repliesLast('a reason with a control character', answer().replace('OK', 'a\u0001b')),
  repliesLast('an answer of HTTP/1.0 without a length', lines('HTTP/1.0 200 OK', '') + 'fin.'),
  repliesLast('an answer of HTTP/1.0 with chunks', `${lines('HTTP/1.0 200 OK', chunked, '')}${body}`),
  repliesLast('an answer with line feeds alone', answer().replaceAll('\r', '')),
  repliesLast('an empty line before the answer', `\r\n${answer()}`),
];

const framings: readonly Shape[] = [
  repliesLast('a body that ends with the connection', `${head()}fin.`),
  repliesLast('a body that ends with the connection, as announced', `${head('Connection: close')}fin.`),
  replies('chunks', `${head(chunked)}${body}`),
  replies('many chunks', `${head(chunked)}${lines('1', 'a', '2', 'bc', '4', 'fin.', '0', '')}`),
  replies('capital digits of chunks', `${head(chunked)}${lines('A', 'abcdeffin.', '0', '')}`),
  replies('extensions of chunks', `${head(chunked)}${lines('4;a=b', 'fin.', '0', '')}`),
  replies(
    'an extension of 10,000 letters in an answer',
    `${head(chunked)}${lines(`4;a=${'b'.repeat(10_000)}`, 'fin.', '0', '')}`,
  ),
  replies('spaces after the size of a chunk of an answer', `${head(chunked)}${lines('4  ', 'fin.', '0', '')}`),
  replies('chunks of an answer with line feeds alone', `${head(chunked)}4\nfin.\n0\n\n`),
  replies(
    'many leading zeros of chunks of an answer',
    `${head(chunked)}${lines(`${'0'.repeat(40)}4`, 'fin.', '0', '')}`,
  ),
  replies('2,000 chunks of an answer', `${head(chunked)}${lines('1', 'a').repeat(2_000)}${body}`),
  replies(
    'many trailers of an answer',
    `${head(chunked)}${lines('4', 'fin.', '0', ...Array.from({ length: 100 }, (_, index) => `X-T${index}: t`), '')}`,
    { until: '99: t\r\n\r\n' },
  ),
  replies(
    'trailers that were announced',
    `${head(chunked, 'Trailer: X-Trailer')}${lines('4', 'fin.', '0', 'X-Trailer: t', '')}`,
    { until: 'railer: t\r\n\r\n' },
  ),
  ...['+4', ' 4 ', '4,4', '0x4', '4;', '', '4 4', '000000000000000000000000004', '18446744073709551620'].map((length) =>
    repliesLast(`the length ${JSON.stringify(length)} of an answer`, `${head(`Content-Length: ${length}`)}fin.`),
  ),
  ...['', 'chunked,', ',chunked', 'CHUNKED', 'chunked;q=1', 'xchunked', 'br'].map((coding) =>
    repliesLast(`the coding ${JSON.stringify(coding)} of an answer`, `${head(`Transfer-Encoding: ${coding}`)}${body}`),
  ),
  replies('trailers', `${head(chunked)}${lines('4', 'fin.', '0', 'X-Trailer: t', '')}`, { until: 'railer: t\r\n\r\n' }),
  replies('the coding Chunked', `${head('Transfer-Encoding: Chunked')}${body}`),
  replies('the coding gzip, chunked', `${head('Transfer-Encoding: gzip, chunked')}${body}`),
  repliesLast('the coding identity', `${head('Transfer-Encoding: identity')}fin.`),
  repliesLast('the coding identity, with a length', `${head('Transfer-Encoding: identity', 'Content-Length: 4')}fin.`),
  replies('chunked twice', `${head(chunked, chunked)}${body}`),
  replies('the coding chunked, chunked', `${head('Transfer-Encoding: chunked, chunked')}${body}`),
  replies('chunks and a length', `${head(chunked, 'Content-Length: 4')}${body}`),
  replies('the same length twice', `${head('Content-Length: 4', 'Content-Length: 4')}fin.`),
  replies('the length 4, 4', `${head('Content-Length: 4, 4')}fin.`),
  replies('the length 04', `${head('Content-Length: 04')}fin.`),
  repliesLast('the length -4', `${head('Content-Length: -4')}fin.`),
  repliesLast('two lengths', `${head('Content-Length: 4', 'Content-Length: 5')}fin.`),
  replies('an answer in pieces', '', {
    server: {
      steps: [
        { until: 'X-End: 1', send: 'HTTP/1.1 200 OK\r\nCon' },
        { send: 'tent-Length: 4\r\n\r\nf' },
        { send: 'in.' },
      ],
      end: 'keep',
    },
  }),
  replies('a large answer', `${head('Content-Length: 300004')}${'x'.repeat(300_000)}fin.`),
];

const broken: readonly Shape[] = [
  ...(['close', 'reset'] as const).flatMap((end) => [
    repliesLast(`a length that is not kept, ${end}`, `${head('Content-Length: 100')}part`, end, { until: 'never' }),
    repliesLast(`chunks that do not end, ${end}`, `${head(chunked)}${lines('4', 'part')}`, end, { until: 'never' }),
    repliesLast(`no answer, ${end}`, '', end, { until: 'never' }),
    repliesLast(`half a head, ${end}`, 'HTTP/1.1 200 OK\r\nContent-Le', end, { until: 'never' }),
  ]),
  repliesLast('a body without a length that is broken off', `${head()}part`, 'reset', { until: 'never' }),
  repliesLast('chunks of no size', `${head(chunked)}${lines('g', 'part')}`, 'close', { until: 'never' }),
];

const fields = [
  'X-CamelCase: 1',
  'X_Under: 1',
  'X-Empty:',
  'X-Latin: \u00e9',
  'X-Spaces:   a  b  ',
  'Set-Cookie: a=1|Set-Cookie: b=2',
  'X-A: 1|X-A: 2',
  'Vary: a|Vary: b',
  'WWW-Authenticate: a|WWW-Authenticate: b',
  'Server: x/1',
  'Date: Mon, 30 Nov 2026 00:00:00 GMT',
  'Via: 1.1 other',
  'Location: /a b',
  'Connection: close',
  'Connection: Close',
  'Connection: keep-alive|Keep-Alive: timeout=5',
  'Connection: X-Own|X-Own: 1',
  'Upgrade: h2,h2c|Connection: Upgrade',
  'Alt-Svc: h2=":1"',
  'Proxy-Authenticate: Basic',
  'Proxy-Connection: close',
  'X-Envoy-Upstream-Service-Time: 70000',
  'X-Envoy-Overloaded: true',
  'X-Envoy-Immediate-Health-Check-Fail: 1',
  'X-Request-Id: r',
  'Trailer: X-T',
  'Content-Type: application/grpc|grpc-status: 14',
  'Strict-Transport-Security: max-age=1',
  'X-Envoy-Ratelimited: true',
  'X-Envoy-Degraded: true',
  'X-Envoy-Upstream-Canary: true',
  'X-Envoy-Attempt-Count: 1',
  'X-Envoy-Decorator-Operation: x',
  'X-Envoy-Local-Overloaded: true',
  'X-Envoy-Upstream-Healthchecked-Cluster: x',
  'X-Envoy-Original-Path: /x',
  'X-Envoy-Peer-Metadata: x',
  'X-Envoy-Own: x',
  'X-Forwarded-Proto: https',
  'X-Powered-By: x',
  'Proxy-Status: x; error=y',
  'Proxy-Status: sidecar;error=destination_unavailable',
  'Connection: X-Close',
  'Connection: x-disclosed|X-Disclosed: 1',
  'Connection: keep-alive, close',
  'Connection: upgrade',
  'Connection:',
  'Connection: Content-Type|Content-Type: a/b',
  'Keep-Alive: timeout=5, max=1000',
  'Keep-Alive: timeout=5, max=1',
  'Upgrade: websocket',
  'Upgrade: TLS/1.2|Connection: Upgrade',
  'Content-Type: a|Content-Type: b',
  'Content-Encoding: gzip|Content-Encoding: br',
  'Location: /a|Location: /b',
  'ETag: "a"|ETag: W/"b"',
  'Cache-Control: a|Cache-Control: b',
  'Server: a|Server: b',
  'Date: Mon, 30 Nov 2026 00:00:00 GMT|Date: Mon, 30 Nov 2026 00:00:01 GMT',
  'Date: yesterday',
  'Date:',
  'Server:',
  'Link: <a>|Link: <b>',
  'Allow: GET|Allow: PUT',
  'Set-Cookie: a=1; Expires=Mon, 30 Nov 2026 00:00:00 GMT|set-cookie: b=2',
  'x-a: 1|X-A: 2',
  'Access-Control-Allow-Origin: a|Access-Control-Allow-Origin: b',
  'Grpc-Status: 0',
  'Grpc-Message: x',
  'Content-Type: application/grpc',
  'WWW-Authenticate: NTLM|WWW-Authenticate: Negotiate|WWW-Authenticate: Basic realm="a, b"',
  'Retry-After: 1',
  'X-Request-Id:',
  'Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'Content-Range: bytes 0-3/9',
  'X-Accel-Redirect: /x',
  'Refresh: 0; url=/x',
  'TE: trailers',
  'Expect: 100-continue',
  'Host: other',
  ':status: 404',
].map((text) => replies(`the fields ${text} of an answer`, answer(...text.split('|'))));

const oddFields: readonly Shape[] = [
  replies('a long value of an answer', answer(`X-Long: ${'x'.repeat(100_000)}`)),
  replies('many fields of an answer', answer(...Array.from({ length: 500 }, (_, index) => `X-${index}: 1`))),
  ...[20_000, 60_000, 250_000].map((count) =>
    replies(`a value of ${count} letters of an answer`, answer(`X-Long: ${'x'.repeat(count)}`)),
  ),
  replies('1,900 fields of an answer', answer(...Array.from({ length: 1_900 }, (_, index) => `X-${index}: 1`))),
  replies(
    '1,900 cookies of an answer',
    answer(...Array.from({ length: 1_900 }, (_, index) => `Set-Cookie: a${index}=1`)),
  ),
  replies('a field of an answer folded with a tab', answer('X-Folded: a', '\tb')),
  replies('a carriage return in an answer', answer('X-A: a\rb')),
  replies('an empty name in an answer', answer(': 1')),
  replies('Latin-1 in a name of an answer', answer('X\u00e9: 1')),
  replies('a DEL in an answer', answer('X-A: a\u007fb')),
  replies('a NUL in an answer', answer('X-A: a\u0000b')),
  replies(
    'UTF-8 in an answer',
    answer('X-A: \u00c3\u00a9', 'Content-Disposition: attachment; filename="\u00c3\u00a9.txt"'),
  ),
  replies('a folded field of an answer', answer('X-Folded: a', ' b')),
  replies('a control character in an answer', answer('X-A: a\u0001b')),
  replies('a name with a space in an answer', answer('X Y: 1')),
  replies('a space before the colon in an answer', answer('X : 1')),
  replies('a line without a colon in an answer', answer('nonsense')),
];

const informational: readonly Shape[] = [
  ...[100, 102, 103, 110, 199].map((status) =>
    replies(`${status} before the answer`, lines(`HTTP/1.1 ${status} Words`, 'Link: </a>', '') + answer()),
  ),
  replies(
    '103 twice',
    lines('HTTP/1.1 103 Early Hints', 'Link: </a>', '', 'HTTP/1.1 103 Early Hints', 'Link: </b>', '') + answer(),
  ),
  ...['100 Continue', '103 Early Hints'].map((status) =>
    replies(`${status} with a length`, lines(`HTTP/1.1 ${status}`, 'Content-Length: 0', '') + answer()),
  ),
  replies('100 and 103', lines('HTTP/1.1 100 Continue', '', 'HTTP/1.1 103 Early Hints', 'Link: </b>', '') + answer()),
  replies('100 twice', lines('HTTP/1.1 100 Continue', '', 'HTTP/1.1 100 Continue', '') + answer()),
  replies('three 102', lines('HTTP/1.1 102 Processing', '').repeat(3) + answer()),
  repliesLast('100 and no answer', lines('HTTP/1.1 100 Continue', ''), 'close', { until: 'never' }),
  repliesLast('103 and no answer', lines('HTTP/1.1 103 Early Hints', 'Link: </a>', ''), 'close', { until: 'never' }),
  repliesLast(
    '101 that nobody asked for',
    lines('HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: x', '') + 'fin.',
  ),
  replies('103 to HTTP/1.0', lines('HTTP/1.1 103 Early Hints', 'Link: </a>', '') + answer(), {
    client: says(request('GET / HTTP/1.0')),
  }),
  replies('102 and 103', lines('HTTP/1.1 102 Processing', '', 'HTTP/1.1 103 Early Hints', 'Link: </b>', '') + answer()),
];

const webSocket = request(
  'GET /chat HTTP/1.1',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
);
/** A server that has no WebSocket there answers as to any other request. */
const noWebSocket = ['200 OK', '302 Found', '401 Unauthorized', '404 Not Found'].map((status) =>
  replies(`${status} to a WebSocket`, answer().replace('200 OK', status), { client: says(webSocket) }),
);

const unasked: readonly Shape[] = [
  {
    name: 'an answer without a request',
    client: says({ until: 'fin.' }, get),
    server: { steps: [{ send: answer() }], end: 'keep' },
    until: 'fin.',
  },
  { ...replies('two answers to one request', answer() + answer().replace('fin.', 'two.')), until: 'fin.' },
  { ...replies('more than the length', `${answer()}more`), server: answers(`${answer()}more`) },
];

/** Answers to a GET. */
export const answerShapes: readonly Shape[] = [
  ...statuses,
  ...bodiless,
  ...startLines,
  ...framings,
  ...broken,
  ...fields,
  ...oddFields,
  ...informational,
  ...noWebSocket,
  ...unasked,
];
