import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openCache } from './cache.ts';
import { run } from './command.ts';
import { say, seconds, type Tool } from './tool.ts';

/** The oldest line of Node.js that is maintained, which users of the library may have. */
const version = '22.23.5';

/** Finds it in the cache, or else takes it from the package that the package `node` is made of. */
export async function prepareOlderNode(): Promise<Tool> {
  const name = `node-${process.platform}-${process.arch}`;
  const cache = openCache('older-node', [version]);
  const ready: Tool = { state: 'ready', env: { OLDER_NODE_BIN: cache.path('node') } };
  if (cache.has('node')) return ready;
  const startMs = Date.now();
  const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-node-'));
  try {
    await cache.add(['node'], async (half) => {
      const install = ['npm', 'install', '--no-save', '--no-audit', '--no-fund', '--prefix', folder] as const;
      if ((await run([...install, `${name}@${version}`])) !== 0)
        throw new Error(`${name}@${version} was not installed`);
      await copyFile(path.join(folder, 'node_modules', name, 'bin/node'), path.join(half, 'node'));
    });
  } catch (error) {
    return { state: 'broken', problem: error instanceof Error ? error.message : String(error) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  say(`Node ${version} ready after ${seconds(startMs)}`);
  return ready;
}
