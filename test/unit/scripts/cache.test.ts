import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openCache } from '../../../scripts/tools/cache.ts';

let home: string;
const before = process.env['XDG_CACHE_HOME'];

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'cache-test-'));
  process.env['XDG_CACHE_HOME'] = home;
});

afterEach(async () => {
  if (before === undefined) delete process.env['XDG_CACHE_HOME'];
  else process.env['XDG_CACHE_HOME'] = before;
  await rm(home, { recursive: true });
});

test('a finished program is there, and nothing else is', async () => {
  const cache = openCache('kind', ['pin']);
  await cache.add(['a'], async (folder) => {
    await writeFile(path.join(folder, 'a'), 'program');
    await writeFile(path.join(folder, 'rest'), 'of the build');
  });
  expect(await readFile(cache.path('a'), 'utf8')).toBe('program');
  expect(await readdir(cache.folder)).toEqual(['a']);
  expect(await readdir(path.join(home, 'sidecar-injector'))).toEqual([path.basename(cache.folder)]);
});

test('what a broken build left behind is not used', async () => {
  const cache = openCache('kind', ['pin']);
  const broken = cache.add(['a'], async (folder) => {
    await writeFile(path.join(folder, 'a'), 'half a pro');
    throw new Error('disk full');
  });
  await expect(broken).rejects.toThrow('disk full');
  expect(cache.has('a')).toBe(false);
  expect(await readdir(cache.folder)).toEqual([]);
});

test('other pins have another folder', () => {
  const folders = [['1'], ['2'], ['1', '2'], ['12']].map((pins) => openCache('kind', pins).folder);
  expect(new Set(folders).size).toBe(4);
});
