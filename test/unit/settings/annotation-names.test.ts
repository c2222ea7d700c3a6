import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { annotationTable } from '../../../src/settings/annotation-table.ts';

const source = path.resolve(import.meta.dirname, '../../../src');

/** The files in which each string literal occurs, once per occurrence. */
function literals(): ReadonlyMap<string, string[]> {
  const found = new Map<string, string[]>();
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  for (const file of files) {
    const text = readFileSync(path.join(source, file), 'utf8');
    // Comments are matched first, so that text they quote is not taken for a literal.
    for (const [, , literal] of text.matchAll(/\/\*[^]*?\*\/|\/\/.*|(['"`])((?:(?!\1)[^\\\n]|\\.)*)\1/g)) {
      if (literal !== undefined) found.set(literal, [...(found.get(literal) ?? []), file]);
    }
  }
  return found;
}

/** Words such as `app` mean other things elsewhere. */
const names = [...new Set(annotationTable.map(({ name }) => name))].filter((name) => /[/-]/.test(name));

test('the name of every annotation and label is written in one place, and there as a whole', () => {
  const places = literals();
  const wrong = names
    .map((name) => ({ name, places: places.get(name) ?? [] }))
    .filter(({ places: { length } }) => length !== 1);
  expect(names.length).toBeGreaterThan(80);
  expect(wrong).toEqual([]);
});
