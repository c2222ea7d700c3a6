import { answer, answers, asks, lines, request, says, type Shape } from './shape.ts';

const post = (...fields: readonly string[]): string => request('POST / HTTP/1.1', ...fields);
const chunked = 'Transfer-Encoding: chunked';
const hears = (until: string, send = answer()): Pick<Shape, 'server' | 'methods'> => ({
  server: answers(send, until),
  methods: ['POST'],
});
const noBody: Pick<Shape, 'methods'> = { methods: ['POST'] };

const lengths: readonly Shape[] = [
  asks('a POST without a length', post(), noBody),
  asks('a length of 0', post('Content-Length: 0'), noBody),
  ...['7', '07', '+7', ' 7 ', '7, 7', '7;', '0x7'].map((length) =>
    asks(`the length ${length}`, `${post(`Content-Length: ${length}`)}payload`, hears('payload')),
  ),
  asks('the length -7', `${post('Content-Length: -7')}payload`, noBody),
  asks('the same length twice', `${post('Content-Length: 7', 'Content-Length: 7')}payload`, hears('payload')),
  asks('two lengths', `${post('Content-Length: 7', 'Content-Length: 8')}payload`, hears('payload')),
  ...['GET', 'DELETE', 'OPTIONS'].map((method) =>
    asks(`a ${method} with a body`, `${request(`${method} / HTTP/1.1`, 'Content-Length: 7')}payload`, {
      ...hears('payload'),
      methods: [method],
    }),
  ),
  ...['HEAD', 'TRACE', 'PURGE', 'CONNECT', 'PROPFIND', 'frobnicate'].map((method) =>
    asks(
      `a ${method} with a body`,
      `${request(`${method} ${method === 'CONNECT' ? 'shop:80' : '/'} HTTP/1.1`, 'Content-Length: 7')}payload`,
      {
        ...hears('payload', method === 'HEAD' ? lines('HTTP/1.1 200 OK', 'X-Fin: fin.', '') : answer()),
        methods: [method],
      },
    ),
  ),
  ...['GET', 'DELETE', 'HEAD', 'OPTIONS'].map((method) =>
    asks(`a ${method} with chunks`, `${request(`${method} / HTTP/1.1`, chunked)}${lines('7', 'payload', '0', '')}`, {
      ...hears('payload', method === 'HEAD' ? lines('HTTP/1.1 200 OK', 'X-Fin: fin.', '') : answer()),
      methods: [method],
    }),
  ),
  ...[
    '000000000000000000000000007',
    '7,7',
    '7 7',
    '\t7',
    '7.0',
    '7e0',
    'seven',
    '٧',
    '18446744073709551623',
    '9223372036854775808',
  ].map((length) =>
    asks(`the length ${JSON.stringify(length)}`, `${post(`Content-Length: ${length}`)}payload`, noBody),
  ),
  asks('a body byte by byte', '', {
    ...hears('payload'),
    client: says(post('Content-Length: 7'), ...'payload'.split('')),
  }),
  asks('a body in pieces', '', {
    ...hears('payload'),
    client: says(post('Content-Length: 7'), 'pay', 'load'),
  }),
  asks('a large body', `${post('Content-Length: 300007')}${'x'.repeat(300_000)}payload`, hears('payload')),
  asks('HTTP/1.0 with a body', `${request('POST / HTTP/1.0', 'Content-Length: 7')}payload`, hears('payload')),
];

