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
const switches = (protocol: string): Shape['server'] => ({
  steps: [
    {
      until: 'X-End: 1',
      send: lines('HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', `Upgrade: ${protocol}`, ''),
    },
    { until: 'hello', send: 'fin.' },
  ],
  end: 'keep',
});

const upgrades: readonly Shape[] = [
  ...['websocket', 'WebSocket', 'tcp', 'SPDY/3.1', 'tailscale-control-protocol', 'irc'].map((protocol) =>
    asks(`an upgrade to ${protocol}`, '', {
      client: says(upgrade(protocol), { until: '101', send: 'hello' }),
      server: switches(protocol),
    }),
  ),
  ...['h2c', 'TLS/1.2', 'TLS/1.2, TLS/1.1', 'HTTP/2.0, SHTTP/1.3', 'foo'].map((offer) =>
    asks(`an offer of ${offer}`, upgrade(offer)),
  ),
  asks('an upgrade that needs a login', upgrade('websocket'), {
    server: answers(answer().replace('200 OK', '401 Unauthorized')),
  }),
  asks('CONNECT', '', {
    client: says(lines('CONNECT other:443 HTTP/1.1', 'Host: other:443', 'X-End: 1', ''), {
      until: '200',
      send: 'hello',
    }),
    server: {
      steps: [
        { until: 'X-End: 1', send: lines('HTTP/1.1 200 OK', '') },
        { until: 'hello', send: 'fin.' },
      ],
      end: 'keep',
    },
    methods: ['CONNECT'],
  }),
  asks('CONNECT that is refused', lines('CONNECT other:443 HTTP/1.1', 'Host: other:443', 'X-End: 1', ''), {
    server: answers(answer().replace('200 OK', '407 Proxy Authentication Required')),
    methods: ['CONNECT'],
  }),
];

/** Bodies of requests, and what has to do with their order in time. */
export const bodyShapes: readonly Shape[] = [...lengths, ...chunks, ...expectations, ...upgrades];
