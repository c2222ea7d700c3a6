import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { readSources } from '../../../src/manifests/source.ts';

describe('readSources', () => {
  let folder = '';
  const noInput = () => Promise.reject(new Error('nobody asked for standard input'));
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sources-'));
    mkdirSync(join(folder, 'tree', 'b'), { recursive: true });
    mkdirSync(join(folder, 'tree', '..data'));
    mkdirSync(join(folder, 'empty'));
    for (const name of ['z.yaml', 'a.yml', 'm.json', 'notes.txt', '.hidden.yaml', 'b/inner.yaml', '..data/copy.yaml']) {
      writeFileSync(join(folder, 'tree', name), name);
    }
    symlinkSync(join(folder, 'tree'), join(folder, 'tree', 'b', 'loop'));
    symlinkSync(join(folder, 'tree', 'z.yaml'), join(folder, 'tree', 'link.yaml'));
    writeFileSync(join(folder, 'mark.yaml'), '\uFEFFa: 1\r\n');
    writeFileSync(join(folder, 'latin1.yaml'), Buffer.from([0x61, 0x3a, 0x20, 0xe4]));
    mkdirSync(join(folder, 'dangling'));
    symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling', 'x.yaml'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('walks a folder in order, without hidden files and without going round in circles', async () => {
    const { sources, problems } = await readSources([join(folder, 'tree')], noInput);
    expect(problems).toEqual([]);
    expect(sources.map(({ name }) => relative(join(folder, 'tree'), name))).toEqual([
      'a.yml',
      'b/inner.yaml',
      'link.yaml',
      'm.json',
      'z.yaml',
    ]);
  });

  test('keeps byte order mark and line breaks', async () => {
    const { sources } = await readSources([join(folder, 'mark.yaml')], noInput);
    expect(sources[0]?.text).toBe('\uFEFFa: 1\r\n');
  });

  test('reads standard input', async () => {
    const { sources } = await readSources(['-'], () => Promise.resolve(Buffer.from('a: ä')));
    expect(sources).toEqual([{ name: '<stdin>', text: 'a: ä' }]);
  });

  test.each([
    ['nothing-there.yaml', /no such file/],
    ['latin1.yaml', /not UTF-8/],
    ['empty', /holds no \.yaml/],
    ['dangling', /no such file/],
  ])('names what is wrong with %s', async (name, message) => {
    const { sources, problems } = await readSources([join(folder, name)], noInput);
    expect(sources).toEqual([]);
    expect(problems[0]?.where).toContain(join(folder, name));
    expect(problems[0]?.message).toMatch(message);
  });

  test('collects all problems', async () => {
    const { problems } = await readSources([join(folder, 'x'), join(folder, 'empty')], noInput);
    expect(problems).toHaveLength(2);
  });
});
