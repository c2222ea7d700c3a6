import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../../../scripts/checkout.ts';
import { openCache, readPin } from './cache.ts';
import { read, run } from './command.ts';
import { isInstalled } from './packages.ts';
import { say, seconds, type Tool } from './tool.ts';

const folder = 'test/istiod/programs';
const module = 'istio.io/istio';
const programs = ['pilot-discovery', 'pilot-agent'] as const;

/** Files of the module beside the programs: the bootstrap that the agent fills, and Istio's kinds. */
const sources = {
  'envoy_bootstrap.json': 'tools/packaging/common/envoy_bootstrap.json',
  'kinds.yaml': 'manifests/charts/base/files/crd-all.gen.yaml',
} as const;

/**
 * Finds Istio's control plane and agent: in the cache, else built with Go from the pinned module, which takes minutes. The variable
 * `ISTIOD_PROGRAMS` is their folder.
 */
export async function prepareIstiod(): Promise<Tool> {
  const pins = await Promise.all(['go.mod', 'go.sum'].map((name) => readPin(`${folder}/${name}`)));
  const cache = openCache('istiod', pins);
  const ready: Tool = { state: 'ready', env: { ISTIOD_PROGRAMS: cache.folder } };
  const names = [...programs, ...Object.keys(sources)];
  if (names.every((name) => cache.has(name))) return ready;
  if (!isInstalled('go')) return { state: 'missing', needs: 'Go 1.26 to build istiod' };
  if ((await read(['go', '-C', path.join(root, folder), 'mod', 'download', module])) === undefined)
    return { state: 'missing', needs: `the Go module ${module}, which is not to be had` };
  const startMs = Date.now();
  say('building istiod in the background');
  try {
    await cache.add(names, build);
  } catch (error) {
    return { state: 'broken', problem: error instanceof Error ? error.message : String(error) };
  }
  say(`istiod ready after ${seconds(startMs)}`);
  return ready;
}

async function build(output: string): Promise<void> {
  const cwd = path.join(root, folder);
  const packages = programs.map((name) => `${module}/pilot/cmd/${name}`);
  const command = ['go', 'build', '-trimpath', '-ldflags', '-s -w', '-o', `${output}/`, ...packages] as const;
  if ((await run(command, { cwd, env: { CGO_ENABLED: '0' } })) !== 0) throw new Error('istiod could not be built');
  const place = await read(['go', '-C', cwd, 'list', '-m', '-f', '{{.Dir}}', module]);
  if (place === undefined || place === '') throw new Error(`go does not know where ${module} is`);
  for (const [name, source] of Object.entries(sources))
    await copyFile(path.join(place, source), path.join(output, name));
}
