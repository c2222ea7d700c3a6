/*
 * Frames of HTTP/2 as texts of a character for a byte, for what no library sends (RFC 9113, section 4 and 6).
 */

const types = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  windowUpdate: 8,
  continuation: 9,
  /** None that any RFC names. */
  unknown: 0x42,
} as const;
const endStream = 1;
const endHeaders = 4;
const padded = 8;

function number(value: number, length: number): string {
  const bytes = Array.from({ length }, (_, index) => (value >>> (8 * (length - 1 - index))) & 0xff);
  return String.fromCharCode(...bytes);
}

function frame(type: keyof typeof types, stream: number, payload: string, flags = 0): string {
  return number(payload.length, 3) + number(types[type], 1) + number(flags, 1) + number(stream, 4) + payload;
}

/** A field as a literal that is not indexed (RFC 7541, section 6.2.2); name and value have less than 127 bytes. */
function field([name, value]: readonly [name: string, value: string]): string {
  return `\0${number(name.length, 1)}${name}${number(value.length, 1)}${value}`;
}

export type Fields = Readonly<Record<string, string>>;

/** What both sides begin with. */
export const settings = frame('settings', 0, '');
/** Without it, what the other side has set does not count yet. */
export const settingsAreSeen = frame('settings', 0, '', 1);
export const preface = `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${settings}`;

export function headers(stream: number, fields: Fields, isLast = true): string {
  return frame('headers', stream, Object.entries(fields).map(field).join(''), endHeaders | (isLast ? endStream : 0));
}

export function data(stream: number, text: string, isLast = true): string {
  return frame('data', stream, text, isLast ? endStream : 0);
}

/** Headers in two frames. */
export function splitHeaders(stream: number, fields: Fields): string {
  const block = Object.entries(fields).map(field).join('');
  return (
    frame('headers', stream, block.slice(0, 20), endStream) + frame('continuation', stream, block.slice(20), endHeaders)
  );
}

/** Data with so many bytes of padding. */
export function paddedData(stream: number, text: string, padding: number): string {
  return frame('data', stream, number(padding, 1) + text + '\0'.repeat(padding), endStream | padded);
}

/** A text of eight characters, which the other side sends back. */
export function ping(text: string): string {
  return frame('ping', 0, text);
}

export function unknown(stream: number, text: string): string {
  return frame('unknown', stream, text);
}

/** By default CANCEL. */
export function reset(stream: number, code = 8): string {
  return frame('reset', stream, number(code, 4));
}

/** Makes the stream depend on none, with weight 16. */
export function priority(stream: number): string {
  return frame('priority', stream, number(0, 4) + number(15, 1));
}

export function windowUpdate(stream: number, bytes: number): string {
  return frame('windowUpdate', stream, number(bytes, 4));
}

/** Streams that the frames begin, in order; a frame that is not whole is none. */
export function begunStreams(frames: string): readonly number[] {
  const at = (index: number): number => frames.charCodeAt(index);
  const streams: number[] = [];
  for (let start = 0; start + 9 <= frames.length;) {
    const length = at(start) * 65_536 + at(start + 1) * 256 + at(start + 2);
    if (start + 9 + length > frames.length) break;
    if (at(start + 3) === types.headers) streams.push(at(start + 7) * 256 + at(start + 8));
    start += 9 + length;
  }
  return streams;
}