const chunks: readonly Shape[] = [
  asks('one chunk', `${post(chunked)}${lines('7', 'payload', '0', '')}`, hears('payload')),
  asks('many chunks', `${post(chunked)}${lines('1', 'a', '2', 'bc', '7', 'payload', '0', '')}`, hears('payload')),
  asks('no chunk', `${post(chunked)}${lines('0', '')}`, noBody),
  asks('capital digits of chunks', `${post(chunked)}${lines('A', 'abcpayload', '0', '')}`, hears('payload')),
  asks('leading zeros of chunks', `${post(chunked)}${lines('007', 'payload', '000', '')}`, hears('payload')),
  asks('extensions of chunks', `${post(chunked)}${lines('7;a=b;c="d"', 'payload', '0', '')}`, hears('payload')),
  asks('chunks with line feeds alone', `${post(chunked)}7\npayload\n0\n\n`, hears('payload')),
  asks('spaces after the size of a chunk', `${post(chunked)}${lines('7  ', 'payload', '0', '')}`, hears('payload')),
  asks('a space before an extension', `${post(chunked)}${lines('7 ; a=b', 'payload', '0 ;c', '')}`, hears('payload')),
  asks('an extension of the last chunk', `${post(chunked)}${lines('7', 'payload', '0;a=b', '')}`, hears('payload')),
  asks(
    'an extension of 10,000 letters',
    `${post(chunked)}${lines(`7;a=${'b'.repeat(10_000)}`, 'payload', '0', '')}`,
    hears('payload'),
  ),
  asks('an extension with a line feed in quotes', `${post(chunked)}${lines('7;a="\nb"', 'payload', '0', '')}`, noBody),
  asks(
    'many leading zeros of chunks',
    `${post(chunked)}${lines(`${'0'.repeat(40)}7`, 'payload', '0', '')}`,
    hears('payload'),
  ),
  asks('a chunk of too many digits', `${post(chunked)}${lines('10000000000000007', 'payload', '0', '')}`, noBody),
  asks('a size with 0x', `${post(chunked)}${lines('0x7', 'payload', '0', '')}`, noBody),
  asks('a chunk that is longer than its size', `${post(chunked)}${lines('3', 'payload', '0', '')}`, noBody),
  asks(
    '2,000 chunks',
    `${post(chunked)}${lines('1', 'a').repeat(2_000)}${lines('7', 'payload', '0', '')}`,
    hears('payload'),
  ),
  asks('chunks in pieces', '', {
    ...hears('payload'),
    client: says(post(chunked), '7', '\r', '\npay', 'load\r', '\n0\r\n', '\r\n'),
  }),
  asks(
    'a large chunk',
    `${post(chunked)}${lines((300_007).toString(16), `${'x'.repeat(300_000)}payload`, '0', '')}`,
    hears('payload'),
  ),
  asks(
    'many trailers',
    `${post(chunked)}${lines('7', 'payload', '0', ...Array.from({ length: 100 }, (_, index) => `X-T${index}: t`), '')}`,
    hears('99: t\r\n\r\n'),
  ),
  asks(
    'a long trailer',
    `${post(chunked)}${lines('7', 'payload', '0', `X-T: ${'t'.repeat(50_000)}`, '')}`,
    hears('ttt\r\n\r\n'),
  ),
  asks(
    'a trailer that is a length',
    `${post(chunked)}${lines('7', 'payload', '0', 'Content-Length: 9', '')}`,
    hears('payload'),
  ),
  asks('a trailer with a space in its name', `${post(chunked)}${lines('7', 'payload', '0', 'X T: 1', '')}`, noBody),
  asks('trailers', `${post(chunked)}${lines('7', 'payload', '0', 'X-Trailer: t', '')}`, hears('railer: t')),
  asks(
    'announced trailers',
    `${post(chunked, 'Trailer: X-Trailer')}${lines('7', 'payload', '0', 'X-Trailer: t', '')}`,
    hears('railer: t'),
  ),
  ...['Chunked', 'gzip, chunked', 'identity', 'gzip', 'chunked, chunked', 'chunked, identity', ' chunked'].map(
    (coding) =>
      asks(
        `the coding ${coding}`,
        `${post(`Transfer-Encoding: ${coding}`)}${lines('7', 'payload', '0', '')}`,
        hears('payload'),
      ),
  ),
  asks('chunked twice', `${post(chunked, chunked)}${lines('7', 'payload', '0', '')}`, hears('payload')),
  asks(
    'chunks and a length',
    `${post(chunked, 'Content-Length: 17')}${lines('7', 'payload', '0', '')}`,
    hears('payload'),
  ),
  asks('a chunk of no size', `${post(chunked)}${lines('g', 'payload', '0', '')}`, noBody),
  asks(
    'HTTP/1.0 with chunks',
    `${request('POST / HTTP/1.0', chunked)}${lines('7', 'payload', '0', '')}`,
    hears('payload'),
  ),
];

