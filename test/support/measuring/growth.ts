import { review } from '../../../src/admission/handler.ts';
import { createInjector } from '../../../src/injection/injector.ts';
import type { Snapshot } from '../../../src/injection/snapshot.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { stripManagedFields } from '../../../src/server/strip-managed-fields.ts';
import { reviewOf } from '../builders/reviews.ts';

/** Bytes of the short and of the long form of a place. Sixteen times as much for four times the bytes is quadratic. */
export const growthSizes = { short: 12_000, long: 48_000 } as const;
const mostGrowth = 9;
/** The same for twice the bytes, where quadratic is four times. */
const mostDoubling = 3;

/** Below so many times the cost of a harmless review of the same length, growth is lost in the noise, and no danger. */
const worthLooking = 3;

/** Milliseconds of a review of the pod, by a snapshot that remembers nothing of it. */
function cost(snapshot: Snapshot, long: JsonObject): number {
  const body = Buffer.from(JSON.stringify(reviewOf(long)));
  const injector = createInjector(snapshot);
  const start = performance.now();
  review(stripManagedFields(body) ?? '', injector);
  return performance.now() - start;
}

function least(times: number, measure: () => number): number {
  return Math.min(...Array.from({ length: times }, measure));
}

/** A pod that is long in one place, in any length. */
export interface GrowthCase {
  readonly name: string;
  readonly sizes: { readonly short: number; readonly long: number };
  readonly make: (size: number) => JsonObject;
}

/**
 * Names of the cases whose cost grows faster than their bytes. Times are compared with each other, never with a clock.
 *
 * @param pod what the harmless reviews that the others are compared with are made of
 */
export function growing(snapshot: Snapshot, pod: JsonObject, cases: readonly GrowthCase[]): string[] {
  const harmless = (size: number): JsonObject => ({
    ...pod,
    padding: Array.from({ length: size / 12 }, () => 'abcdefg'),
  });
  for (let times = 0; times < 50; times++) cost(snapshot, harmless(1_000));
  const reference = least(5, () => cost(snapshot, harmless(growthSizes.long)));
  return cases.flatMap(({ name, sizes: { short, long }, make }) => {
    const large = make(long);
    if (cost(snapshot, large) < worthLooking * reference) return [];
    if (least(2, () => cost(snapshot, large)) < worthLooking * reference) return [];
    const [small, larger] = [make(short), make(2 * long)];
    const growth = { beyond: 0, again: 0 };
    // A pause of the machine makes a single look longer, never shorter; what really grows does so at every size.
    for (let look = 0; look < 4; look++) {
      const [brief, most] = [least(7, () => cost(snapshot, small)), least(7, () => cost(snapshot, large))];
      growth.beyond = most / brief;
      if (growth.beyond <= mostGrowth) return [];
      growth.again = least(5, () => cost(snapshot, larger)) / most;
      if (growth.again <= mostDoubling) return [];
    }
    return [
      `${name}: ${growth.beyond.toFixed(1)} times for 4 times the bytes, ${growth.again.toFixed(1)} for twice more`,
    ];
  });
}
