import { expect } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import type { Json, JsonObject } from '../../../src/json/json.ts';
import { longPlaces } from '../../support/builders/long-reviews.ts';
import { injectedPod } from '../../support/builders/decisions.ts';
import { campaign } from '../../support/fuzz/campaign.ts';
import { oddText } from '../../support/fuzz/odd-json.ts';
import { fullPod } from '../../support/fuzz/pods.ts';
import { growing, growthSizes } from '../../support/measuring/growth.ts';
import { snapshotWithShipped } from '../../support/sidecars/shipped-sidecars.ts';

/**
 * A text that becomes long by being repeated, in any place of a pod, must cost no more than its length: the property that
 * test/property/admission/growth.test.ts holds for chosen texts, here for any.
 */

const snapshot = snapshotWithShipped({ injection: { defaultTemplates: ['sidecar', 'log-shipper'] } });
const pods = [fullPod, injectedPod(fullPod, snapshot) as unknown as JsonObject];

/** Pointers of everything in the pods that is a text, as the names of long places begin with them. */
const pointers = pods.map((pod) => [...new Set(longPlaces(pod).map(({ name }) => name.split(' ')[0] ?? ''))]);

interface Input {
  readonly pod: number;
  readonly pointer: string;
  readonly piece: string;
  readonly end: string;
}

const inputs: fc.Arbitrary<Buffer> = fc
  .nat(pods.length - 1)
  .chain((pod) =>
    fc.record({
      pod: fc.constant(pod),
      pointer: fc.constantFrom(...(pointers[pod] ?? [])),
      piece: fc.oneof(
        fc.string({ minLength: 1, maxLength: 3 }),
        fc.constantFrom(...'-/.,:;=[]{}"\\\'$%& \n*0'.split('')),
      ),
      end: fc.oneof(
        fc.string({ maxLength: 3 }),
        oddText.map((text) => text.slice(0, 20)),
      ),
    }),
  )
  .map((input) => Buffer.from(JSON.stringify(input)));

function withTextAt(value: Json, tokens: readonly string[], text: string): Json {
  const [token, ...rest] = tokens;
  if (token === undefined) return text;
  if (Array.isArray(value)) {
    return (value as readonly Json[]).map((item, at) => (at === Number(token) ? withTextAt(item, rest, text) : item));
  }
  const object = value as JsonObject;
  return Object.fromEntries([...Object.entries(object), [token, withTextAt(object[token] ?? '', rest, text)]]);
}

function check(input: Buffer): void {
  const { pod: which, pointer, piece, end } = JSON.parse(input.toString('utf8')) as Input;
  const pod = pods[which] ?? fullPod;
  const tokens = pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  const make = (size: number): JsonObject =>
    withTextAt(pod, tokens, piece.repeat(Math.ceil(size / piece.length)) + end) as JsonObject;
  expect(growing(snapshot, pod, [{ name: pointer, sizes: growthSizes, make }])).toEqual([]);
}

campaign({ name: 'growth', file: 'test/fuzz/webhook/growth.test.ts', inputs, check });
