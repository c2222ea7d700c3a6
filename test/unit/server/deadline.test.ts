import { expect, test } from '@jest/globals';
import { readTimeoutMs } from '../../../src/server/deadline.ts';

test.each<[unknown, number]>([
  ['10s', 10_000],
  ['1s', 1_000],
  ['30s', 30_000],
  ['0s', 0],
  ['500ms', 500],
  ['2m', 120_000],
  ['007s', 7_000],
])('%j is %d ms', (text, ms) => {
  expect(readTimeoutMs(text)).toBe(ms);
});

test.each([
  undefined,
  null,
  5,
  '',
  '5',
  's',
  '-1s',
  '+1s',
  '1.5s',
  ' 1s',
  '1s ',
  '1S',
  '1h',
  '1s500ms',
  '1e3s',
  '1234567s',
  ['1s'],
  {},
])('%j is none', (value) => {
  expect(readTimeoutMs(value)).toBeUndefined();
});
