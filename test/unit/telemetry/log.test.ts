import { expect, test } from '@jest/globals';
import { gatherLines } from '../../../src/telemetry/log.ts';

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test('lines of one turn are one write, in order', async () => {
  const written: string[] = [];
  const lines = gatherLines((text) => void written.push(text));
  lines.write('one\n');
  await Promise.resolve();
  lines.write('two\n');
  await nextTurn();
  expect(written).toEqual(['one\ntwo\n']);
  lines.write('three\n');
  await nextTurn();
  expect(written).toEqual(['one\ntwo\n', 'three\n']);
});

test('flush writes what is pending at once, and only once', async () => {
  const written: string[] = [];
  const lines = gatherLines((text) => void written.push(text));
  lines.flush();
  lines.write('last\n');
  lines.flush();
  await nextTurn();
  expect(written).toEqual(['last\n']);
});