const waits = (text: string, last = answer()): Shape['server'] => ({
  steps: [
    { until: 'X-End: 1', send: text },
    { until: 'payload', send: last },
  ],
  end: 'keep',
});
const expecting = post('Expect: 100-continue', 'Content-Length: 7');

const expectations: readonly Shape[] = [
  asks('a body that the server waits for', '', {
    client: says(expecting, { until: '100 Continue\r\n\r\n', send: 'payload' }),
    server: waits(lines('HTTP/1.1 100 Continue', '')),
    ...noBody,
  }),
  asks('a body that comes without waiting', `${expecting}payload`, { ...hears('payload'), ...noBody }),
  asks('a body that the server refuses', '', {
    client: says(expecting),
    server: answers(answer().replace('200 OK', '417 Expectation Failed')),
    ...noBody,
  }),
  ...['413 Content Too Large', '401 Unauthorized', '200 OK'].map((status) =>
    asks(`${status} before the body is sent`, '', {
      client: says(post('Content-Length: 100000'), 'payload'),
      server: answers(answer('Connection: close').replace('200 OK', status), 'payload'),
      ...noBody,
    }),
  ),
  asks('100-continue of a GET', request('GET / HTTP/1.1', 'Expect: 100-continue'), {
    server: { steps: [{ until: 'X-End: 1', send: lines('HTTP/1.1 100 Continue', '') + answer() }], end: 'keep' },
  }),
  asks('100-Continue in capitals', '', {
    client: says(post('Expect: 100-Continue', 'Content-Length: 7'), { until: '100 Continue\r\n\r\n', send: 'payload' }),
    server: waits(lines('HTTP/1.1 100 Continue', '')),
    ...noBody,
  }),
  asks('100-continue with chunks', '', {
    client: says(post('Expect: 100-continue', chunked), {
      until: '100 Continue\r\n\r\n',
      send: lines('7', 'payload', '0', ''),
    }),
    server: waits(lines('HTTP/1.1 100 Continue', '')),
    ...noBody,
  }),
  asks('100-continue to a server that does not say it', '', {
    client: says(expecting, 'payload'),
    server: answers(answer(), 'payload'),
    ...noBody,
  }),
  asks('100 although nobody expects it, before the body', '', {
    client: says(post('Content-Length: 7'), { until: '100 Continue\r\n\r\n', send: 'payload' }),
    server: waits(lines('HTTP/1.1 100 Continue', '')),
    ...noBody,
  }),
  asks(
    '100-continue of HTTP/1.0',
    `${request('POST / HTTP/1.0', 'Expect: 100-continue', 'Content-Length: 7')}payload`,
    hears('payload'),
  ),
  asks('102 while the body is sent', '', {
    client: says(post('Content-Length: 7'), { until: '102 Processing\r\n\r\n', send: 'payload' }),
    server: waits(lines('HTTP/1.1 102 Processing', '')),
    ...noBody,
  }),
  asks('100 and then 103', '', {
    client: says(expecting, { until: '100 Continue\r\n\r\n', send: 'payload' }),
    server: {
      steps: [
        { until: 'X-End: 1', send: lines('HTTP/1.1 100 Continue', '') },
        { until: 'payload', send: lines('HTTP/1.1 103 Early Hints', 'Link: </a>', '') + answer() },
      ],
      end: 'keep',
    },
    ...noBody,
  }),
  asks('chunks of both sides in turn', '', {
    client: says(
      post(chunked),
      lines('3', 'one'),
      { until: 'eins', send: lines('3', 'two') },
      { until: 'zwei', send: lines('0', '') },
    ),
    server: {
      steps: [
        { until: 'one', send: lines('HTTP/1.1 200 OK', chunked, '') + lines('4', 'eins') },
        { until: 'two', send: lines('4', 'zwei') },
        { until: '0\r\n\r\n', send: lines('4', 'fin.', '0', '') },
      ],
      end: 'keep',
    },
    ...noBody,
  }),
  asks('an answer that begins before the body has ended', '', {
    client: says(post('Content-Length: 7'), { until: 'half', send: 'payload' }),
    server: {
      steps: [
        { until: 'X-End: 1', send: `${lines('HTTP/1.1 200 OK', 'Content-Length: 8', '')}half` },
        { until: 'payload', send: 'fin.' },
      ],
      end: 'keep',
    },
    ...noBody,
  }),
];

