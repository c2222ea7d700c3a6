import { expect, test } from '@jest/globals';
import type { Told, Turn } from '../agent.ts';
import type { Line } from './line.ts';

/** Ports that nobody has declared: one behind the proxy, and one that nothing captures, which is how it is without a proxy. */
export const dialoguePorts = { captured: 9000, excluded: 9180 } as const;

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

const other = { client: 'server', server: 'client' } as const;
const sides = ['client', 'server'] as const;

export const dialogues = sides.flatMap((first) =>
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

/** What is sent by a side that resets the connection when all has arrived. */
export const resets = sides.flatMap((by) =>
  Object.entries(messages).map(([what, send]) => ({ name: `the ${by} says ${what} and resets`, by, send })),
);

/** More than all buffers on the way hold, to a side that does not read for a while. */
export const lateReaders = sides.flatMap((by) =>
  (['end', 'close'] as const).flatMap((leave) =>
    [100_000, 1_000_000, 8_000_000].map((size) => ({
      name: `the ${by} says ${size} bytes, then ${leave}, and is heard late`,
      by,
      leave,
      send: 'm'.repeat(size),
    })),
  ),
);

/** Has every dialogue with the proxies and without, and compares what both sides have heard. */
export function testDialogues(line: () => Line): void {
  /** What both sides have heard of so many dialogues. */
  async function heard(
    isCaptured: boolean,
    turns: readonly Turn[],
    count: number,
  ): Promise<Record<Turn['by'], readonly Told[]>> {
    const { client, server, host, plainHost } = line();
    const port = isCaptured ? dialoguePorts.captured : dialoguePorts.excluded;
    await server.rehearse({ port, turns });
    const told = await client.speak({ host: isCaptured ? host : plainHost, port, turns, count });
    return { client: told, server: await server.recall({ port, count }) };
  }

  test.each(dialogues)('$name', async ({ turns }) => {
    const captured = await heard(true, turns, 1);
    expect(captured).toEqual(await heard(false, turns, 1));
    expect(captured.client.map(({ ending }) => ending)).toEqual(['end']);
  });

  test.each(farewells)('$name', async ({ by, send, pauseMs }) => {
    const turns: readonly Turn[] = [{ by, send, pauseMs, leave: 'close' }];
    const captured = await heard(true, turns, 5);
    expect(captured).toEqual(await heard(false, turns, 5));
    expect(captured[other[by]].map(({ bytes }) => bytes)).toEqual(Array.from({ length: 5 }, () => send.length));
  });

  test.each(resets)('$name', async ({ by, send }) => {
    const turns: readonly Turn[] = [{ by, send, pauseMs: 100, leave: 'reset' }];
    const captured = await heard(true, turns, 2);
    expect(captured).toEqual(await heard(false, turns, 2));
    expect(captured[other[by]]).toMatchObject([1, 2].map(() => ({ bytes: send.length, ending: 'reset' })));
  });

  test.each(lateReaders)('$name', async ({ by, send, leave }) => {
    const turns: readonly Turn[] = [
      { by: other[by], deafMs: 1_500 },
      { by, send, leave },
    ];
    const captured = await heard(true, turns, 1);
    expect(captured[other[by]]).toMatchObject([{ bytes: send.length, ending: 'end' }]);
    expect(captured).toEqual(await heard(false, turns, 1));
  });
}
