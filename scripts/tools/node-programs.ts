import { openCache, readPin, root } from './cache.ts';
import { run } from './command.ts';
import { nodePrograms, prepareKubernetes } from './kubernetes.ts';
import { isInstalled } from './packages.ts';
import { say, seconds, type Tool } from './tool.ts';

const moduleFolder = 'test/cluster/programs';
const programs = ['coredns', 'pause'] as const;

/** What a node needs beside the Kubernetes programs: the paths of the DNS server and of the sandbox's program. */
export async function prepareNodePrograms(): Promise<Tool> {
  const kubernetes = await prepareKubernetes(nodePrograms);
  if (kubernetes.state !== 'ready') return kubernetes;
  const files = ['go.mod', 'go.sum', ...programs.map((name) => `${name}/main.go`)];
  const pins = await Promise.all(files.map((name) => readPin(`${moduleFolder}/${name}`)));
  const cache = openCache('node-programs', pins);
  const ready: Tool = {
    state: 'ready',
    env: { COREDNS_BIN: cache.path('coredns'), PAUSE_BIN: cache.path('pause') },
  };
  const missing = programs.filter((name) => !cache.has(name));
  if (missing.length === 0) return ready;
  if (!isInstalled('go')) return { state: 'missing', needs: `Go 1.26 to build ${missing.join(', ')}` };
  const startMs = Date.now();
  try {
    await cache.add(missing, async (folder) => {
      const packages = missing.map((name) => `./${name}`);
      const build = ['go', 'build', '-trimpath', '-ldflags', '-s -w', '-o', `${folder}/`, ...packages] as const;
      const options = { cwd: `${root}/${moduleFolder}`, env: { CGO_ENABLED: '0' } };
      if ((await run(build, options)) !== 0) throw new Error(`go build ${packages.join(' ')} failed`);
    });
  } catch (error) {
    return { state: 'broken', problem: error instanceof Error ? error.message : String(error) };
  }
  say(`${missing.join(', ')} ready after ${seconds(startMs)}`);
  return ready;
}
