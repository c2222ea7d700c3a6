import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { watchDirectories } from '../../../src/runtime/watch.ts';
import { until } from '../../support/waiting.ts';

let folder: string;
let hints: number;
let watching: { stop(): void } | undefined;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'watch-'));
  hints = 0;
});
afterEach(async () => {
  watching?.stop();
  await rm(folder, { recursive: true });
});

const never = 2 ** 30;
const watchFolder = (pollMs: number, settleMs = 5) => {
  watching = watchDirectories([folder], () => void hints++, { pollMs, settleMs });
};
const hinted = () => until('a hint', () => (hints > 0 ? true : undefined));

test.each<[string, () => Promise<unknown>]>([
  ['a new file', () => writeFile(path.join(folder, 'a'), '')],
  ['a written file', () => writeFile(path.join(folder, 'old'), 'x')],
  ['a removed file', () => rm(path.join(folder, 'old'))],
  [
    'a swapped link',
    async () => {
      await mkdir(path.join(folder, '..2'));
      await symlink('..2', path.join(folder, '..tmp'));
      await rename(path.join(folder, '..tmp'), path.join(folder, '..data'));
    },
  ],
])('%s is a hint', async (_what, change) => {
  await writeFile(path.join(folder, 'old'), '');
  watchFolder(never);
  await change();
  await hinted();
});

test('many changes at once are few hints', async () => {
  watchFolder(never, 200);
  for (let index = 0; index < 50; index++) await writeFile(path.join(folder, `f${index}`), '');
  await hinted();
  expect(hints).toBeLessThan(10);
});

test('a directory that is not there is asked about all the same', async () => {
  watching = watchDirectories([path.join(folder, 'none')], () => void hints++, { pollMs: 5 });
  await hinted();
});

test('after the end there is no hint', async () => {
  watchFolder(5);
  await hinted();
  watching?.stop();
  const before = hints;
  let others = 0;
  const other = watchDirectories([folder], () => void others++, { pollMs: 5 });
  await writeFile(path.join(folder, 'a'), '');
  await until('hints of another one', () => (others > 5 ? true : undefined));
  other.stop();
  expect(hints).toBe(before);
});
