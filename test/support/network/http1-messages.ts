/*
 * Messages of HTTP/1 as texts of a character for a byte: read leniently (RFC 9112), and compared by what they mean.
 */

/** A message without what is between neighbours: its framing, and the fields of the connection. */
export interface Message {
  /** Request line or status line. */
  readonly start: string;
  /** `Name: value`, in order. */
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  /** Whether it has come to its end. */
  readonly isWhole: boolean;
}

/** Fields between neighbours (RFC 9110, section 7.6.1), and the length, which says the same as chunks. */
const between = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'content-length',
  'trailer',
  'te',
]);

/** Space around a value says nothing (RFC 9112, section 5). */
function trimmed(field: string): string {
  return field.replace(/^([^:]*):[ \t]*/, '$1: ').trim();
}

export function nameOf(field: string): string {
  return (field.split(':', 1)[0] ?? '').toLowerCase();
}

function valuesOf(fields: readonly string[], name: string): string[] {
  return fields.filter((field) => nameOf(field) === name).map((field) => field.slice(name.length + 1).trim());
}

interface Part {
  readonly body: string;
  readonly trailers: readonly string[];
  readonly rest: string;
  readonly isWhole: boolean;
}

/** Lines of a head; a folded field is one (RFC 9112, section 5.2). */
function linesOf(head: string): string[] {
  return head.replaceAll(/\r?\n[ \t]+/g, ' ').split(/\r?\n/);
}

/** Undoes chunks. Undefined for what are none. */
function joinChunks(text: string): Part {
  let body = '';
  let rest = text;
  for (;;) {
    const [line, digits] = /^([0-9a-f]+)[^\n]*\n/i.exec(rest) ?? [];
    if (line === undefined || digits === undefined) return { body, trailers: [], rest: '', isWhole: false };
    const size = Number.parseInt(digits, 16);
    rest = rest.slice(line.length);
    if (size === 0) {
      const end = /^(?:[^\r\n]+\r?\n)*\r?\n/.exec(rest)?.[0];
      if (end === undefined) return { body, trailers: [], rest: '', isWhole: false };
      return { body, trailers: linesOf(end.trimEnd()).filter(Boolean), rest: rest.slice(end.length), isWhole: true };
    }
    body += rest.slice(0, size);
    if (rest.length < size) return { body, trailers: [], rest: '', isWhole: false };
    rest = rest.slice(size).replace(/^\r?\n/, '');
  }
}

function withLength(text: string, length: number): Part {
  return { body: text.slice(0, length), trailers: [], rest: text.slice(length), isWhole: text.length >= length };
}

/** How a message's body ends: by its fields, or, when they do not say it, as told. */
function bodyOf(fields: readonly string[], text: string, otherwise: 'none' | 'rest'): Part {
  const codings = valuesOf(fields, 'transfer-encoding').join(',').toLowerCase();
  if (/(?:^|[\s,])chunked$/.test(codings.trim())) return joinChunks(text);
  const [length] = valuesOf(fields, 'content-length');
  if (length !== undefined && codings === '' && /^\d+/.test(length))
    return withLength(text, Number.parseInt(length, 10));
  if (otherwise === 'none') return { body: '', trailers: [], rest: text, isWhole: true };
  return { body: text, trailers: [], rest: '', isWhole: true };
}

function read(text: string, partOf: (start: string, fields: readonly string[], rest: string) => Part): Message[] {
  const messages: Message[] = [];
  let left = text.replace(/^(?:\r?\n)+/, '');
  while (left !== '') {
    const head = /^[^]*?\r?\n\r?\n/.exec(left)?.[0];
    if (head === undefined) return [...messages, { start: left, fields: [], body: '', trailers: [], isWhole: false }];
    const [start = '', ...fields] = linesOf(head.replace(/\r?\n\r?\n$/, ''));
    const { body, trailers, rest, isWhole } = partOf(start, fields, left.slice(head.length));
    messages.push({ start, fields, body, trailers, isWhole });
    left = rest;
  }
  return messages;
}

export function readRequests(text: string): Message[] {
  return read(text, (start, fields, rest) => {
    const isTunnel = start.startsWith('CONNECT ') || valuesOf(fields, 'upgrade').length > 0;
    return bodyOf(fields, rest, isTunnel ? 'rest' : 'none');
  });
}

