import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../../../scripts/checkout.ts';
import { openCache, readPin } from './cache.ts';
import { read, run, type Command } from './command.ts';
import { isInstalled } from './packages.ts';
import { say, seconds, type Tool } from './tool.ts';

const folder = 'test/conformance';
const pinned = [
  'suite/go.mod',
  'suite/go.sum',
  'suite/conformance_test.go',
  'echo/go.mod',
  'echo/go.sum',
  'echo/client/main.go',
];
const modules = { suite: 'sigs.k8s.io/gateway-api/conformance', echo: 'istio.io/istio' } as const;
/** The suite, the programs of its image, its kinds, and the manifests that name the image. */
const parts = ['suite', 'server', 'echo-client', 'client', 'kinds.yaml', 'mesh.yaml'];
const echo = 'istio.io/istio/pkg/test/echo/cmd';

/**
 * Finds Gateway API's conformance suite and what it runs in pods: in the cache, else built with Go from the pinned modules. The
 * variable `GATEWAY_CONFORMANCE` is the folder.
 */
export async function prepareGatewayConformance(): Promise<Tool> {
  const pins = await Promise.all(pinned.map((name) => readPin(`${folder}/${name}`)));
  const cache = openCache('gateway-conformance', pins);
  const ready: Tool = { state: 'ready', env: { GATEWAY_CONFORMANCE: cache.folder } };
  if (parts.every((name) => cache.has(name))) return ready;
  if (!isInstalled('go')) return { state: 'missing', needs: 'Go 1.26 to build Gateway API’s conformance suite' };
  for (const [place, module] of Object.entries(modules)) {
    const download = ['go', '-C', path.join(root, folder, place), 'mod', 'download', module] as const;
    if ((await read(download)) === undefined) {
      return { state: 'missing', needs: `the Go module ${module}, which is not to be had` };
    }
  }
  const startMs = Date.now();
  say('building Gateway API’s conformance suite in the background');
  try {
    await cache.add(parts, build);
  } catch (error) {
    return { state: 'broken', problem: error instanceof Error ? error.message : String(error) };
  }
  say(`Gateway API’s conformance suite ready after ${seconds(startMs)}`);
  return ready;
}

async function build(output: string): Promise<void> {
  const flags = ['-trimpath', '-ldflags', '-s -w'] as const;
  const commands: readonly (readonly [place: string, Command])[] = [
    ['suite', ['go', 'test', '-c', ...flags, '-o', `${output}/suite`, '.']],
    ['echo', ['go', 'build', ...flags, '-o', `${output}/echo-client`, `${echo}/client`]],
    ['echo', ['go', 'build', ...flags, '-o', `${output}/`, `${echo}/server`, './client']],
  ];
  for (const [place, command] of commands) {
    const options = { cwd: path.join(root, folder, place), env: { CGO_ENABLED: '0' } };
    if ((await run(command, options)) !== 0) throw new Error(`${command.slice(0, 2).join(' ')} in ${place} failed`);
  }
  const kinds = path.join(await sourcesOf('sigs.k8s.io/gateway-api'), 'config/crd/experimental');
  const files = (await readdir(kinds)).filter((name) => name.startsWith('gateway.')).toSorted();
  const texts = await Promise.all(files.map((name) => readFile(path.join(kinds, name), 'utf8')));
  await writeFile(path.join(output, 'kinds.yaml'), texts.join('\n---\n'));
  await cp(path.join(await sourcesOf(modules.suite), 'mesh/manifests.yaml'), path.join(output, 'mesh.yaml'));
}

/** The folder of a module that the suite is built from. */
async function sourcesOf(module: string): Promise<string> {
  const list = ['go', '-C', path.join(root, folder, 'suite'), 'list', '-m', '-f', '{{.Dir}}', module] as const;
  const sources = await read(list);
  if (sources === undefined || sources === '') throw new Error(`go does not know where ${module} is`);
  return sources;
}
