import { openCache, readPin } from '../../../test/harness/tools/cache.ts';
import { read, run } from '../../../test/harness/tools/command.ts';
import { isInstalled } from '../../../test/harness/tools/packages.ts';
import type { Tool } from '../../../test/harness/tools/tool.ts';
import { root } from '../../checkout.ts';

const folder = 'scripts/bench/mesh/istiod';
const program = 'pilot-discovery';

/** Finds Istio's control plane: in the cache, else built with Go from the pinned module, which takes minutes. */
export async function prepareIstiod(say: (line: string) => void): Promise<Tool> {
  const pins = await Promise.all(['go.mod', 'go.sum'].map((name) => readPin(`${folder}/${name}`)));
  const cache = openCache('istiod', pins);
  const ready: Tool = { state: 'ready', env: { ISTIOD_BIN: cache.path(program) } };
  if (cache.has(program)) return ready;
  if (!isInstalled('go')) return { state: 'missing', needs: 'Go 1.26 to build istiod' };
  const cwd = `${root}/${folder}`;
  if ((await read(['go', '-C', cwd, 'mod', 'download', 'istio.io/istio'])) === undefined)
    return { state: 'missing', needs: 'the Go module istio.io/istio, which is not to be had' };
  say('building istiod, which takes minutes …');
  try {
    await cache.add([program], async (output) => {
      const path = `istio.io/istio/pilot/cmd/${program}`;
      const build = ['go', 'build', '-trimpath', '-ldflags', '-s -w', '-o', `${output}/${program}`, path] as const;
      if ((await run(build, { cwd, env: { CGO_ENABLED: '0' } })) !== 0) throw new Error('istiod could not be built');
    });
  } catch (error) {
    return { state: 'broken', problem: error instanceof Error ? error.message : String(error) };
  }
  return ready;
}
