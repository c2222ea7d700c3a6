import { root } from '../../../scripts/checkout.ts';
import { openCache, readPin } from './cache.ts';
import { run } from './command.ts';
import { nodePrograms, prepareKubernetes } from './kubernetes.ts';
import { isInstalled } from './packages.ts';
import { say, seconds, type Tool } from './tool.ts';

const moduleFolder = 'test/cluster/programs';
/** Each with the package that it is built from. */
const programs = { coredns: './coredns', pause: './pause', kind: 'sigs.k8s.io/kind' } as const;
const names = Object.keys(programs) as (keyof typeof programs)[];

/**
 * What a node and its scenarios need beside the Kubernetes programs: the paths of the DNS server, of the sandbox's program,
 * and of kind, which checks the commands that are meant for it.
 */
export async function prepareNodePrograms(): Promise<Tool> {
  const kubernetes = await prepareKubernetes(nodePrograms);
  if (kubernetes.state !== 'ready') return kubernetes;
  const files = ['go.mod', 'go.sum', 'coredns/main.go', 'pause/main.go'];
  const pins = await Promise.all(files.map((name) => readPin(`${moduleFolder}/${name}`)));
  const cache = openCache('node-programs', pins);
  const ready: Tool = {
    state: 'ready',
    env: { COREDNS_BIN: cache.path('coredns'), PAUSE_BIN: cache.path('pause'), KIND_BIN: cache.path('kind') },
  };
  const missing = names.filter((name) => !cache.has(name));
  if (missing.length === 0) return ready;
  if (!isInstalled('go')) return { state: 'missing', needs: `Go 1.26 to build ${missing.join(', ')}` };
  const startMs = Date.now();
  try {
    await cache.add(missing, async (folder) => {
      const packages = missing.map((name) => programs[name]);
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
