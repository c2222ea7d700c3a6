import { mkdir, mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openCache } from '../../harness/tools/cache.ts';

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

test('what nobody has opened for two weeks goes when something of its kind is added', async () => {
  const parent = path.join(home, 'sidecar-injector');
  const old = new Date(Date.now() - 15 * 24 * 3_600_000);
  const caches = ['unused', 'opened again', 'recent'].map((pin) => openCache('kind', [pin]));
  const other = openCache('another-kind', ['unused']);
  for (const { folder } of [...caches, other]) await mkdir(folder, { recursive: true });
  const [unused, opened, recent] = caches.map(({ folder }) => folder);
  for (const folder of [unused, opened, other.folder]) await utimes(folder ?? '', old, old);
  openCache('kind', ['opened again']);
  const added = openCache('kind', ['added']);
  await added.add(['a'], (folder) => writeFile(path.join(folder, 'a'), ''));
  const left = [opened, recent, added.folder, other.folder].map((folder) => path.basename(folder ?? ''));
  expect((await readdir(parent)).toSorted()).toEqual(left.toSorted());
});
