import { expect, test } from '@jest/globals';
import { parseQuantity, quantityText } from '../../../src/grammar/quantity.ts';

test.each([
  ['cpu', 0.1, '100m'],
  ['cpu', 1, '1'],
  ['cpu', 1.5, '1500m'],
  ['cpu', 0, '0'],
  ['memory', 62_914_560, '60Mi'],
  ['memory', 67_108_864, '64Mi'],
  ['memory', 64_000_000, '64M'],
  ['memory', 1_073_741_824, '1Gi'],
  ['memory', 1_610_612_736, '1536Mi'],
  ['memory', 1000, '1k'],
  ['memory', 1025, '1025'],
  ['memory', 0, '0'],
])('%s %d is written %s, which says the same', (resource, value, text) => {
  expect(quantityText(resource, value)).toBe(text);
  expect(parseQuantity(text)).toBeCloseTo(value, 9);
});

test('what is between two quantities is rounded down', () => {
  expect([quantityText('cpu', 0.0999), quantityText('memory', 1024.9)]).toEqual(['99m', '1Ki']);
});
