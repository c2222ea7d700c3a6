import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { edits } from '../mutations/table.ts';
import { tierOf } from '../../scripts/mutate/tier.ts';
import { root } from '../../scripts/checkout.ts';

describe('every protection that `make mutate` takes out is there', () => {
  test.each(edits.map((edit) => [`${edit.file}: ${edit.protects}`, edit] as const))('%s', (_name, edit) => {
    const parts = readFileSync(path.join(root, edit.file), 'utf8').split(edit.text);
    expect(parts).toHaveLength(2);
    expect(edit.replacement).not.toBe(edit.text);
    expect(edit.tests.filter((file) => !existsSync(path.join(root, file)))).toEqual([]);
    expect(new Set(edit.tests.map(tierOf)).size).toBe(1);
  });
});

test('no protection is there twice', () => {
  const names = edits.map(({ file, protects }) => `${file}: ${protects}`);
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
});