/** Reads the answers to requests with these methods. A body without a length ends with the connection. */
export function readAnswers(text: string, methods: readonly string[]): Message[] {
  const left = [...methods];
  return read(text, (start, fields, rest) => {
    const status = Number(start.split(' ')[1]);
    if (status === 101) return { body: rest, trailers: [], rest: '', isWhole: true };
    if (status < 200) return withLength(rest, 0);
    const method = left.shift();
    if (method === 'HEAD' || status === 204 || status === 304) return withLength(rest, 0);
    if (method === 'CONNECT' && status < 300) return { body: rest, trailers: [], rest: '', isWhole: true };
    return bodyOf(fields, rest, 'rest');
  });
}

/** Counts final answers that have a length and have come to their end, up to the first that is otherwise. */
export function countAnswers(text: string): number {
  let left = text;
  for (let count = 0; ; count += 1) {
    const [head, length] =
      /^HTTP\/1\.1 [2-5](?:(?!\r\n\r\n)[^])*?\r\ncontent-length: (\d+)\r\n(?:(?:(?!\r\n\r\n)[^])*?\r\n)?\r\n/i.exec(
        left,
      ) ?? [];
    if (head === undefined || left.length < head.length + Number(length)) return count;
    left = left.slice(head.length + Number(length));
  }
}

/** Fields that a proxy adds to every message. */
export interface Added {
  readonly request: readonly string[];
  readonly answer: readonly string[];
}

function compareFields(
  side: string,
  plain: readonly string[],
  proxied: readonly string[],
  added: readonly string[] = [],
): string[] {
  const sent = plain.map(nameOf);
  const isCompared = (field: string): boolean => {
    const name = nameOf(field);
    return !between.has(name) && (sent.includes(name) || !added.includes(name));
  };
  const before = plain.filter(isCompared).map(trimmed);
  const after = proxied.filter(isCompared).map(trimmed);
  const of = (fields: readonly string[], name: string): string =>
    fields.filter((field) => nameOf(field) === name).join('\n');
  const names = [...new Set([...before, ...after].map(nameOf))];
  const differing = names.filter((name) => of(before, name) !== of(after, name));
  const rest = (fields: readonly string[]): string =>
    fields.filter((field) => !differing.includes(nameOf(field))).join('\n');
  return [
    ...differing.map((name) => `${side} ${name}`),
    ...(rest(before) === rest(after) ? [] : [`order of ${side}'s fields`]),
  ];
}

function isLast({ fields }: Message): boolean {
  return valuesOf(fields, 'connection').some((value) => /\bclose\b/i.test(value));
}

function statusOf({ start }: Message): string {
  return start.split(' ')[1] ?? '';
}

function compareMessages(side: keyof Added, plain: Message, proxied: Message, added: readonly string[]): string[] {
  const start = plain.start === proxied.start ? [] : [`${side}: ${proxied.start.slice(0, 60)}`];
  // With another status it is another answer, of which nothing is the same.
  if (side === 'answer' && statusOf(plain) !== statusOf(proxied)) return start;
  return [
    ...start,
    ...compareFields(side, plain.fields, proxied.fields, added),
    ...(plain.body === proxied.body ? [] : [`${side} body`]),
    ...compareFields(`${side} trailer`, plain.trailers, proxied.trailers),
    ...(plain.isWhole === proxied.isWhole ? [] : [`${side} ${proxied.isWhole ? 'looks whole' : 'is broken off'}`]),
    ...(side === 'request' || isLast(plain) === isLast(proxied)
      ? []
      : [`${side} is ${isLast(proxied) ? '' : 'not '}the last`]),
  ];
}

/** Where messages differ that have passed a proxy from those that have not, in words. */
export function differencesOf(
  side: keyof Added,
  plain: readonly Message[],
  proxied: readonly Message[],
  added: Added,
): string[] {
  const left = [...proxied];
  const differences = plain.flatMap((message) => {
    const [next] = left;
    if (next === undefined) return [`no ${side}`];
    const isMissing = statusOf(message).startsWith('1') && side === 'answer' && statusOf(next) !== statusOf(message);
    if (isMissing) return [`no ${message.start}`];
    left.shift();
    return compareMessages(side, message, next, added[side]);
  });
  return [...new Set(differences), ...left.map(({ start }) => `one more ${side}: ${start.slice(0, 60)}`)];
}
