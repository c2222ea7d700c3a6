import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { root } from '../../../scripts/checkout.ts';
import LongestFirst, { waiting } from '../../harness/tiers/longest-first.ts';

test('files that wait come first, then the larger ones', () => {
  const inOrder = [
    'test/mesh/vanished.test.ts',
    'test/dataplane/injected-vanished.test.ts',
    'test/dataplane/capture-script.test.ts',
    'test/dataplane/injected-replaced.test.ts',
  ];
  const tests = inOrder.map((file) => ({ path: path.join(root, file) }));
  expect(new LongestFirst().sort(tests.toReversed())).toEqual(tests);
});

test.each(waiting)('%s, of which it is known to wait, exists', (file) => {
  expect(existsSync(path.join(root, file))).toBe(true);
});
