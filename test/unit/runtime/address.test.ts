import { expect, test } from '@jest/globals';
import { readAddress } from '../../../src/runtime/address.ts';

test.each<[string, string | undefined, number]>([
  [':8443', undefined, 8443],
  [':0', undefined, 0],
  ['127.0.0.1:8443', '127.0.0.1', 8443],
  ['localhost:65535', 'localhost', 65_535],
  ['[::1]:8443', '::1', 8443],
  ['[::]:1', '::', 1],
])('%s', (text, host, port) => {
  expect(readAddress(text)).toEqual({ host, port });
});

test.each([
  '',
  '8443',
  ':',
  ':65536',
  ':-1',
  ':http',
  '::1:8443',
  '[::1]',
  '[x]:1',
  'a b:1',
  ':8443 ',
  '127.0.0.1',
  'https://x:1',
])('%j is none', (text) => {
  expect(readAddress(text)).toBeUndefined();
});
