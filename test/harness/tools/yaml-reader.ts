import { root } from '../../../scripts/checkout.ts';
import { openCache, readPin } from './cache.ts';
import { run } from './command.ts';
import { isInstalled } from './packages.ts';
import { say, seconds, type Tool } from './tool.ts';

const moduleFolder = 'test/apiserver/yaml-reader';
const program = 'yaml-reader';

/** Finds the program that reads manifests as kubectl does: in the cache, or else built with Go, which takes seconds. */
export async function prepareYamlReader(): Promise<Tool> {
  const pins = await Promise.all(['go.mod', 'go.sum', 'main.go'].map((name) => readPin(`${moduleFolder}/${name}`)));
  const cache = openCache(program, pins);
  const ready: Tool = { state: 'ready', env: { YAML_READER_BIN: cache.path(program) } };
  if (cache.has(program)) return ready;
  if (!isInstalled('go')) return { state: 'missing', needs: 'Go 1.26 to build the reader of YAML' };
  const startMs = Date.now();
  try {
    await cache.add([program], async (folder) => {
      const build = ['go', 'build', '-trimpath', '-ldflags', '-s -w', '-o', `${folder}/${program}`, '.'] as const;
      const options = { cwd: `${root}/${moduleFolder}`, env: { CGO_ENABLED: '0' } };
      if ((await run(build, options)) !== 0) throw new Error(`go build ${moduleFolder} failed`);
    });
  } catch (error) {
    return { state: 'broken', problem: error instanceof Error ? error.message : String(error) };
  }
  say(`${program} ready after ${seconds(startMs)}`);
  return ready;
}
