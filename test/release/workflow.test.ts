import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { root } from '../../scripts/checkout.ts';

const run = promisify(execFile);
const workflow = path.join(root, '.github/workflows/release.yaml');

test('actionlint finds nothing in the workflow', async () => {
  const found = await run(process.env['ACTIONLINT_BIN'] ?? 'actionlint', ['-no-color', workflow]).catch(
    ({ stdout }: { stdout: string }) => ({ stdout }),
  );
  expect(found.stdout).toBe('');
});

test('every action is pinned to a commit', async () => {
  const text = await readFile(workflow, 'utf8');
  const used = [...text.matchAll(/uses: (?<action>\S+)/g)].map((match) => match.groups?.['action'] ?? '');
  for (const action of used) expect(action).toMatch(/@[0-9a-f]{40}$/);
});

test('its token may write only what it writes', async () => {
  const { permissions, jobs } = parse(await readFile(workflow, 'utf8')) as {
    permissions: object;
    jobs: Record<string, { permissions: object }>;
  };
  expect(permissions).toEqual({});
  expect(jobs['release']?.permissions).toEqual({ contents: 'write', packages: 'write' });
});
