import type { Party, PartyStep } from '../party.ts';

/** One conversation of a client and a server over HTTP/1, byte by byte. */
export interface Shape {
  readonly name: string;
  readonly client: Party;
  readonly server: Party;
  /** What the client has to see at last. */
  readonly until: string;
  /** How many answers with a length are as good. Default: 1. */
  readonly answers?: number;
  /** Methods of the requests. Default: one GET. */
  readonly methods?: readonly string[];
}

export const lines = (...all: readonly string[]): string => all.map((line) => `${line}\r\n`).join('');

/** A request whose head ends with a field that the server waits for. */
export const request = (first: string, ...fields: readonly string[]): string =>
  lines(first, 'Host: shop', ...fields, 'X-End: 1', '');

export const get = request('GET / HTTP/1.1');

/** An answer whose body is what the client waits for. */
export const answer = (...fields: readonly string[]): string =>
  `${lines('HTTP/1.1 200 OK', 'Content-Length: 4', ...fields, '')}fin.`;

/** What the server has heard when it answers, and what it answers. */
export const answers = (send: string, until = 'X-End: 1'): Party => ({ steps: [{ until, send }], end: 'keep' });

export const says = (...pieces: readonly (string | PartyStep)[]): Party => ({
  steps: pieces.map((piece) => (typeof piece === 'string' ? { send: piece } : piece)),
  end: 'keep',
});

/** A request, by default with the plain answer. */
export function asks(
  name: string,
  send: string,
  { server = answers(answer()), ...more }: Partial<Omit<Shape, 'name'>> = {},
): Shape {
  return { name, client: says(send), server, until: 'fin.', ...more };
}

/** An answer to a GET. */
export function replies(name: string, send: string, more: Partial<Omit<Shape, 'name'>> = {}): Shape {
  return { name, client: says(get), server: answers(send), until: 'fin.', ...more };
}

/** The same, after which the server ends the connection. */
export function repliesLast(
  name: string,
  send: string,
  end: Party['end'] = 'close',
  more: Partial<Omit<Shape, 'name'>> = {},
): Shape {
  return { name, client: says(get), server: { ...answers(send), end }, until: 'fin.', ...more };
}
