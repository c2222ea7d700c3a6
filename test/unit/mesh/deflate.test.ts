import { randomBytes } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { deflate, deflatedMessage, store } from '../../../src/mesh/wire/deflate.ts';
import * as fc from '../../support/fast-check.ts';

const inflated = (...pieces: Parameters<typeof deflatedMessage>[0]): Buffer =>
  inflateSync(Buffer.concat(deflatedMessage(pieces)));

test('pieces in any number and order are one message, whose checksum is right', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc
      .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 3_790, max: 8_000 }))
      .map(([byte, length]) => new Uint8Array(length).fill(byte)),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(bytes, fc.boolean()), { maxLength: 6 }), (pieces) => {
      const message = inflated(...pieces.map(([one, isStored]) => (isStored ? store(one) : deflate(one))));
      expect(message.equals(Buffer.concat(pieces.map(([one]) => one)))).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('megabytes keep their checksum', () => {
  const high = Buffer.alloc(3_000_000, 0xff);
  const message = inflated(deflate(high), store(high), deflate(high));
  expect(message.equals(Buffer.concat([high, high, high]))).toBe(true);
});

test('what is stored is not compressed, however long it is', () => {
  const secret = randomBytes(50_000).toString('hex');
  const { bytes } = store(Buffer.from(secret));
  expect(bytes.length).toBe(100_000 + 2 * 5);
  expect(Buffer.from(bytes).includes(secret.slice(0, 60_000))).toBe(true);
});