const upgrade = (...protocols: readonly string[]): string =>
  request('GET / HTTP/1.1', 'Connection: Upgrade', ...protocols.map((protocol) => `Upgrade: ${protocol}`));
/** An answer after which both sides say what they like. */
const tunnels = (...head: readonly string[]): Shape['server'] => ({
  steps: [
    { until: 'X-End: 1', send: lines(...head, '') },
    { until: 'hello', send: 'fin.' },
  ],
  end: 'keep',
});

const switches = (protocol: string): Shape['server'] =>
  tunnels('HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', `Upgrade: ${protocol}`);

const connectHead = ['CONNECT other:443 HTTP/1.1', 'Host: other:443'] as const;

/** A CONNECT after whose answer the client says hello through the tunnel. */
function connects(
  name: string,
  head: readonly string[] = connectHead,
  answered: readonly string[] = ['HTTP/1.1 200 OK'],
): Shape {
  const client = says(lines(...head, 'X-End: 1', ''), { until: '200', send: 'hello' });
  return { name, client, server: tunnels(...answered), until: 'fin.', methods: ['CONNECT'] };
}

const upgrades: readonly Shape[] = [
  ...['websocket', 'WebSocket', 'tcp', 'SPDY/3.1', 'tailscale-control-protocol', 'irc'].map((protocol) =>
    asks(`an upgrade to ${protocol}`, '', {
      client: says(upgrade(protocol), { until: '101', send: 'hello' }),
      server: switches(protocol),
    }),
  ),
  ...['websocket', 'tcp', 'SPDY/3.1'].flatMap((protocol) => [
    asks(`a POST with no body that upgrades to ${protocol}`, '', {
      client: says(request('POST /exec HTTP/1.1', 'Connection: Upgrade', `Upgrade: ${protocol}`, 'Content-Length: 0'), {
        until: '101',
        send: 'hello',
      }),
      server: switches(protocol),
      methods: ['POST'],
    }),
    asks(`a POST with a body that upgrades to ${protocol}`, '', {
      client: says(
        `${request('POST /exec HTTP/1.1', 'Connection: Upgrade', `Upgrade: ${protocol}`, 'Content-Length: 7')}payload`,
        { until: '101', send: 'hello' },
      ),
      server: {
        steps: [
          {
            until: 'payload',
            send: lines('HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', `Upgrade: ${protocol}`, ''),
          },
          { until: 'hello', send: 'fin.' },
        ],
        end: 'keep',
      },
      methods: ['POST'],
    }),
    asks(
      `a POST with a body that is not upgraded to ${protocol}`,
      `${request('POST /exec HTTP/1.1', 'Connection: Upgrade', `Upgrade: ${protocol}`, 'Content-Length: 7')}payload`,
      {
        server: answers(answer().replace('200 OK', '403 Forbidden'), 'payload'),
        methods: ['POST'],
      },
    ),
    asks(
      `a POST with chunks that is not upgraded to ${protocol}`,
      `${request('POST /exec HTTP/1.1', 'Connection: Upgrade', `Upgrade: ${protocol}`, chunked)}${lines('7', 'payload', '0', '')}`,
      {
        server: answers(answer().replace('200 OK', '403 Forbidden'), 'payload'),
        methods: ['POST'],
      },
    ),
  ]),
  asks('101 with the fields of a Docker daemon', '', {
    client: says(request('POST /attach HTTP/1.1', 'Connection: Upgrade', 'Upgrade: tcp', 'Content-Type: text/plain'), {
      until: '101',
      send: 'hello',
    }),
    server: {
      steps: [
        {
          until: 'X-End: 1',
          send: lines(
            'HTTP/1.1 101 UPGRADED',
            'Content-Type: application/vnd.docker.raw-stream',
            'Connection: Upgrade',
            'Upgrade: tcp',
            '',
          ),
        },
        { until: 'hello', send: 'fin.' },
      ],
      end: 'keep',
    },
    methods: ['POST'],
  }),
  ...[
    'Content-Length: 0',
    chunked,
    'Connection: close',
    'Content-Type: text/plain',
    'Sec-WebSocket-Accept: x|Sec-WebSocket-Extensions: permessage-deflate',
  ].map((more) =>
    asks(`101 with ${more}`, '', {
      client: says(upgrade('websocket'), { until: '101', send: 'hello' }),
      server: {
        steps: [
          {
            until: 'X-End: 1',
            send: lines(
              'HTTP/1.1 101 Switching Protocols',
              'Connection: Upgrade',
              'Upgrade: websocket',
              ...more.split('|'),
              '',
            ),
          },
          { until: 'hello', send: 'fin.' },
        ],
        end: 'keep',
      },
    }),
  ),
  asks('101 without fields', '', {
    client: says(upgrade('websocket'), { until: '101', send: 'hello' }),
    server: {
      steps: [
        { until: 'X-End: 1', send: lines('HTTP/1.1 101 Switching Protocols', '') },
        { until: 'hello', send: 'fin.' },
      ],
      end: 'keep',
    },
  }),
  asks('words that come with 101', '', {
    client: says(upgrade('websocket')),
    server: answers(
      lines('HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket', '') + 'fin.',
    ),
  }),
  asks('words that come with the offer', '', {
    client: says(`${upgrade('websocket')}hello`),
    server: switches('websocket'),
  }),
  asks('a large tunnel', '', {
    client: says(upgrade('websocket'), { until: '101', send: `${'x'.repeat(300_000)}hello` }),
    server: {
      steps: [
        {
          until: 'X-End: 1',
          send: lines('HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket', ''),
        },
        { until: 'hello', send: `${'y'.repeat(300_000)}fin.` },
      ],
      end: 'keep',
    },
  }),
  ...(['close', 'reset'] as const).map((end) =>
    asks(`a tunnel that the server leaves, ${end}`, '', {
      client: says(upgrade('websocket'), { until: '101', send: 'hello' }),
      server: { ...switches('websocket'), end },
      until: 'never',
    }),
  ),
  ...['/x', 'other', 'other:0', '[::1]:443', 'other:99999', 'http://other/'].map((target) =>
    connects(`CONNECT ${target}`, [`CONNECT ${target} HTTP/1.1`, 'Host: other']),
  ),
  connects('CONNECT of HTTP/1.0', ['CONNECT other:443 HTTP/1.0'], ['HTTP/1.0 200 OK']),
  ...['Content-Length: 4', chunked].map((field) =>
    connects(`CONNECT whose answer has ${field}`, undefined, ['HTTP/1.1 200 OK', field]),
  ),
  ...[
    'w',
    't',
    's',
    'webtransport',
    'tcp2',
    'spdy/3',
    'SPDY/2',
    'TCP',
    'h2c, websocket',
    'websocket, h2c',
    'tcp, foo',
    'Websocket/13',
    '',
  ].map((offer) =>
    asks(`an offer of ${JSON.stringify(offer)}`, request('GET / HTTP/1.1', 'Connection: Upgrade', `Upgrade: ${offer}`)),
  ),
  asks('an offer of websocket of HTTP/1.0', request('GET / HTTP/1.0', 'Connection: Upgrade', 'Upgrade: websocket')),
  asks(
    'an offer of websocket that the connection does not name',
    request('GET / HTTP/1.1', 'Connection: keep-alive', 'Upgrade: websocket'),
  ),
  asks(
    'h2c with its settings',
    request(
      'GET / HTTP/1.1',
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAAQAAP__',
    ),
  ),
  ...['h2c', 'TLS/1.2', 'TLS/1.2, TLS/1.1', 'HTTP/2.0, SHTTP/1.3', 'foo'].map((offer) =>
    asks(`an offer of ${offer}`, upgrade(offer)),
  ),
  asks('an upgrade that needs a login', upgrade('websocket'), {
    server: answers(answer().replace('200 OK', '401 Unauthorized')),
  }),
  connects('CONNECT'),
  asks('CONNECT that is refused', lines(...connectHead, 'X-End: 1', ''), {
    server: answers(answer().replace('200 OK', '407 Proxy Authentication Required')),
    methods: ['CONNECT'],
  }),
];

/** Bodies of requests, and what has to do with their order in time. */
export const bodyShapes: readonly Shape[] = [...lengths, ...chunks, ...expectations, ...upgrades];
