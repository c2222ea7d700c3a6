import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { root } from '../../scripts/checkout.ts';

const page = readFileSync(path.join(root, 'docs/threat-model.md'), 'utf8');
const named = [...new Set([...page.matchAll(/`(test\/[^`]*)`/g)].map(([, file = '']) => file))];
/** Threat and answer of every row. */
const rows = [...page.matchAll(/^\| (?<threat>[^|]+) \| (?<answer>[^|]+) \|$/gm)]
  .map(({ groups }) => ({ threat: groups?.['threat']?.trim() ?? '', answer: groups?.['answer']?.trim() ?? '' }))
  .filter(({ threat, answer }) => !/^-+$/.test(threat) && answer !== 'prevented by' && answer !== 'why it matters');
const threats = rows.slice(rows.findIndex(({ threat }) => threat === 'the keys') + 1);

describe('the threat model', () => {
  test.each(named)('%s is a test', (file) => {
    expect(file).toMatch(/\.test\.ts$/);
    expect(existsSync(path.join(root, file))).toBe(true);
  });

  test.each(threats.map(({ threat, answer }) => [threat, answer]))(
    '%s: a test, or why there is none',
    (_threat, answer) => {
      expect(answer).toMatch(/^(?:`test\/|not prevented)/);
    },
  );

  test('has rows for everybody who can reach something', () => {
    expect(threats.length).toBeGreaterThan(50);
  });
});
