import { lines, says, type Shape } from './shape.ts';

interface Exchange {
  readonly method: string;
  /** Fields and body of the request, after its number. */
  readonly more?: string;
  /** What the server waits for besides. */
  readonly last?: string;
  readonly answer: string;
}

const withLength = (status: string, body: string, ...fields: readonly string[]): string =>
  `${lines(`HTTP/1.1 ${status}`, `Content-Length: ${body.length}`, ...fields, '')}${body}`;
const chunks = (status: string, body: string): string =>
  `${lines(`HTTP/1.1 ${status}`, 'Transfer-Encoding: chunked', '')}${lines(body.length.toString(16), body, '0', '')}`;
const bare = (status: string, ...fields: readonly string[]): string => lines(`HTTP/1.1 ${status}`, ...fields, '');

const exchanges: Readonly<Record<string, Exchange>> = {
  'a GET': { method: 'GET', answer: withLength('200 OK', 'body') },
  'an answer in chunks': { method: 'GET', answer: chunks('200 OK', 'body') },
  'a HEAD': { method: 'HEAD', answer: bare('200 OK', 'Content-Length: 99') },
  'a HEAD with chunks': { method: 'HEAD', answer: bare('200 OK', 'Transfer-Encoding: chunked') },
  'a HEAD that says nothing of a body': { method: 'HEAD', answer: bare('200 OK') },
  204: { method: 'DELETE', answer: bare('204 No Content') },
  '304 with a length': { method: 'GET', answer: bare('304 Not Modified', 'Content-Length: 99') },
  '304 without one': { method: 'GET', answer: bare('304 Not Modified', 'ETag: "a"') },
  'an empty answer': { method: 'GET', answer: withLength('200 OK', '') },
  'an error': { method: 'GET', answer: withLength('500 Internal Server Error', 'oops') },
  'a login': { method: 'GET', answer: withLength('401 Unauthorized', 'who?', 'WWW-Authenticate: NTLM') },
  'a POST': {
    method: 'POST',
    more: 'Content-Length: 4\r\n\r\nbody',
    last: 'body',
    answer: withLength('201 Created', 'made'),
  },
  'a POST with chunks': {
    method: 'POST',
    more: `Transfer-Encoding: chunked\r\n\r\n${lines('4', 'body', '0', '')}`,
    last: '0\r\n\r\n',
    answer: withLength('200 OK', 'made'),
  },
  'a POST without a body': { method: 'POST', more: 'Content-Length: 0\r\n\r\n', answer: bare('204 No Content') },
  'early hints': {
    method: 'GET',
    answer: bare('103 Early Hints', 'Link: </a>') + withLength('200 OK', 'body'),
  },
};

const all = Object.entries(exchanges);

/** Each request has its number, for which the server waits; the last answer has the text for which the client waits. */
function sequence(name: string, of: readonly Exchange[], isPipelined: boolean): Shape {
  const requests = of.map(
    ({ method, more = '\r\n' }, index) =>
      `${method} /${index} HTTP/1.1\r\nHost: shop\r\nX-Number: ${index};\r\n${more}`,
  );
  const answers = of.map(({ answer }, index) =>
    answer.replace(/(HTTP\/1\.1 [2-5][^\r]*)\r\n/, `$1\r\nX-Answer: ${index};\r\n`),
  );
  const last = `${requests.length - 1};`;
  return {
    name,
    client: isPipelined
      ? says(requests.join(''))
      : says(...requests.map((send, index) => (index === 0 ? send : { until: `X-Answer: ${index - 1};`, send }))),
    server: {
      steps: answers.map((send, index) => ({ until: of[index]?.last ?? `X-Number: ${index};`, send })),
      end: 'keep',
    },
    until: `X-Answer: ${last}`,
    answers: of.length,
    methods: of.map(({ method }) => method),
  };
}

const last = exchanges['a GET'] as Exchange;

/** What comes after another exchange on the same connection: when that is over, or before. */
export const sequenceShapes: readonly Shape[] = [
  ...all.flatMap(([name, exchange]) => [
    sequence(`a GET after ${name}`, [exchange, last], false),
    sequence(`a GET behind ${name}`, [exchange, last], true),
  ]),
  sequence(
    'one of each, in turn',
    all.map(([, exchange]) => exchange),
    false,
  ),
  sequence(
    'one of each, at once',
    all.map(([, exchange]) => exchange),
    true,
  ),
  sequence(
    '200 requests, in turn',
    Array.from({ length: 200 }, () => last),
    false,
  ),
  sequence(
    '200 requests, at once',
    Array.from({ length: 200 }, () => last),
    true,
  ),
];
