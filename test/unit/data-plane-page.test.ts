import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';

const root = path.resolve(import.meta.dirname, '../..');
const page = readFileSync(path.join(root, 'docs/data-plane.md'), 'utf8');
const named = [...new Set(page.match(/`(?:test|src)\/[\w./-]+`/g))].map((name) => name.slice(1, -1));

test('the page on the data plane names tests', () => {
  expect(named.length).toBeGreaterThan(10);
});

test.each(named)('the page on the data plane names %s, which exists', (name) => {
  expect(existsSync(path.join(root, name))).toBe(true);
});
