import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { gatherLines } from '../../../src/telemetry/log.ts';

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

test('lines of a few milliseconds are one write, in order', () => {
  const written: string[] = [];
  const lines = gatherLines((text) => void written.push(text));
  lines.write('one\n');
  jest.advanceTimersByTime(5);
  lines.write('two\n');
  expect(written).toEqual([]);
  jest.advanceTimersByTime(5);
  expect(written).toEqual(['one\ntwo\n']);
  lines.write('three\n');
  jest.advanceTimersByTime(10);
  expect(written).toEqual(['one\ntwo\n', 'three\n']);
});

test('many lines do not wait', () => {
  const written: string[] = [];
  const lines = gatherLines((text) => void written.push(text));
  const line = `${'x'.repeat(1023)}\n`;
  for (let count = 0; count < 40; count++) lines.write(line);
  expect(written).toEqual([line.repeat(33)]);
  jest.advanceTimersByTime(10);
  expect(written.join('')).toBe(line.repeat(40));
});

test('flush writes what is pending at once, and only once', () => {
  const written: string[] = [];
  const lines = gatherLines((text) => void written.push(text));
  lines.flush();
  lines.write('last\n');
  lines.flush();
  expect(written).toEqual(['last\n']);
  jest.advanceTimersByTime(20);
  expect(written).toEqual(['last\n']);
});
