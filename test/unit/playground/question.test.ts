import { expect, test } from '@jest/globals';
import { findTooLong, mostCharacters } from '../../../src/playground/question.ts';

const question = { manifest: '', settings: '', namespace: '', namespaceLabels: '' };

test.each(['manifest', 'settings'])('%s may have a million characters, and not one more', (name) => {
  const longest = 'x'.repeat(mostCharacters);
  expect(findTooLong({ ...question, [name]: longest })).toEqual([]);
  expect(findTooLong({ ...question, [name]: `${longest}x` })).toEqual([
    `the ${name}: has 1,000,001 characters; allowed here: at most 1,000,000. The command line takes more`,
  ]);
});
