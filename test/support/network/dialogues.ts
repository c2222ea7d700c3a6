import type { Turn } from './agent.ts';

const post = (body: string): string =>
  `POST /events HTTP/1.1\r\nHost: shop\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const binary = (length: number): string => String.fromCharCode(...Array.from({ length }, (_, index) => index % 256));

/** What a side says first: bytes that an inspection would wait for, take for HTTP or TLS, or see at once to be neither. */
const words: Readonly<Record<string, string>> = {
  'one byte': '\u0005',
  'a word': 'ruok',
  'letters without a newline': 'x'.repeat(20),
  'a line': '<14>app: started\n',
  'the beginning of TLS': '\u0016\u0003\u0001\u0002',
  'an HTTP request': post('0123456789'),
  'bytes of all values': binary(20_000),
  '300 kB': 'y'.repeat(300_000),
};

type Ending = (sends: string, first: Turn['by'], second: Turn['by']) => readonly Turn[];

/** How a dialogue goes on after the first words, and who ends it. */
const endings: Readonly<Record<string, Ending>> = {
  'an answer, and whoever began ends': (send, first, second) => [
    { by: first, send },
    { by: second, send: 'fine\n' },
    { by: first, leave: 'end' },
  ],
  'an answer, and whoever answered ends': (send, first, second) => [
    { by: first, send },
    { by: second, send: 'fine\n', leave: 'end' },
  ],
  'the end of that side, then an answer': (send, first, second) => [
    { by: first, send, leave: 'end' },
    { by: second, send: 'and good bye\n', leave: 'end' },
  ],
  'the end of that side, a pause, then much': (send, first, second) => [
    { by: first, send, leave: 'end' },
    { by: second, pauseMs: 30 },
    { by: second, send: 'z'.repeat(150_000), leave: 'end' },
  ],
  'three turns': (send, first, second) => [
    { by: first, send },
    { by: second, send: 'go on' },
    { by: first, send },
    { by: second, send, leave: 'end' },
  ],
};

/** The other side. */
export const other = { client: 'server', server: 'client' } as const;
const sides = ['client', 'server'] as const;

/** Dialogues that end with an answer, by who begins, with what, and who ends them. */
export const shapes = sides.flatMap((first) =>
  Object.entries(words).flatMap(([what, send]) =>
    Object.entries(endings).map(([how, make]) => ({
      name: `the ${first} says ${what}, then ${how}`,
      turns: make(send, first, other[first]),
    })),
  ),
);

/** What is sent by a side that closes at once or soon: the other side says nothing. */
const messages: Readonly<Record<string, string>> = {
  ...words,
  '20 kB with a newline': `${'x'.repeat(19_999)}\n`,
  '20 kB without one': 'x'.repeat(20_000),
  'a big HTTP request': post('p'.repeat(100_000)),
};

/** One side says something and closes. */
export const farewells = [
  ...[0, 1, 50, 300].map((pauseMs) => ({ by: 'client', pauseMs }) as const),
  ...[0, 50].map((pauseMs) => ({ by: 'server', pauseMs }) as const),
].flatMap(({ by, pauseMs }) =>
  Object.entries(messages).map(([what, send]) => ({
    name: `the ${by} says ${what} and closes after ${pauseMs} ms`,
    by,
    send,
    pauseMs,
  })),
);
