import { expect, test } from '@jest/globals';
import { isAmongFirst } from '../../../src/injection/policy/share.ts';
import { chooseVariant } from '../../../src/injection/policy/variant.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';
import * as fc from '../../support/fast-check.ts';

const owner = fc.record({
  namespace: fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
  owner: fc.record({
    apiVersion: fc.constant('apps/v1'),
    kind: fc.constantFrom('Deployment', 'StatefulSet', 'DaemonSet'),
    name: fc.stringMatching(/^[a-z][a-z0-9-]{0,30}$/),
  }),
});
const percent = fc.integer({ min: 0, max: 10_000 }).map((parts) => parts / 100);
const unpinned = { pod: undefined, namespace: {} };

test('nobody goes back when a share grows', () => {
  fc.assert(
    fc.property(owner, fc.string(), percent, percent, (situation, rollout, one, two) => {
      const [less, more] = [Math.min(one, two), Math.max(one, two)];
      expect(!isAmongFirst(less, rollout, situation) || isAmongFirst(more, rollout, situation)).toBe(true);
      expect(isAmongFirst(0, rollout, situation)).toBe(false);
      expect(isAmongFirst(100, rollout, situation)).toBe(true);
    }),
  );
});

test('of two variants, too, nobody goes back to stable, and the first is left by nobody', () => {
  const variantsOf = (first: number, second: number) =>
    snapshotOf({
      variants: [
        { name: 'one', percent: first },
        { name: 'two', percent: second },
      ],
    }).settings.variants;
  fc.assert(
    fc.property(owner, percent, percent, percent, percent, (situation, a, b, c, d) => {
      const before = chooseVariant(variantsOf(Math.min(a, b), Math.min(c, d)), situation, unpinned).name;
      const after = chooseVariant(variantsOf(Math.max(a, b), Math.max(c, d)), situation, unpinned).name;
      if (before !== undefined) expect(after).toBeDefined();
      if (before === 'one') expect(after).toBe('one');
    }),
    { numRuns: 30 },
  );
});

test('the share of owners is the percentage, for names as people give them', () => {
  const words = ['web', 'api', 'worker', 'db', 'cache', 'front-end', 'orders', 'payments', 'a', 'search'];
  fc.assert(
    fc.property(
      percent,
      fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
      fc.stringMatching(/^[a-z]{1,8}$/),
      (share, rollout, prefix) => {
        const owners = Array.from({ length: 4_000 }, (_, index) => ({
          namespace: `${prefix}-${index % 20}`,
          owner: {
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            name: `${words[index % 10] ?? ''}-${Math.floor(index / 10)}`,
          },
        }));
        const chosen = owners.filter((one) => isAmongFirst(share, rollout, one)).length;
        // Six standard deviations of as many independent draws, and one owner for tiny shares.
        const spread = 6 * Math.sqrt(4_000 * (share / 100) * (1 - share / 100)) + 1;
        expect(Math.abs(chosen - (4_000 * share) / 100)).toBeLessThanOrEqual(spread);
      },
    ),
    { numRuns: 50 },
  );
});
