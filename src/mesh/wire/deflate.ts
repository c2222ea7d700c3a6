import { constants, deflateRawSync } from 'node:zlib';

/**
 * A piece of a compressed message (RFC 1951). It refers to nothing outside of itself and ends with a whole byte, so that pieces in a row
 * are one message, whatever they are, and many messages share a piece.
 */
export interface Deflated {
  readonly bytes: Uint8Array;
  /** How many bytes it stands for, and their Adler-32 checksum (RFC 1950). */
  readonly length: number;
  readonly sum: number;
}

const base = 65_521;
/** Bytes after which sums must be reduced, so that they stay below 2^31. */
const stride = 3_800;

function checksum(bytes: Uint8Array): number {
  let [low, high] = [1, 0];
  for (let start = 0; start < bytes.length; start += stride) {
    const end = Math.min(start + stride, bytes.length);
    for (let index = start; index < end; index += 1) {
      low += bytes[index] ?? 0;
      high += low;
    }
    low %= base;
    high %= base;
  }
  return high * 65_536 + low;
}

/** Returns the checksum of what two pieces stand for together. */
function joined(sum: number, next: Deflated): number {
  const [low, high] = [sum % 65_536, Math.floor(sum / 65_536)];
  const [nextLow, nextHigh] = [next.sum % 65_536, Math.floor(next.sum / 65_536)];
  const both = (low + nextLow + base - 1) % base;
  return ((high + nextHigh + next.length * (low + base - 1)) % base) * 65_536 + both;
}

/** Compresses bytes. */
export function deflate(bytes: Uint8Array): Deflated {
  const packed = deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
  return { bytes: packed, length: bytes.length, sum: checksum(bytes) };
}

const mostStored = 65_535;

/** Takes bytes as they are, because they are few or secret: how well they are compressed tells something of them. */
export function store(bytes: Uint8Array): Deflated {
  const blocks: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += mostStored) {
    const part = bytes.subarray(start, start + mostStored);
    const head = Buffer.alloc(5);
    head.writeUInt16LE(part.length, 1);
    head.writeUInt16LE(mostStored - part.length, 3);
    blocks.push(head, part);
  }
  return { bytes: Buffer.concat(blocks), length: bytes.length, sum: checksum(bytes) };
}

/** 32 KiB of window; and an empty last block. */
const [start, end] = [Buffer.from([0x78, 0x01]), Buffer.from([0x03, 0x00])];

/** Returns a whole message of pieces, in the format that HTTP and gRPC call `deflate` (RFC 1950). */
export function deflatedMessage(pieces: readonly Deflated[]): readonly Uint8Array[] {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(pieces.reduce(joined, 1));
  return [start, ...pieces.map(({ bytes }) => bytes), end, sum];
}
