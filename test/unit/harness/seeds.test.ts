import { describe, expect, test } from '@jest/globals';
import { fixedSeeds } from '../../harness/tiers/seeds.ts';

describe('fixedSeeds', () => {
  test('are the same in every run', () => {
    expect(fixedSeeds({})).toEqual({ FAST_CHECK_SEED: '20261130', FUZZ_SEED: '20261130' });
  });

  test('leave alone what is set', () => {
    expect(Object.keys(fixedSeeds({ FUZZ_SEED: '1' }))).toEqual(['FAST_CHECK_SEED']);
  });
});
