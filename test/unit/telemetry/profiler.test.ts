import { expect, test } from '@jest/globals';
import { createProfiler } from '../../../src/telemetry/profiler.ts';

const never = new AbortController().signal;

test.each(['cpu', 'heap'] as const)('a profile (%s) that is too long is no answer', async (kind) => {
  expect(await createProfiler(10).take(kind, 20, never)).toEqual({ missing: 'too-long' });
  expect(await createProfiler(1_000_000).take(kind, 20, never)).toEqual({ text: expect.stringMatching(/^\{".*\}$/) });
});

test('for whom nobody waits any more gets none, and the next one does', async () => {
  const profiler = createProfiler(1_000_000);
  expect(await profiler.take('cpu', 60_000, AbortSignal.abort())).toEqual({ missing: 'ended' });
  const both = await Promise.all([profiler.take('heap', 20, never), profiler.take('heap', 20, never)]);
  expect(both).toEqual([{ text: expect.any(String) }, { missing: 'busy' }]);
});
