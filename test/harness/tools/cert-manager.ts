import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../../../scripts/checkout.ts';
import { openCache, readPin } from './cache.ts';
import { read, run } from './command.ts';
import { isInstalled } from './packages.ts';
import { say, seconds, type Tool } from './tool.ts';

const folder = 'test/cert-manager/program';

/** Finds cert-manager's controllers and the definitions of its kinds in the cache, or else makes them from its Go module. */
export async function prepareCertManager(): Promise<Tool> {
  const pins = await Promise.all(['go.mod', 'go.sum', 'main.go'].map((file) => readPin(`${folder}/${file}`)));
  const cache = openCache('cert-manager', pins);
  const env = { CERT_MANAGER_BIN: cache.path('cert-manager'), CERT_MANAGER_CRDS: cache.path('crds.yaml') };
  if (cache.has('cert-manager') && cache.has('crds.yaml')) return { state: 'ready', env };
  if (!isInstalled('go')) return { state: 'missing', needs: 'Go 1.26 to build cert-manager' };
  const startMs = Date.now();
  const cwd = path.join(root, folder);
  try {
    await cache.add(['cert-manager', 'crds.yaml'], async (target) => {
      const build = ['go', 'build', '-trimpath', '-ldflags', '-s -w', '-o', `${target}/cert-manager`, '.'] as const;
      if ((await run(build, { cwd, env: { CGO_ENABLED: '0' } })) !== 0) throw new Error(`go build ${folder} failed`);
      const list = ['go', '-C', cwd, 'list', '-m', '-f', '{{.Dir}}', 'github.com/cert-manager/cert-manager'] as const;
      const definitions = path.join((await read(list)) ?? '', 'deploy/crds');
      const files = (await readdir(definitions)).filter((name) => name.endsWith('.yaml'));
      const texts = await Promise.all(files.map((name) => readFile(path.join(definitions, name), 'utf8')));
      await writeFile(path.join(target, 'crds.yaml'), texts.join('\n---\n'));
    });
  } catch (error) {
    return { state: 'broken', problem: error instanceof Error ? error.message : String(error) };
  }
  say(`cert-manager ready after ${seconds(startMs)}`);
  return { state: 'ready', env };
}
