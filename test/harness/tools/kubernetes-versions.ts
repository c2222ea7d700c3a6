import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openCache } from './cache.ts';
import { read, run } from './command.ts';
import { isInstalled } from './packages.ts';
import { say, seconds, type Tool } from './tool.ts';

/** Versions of the API server, oldest first: the oldest that is supported, and one of each further step up to the newest. */
export const apiServerVersions = ['1.29.6', '1.31.14', '1.34.10', '1.37.2'] as const;

/**
 * In-tree cloud providers of older versions, of which not every version can be had. The API server imports them for their
 * registration alone, so that empty packages take their place.
 */
const cloudProviders = {
  module: 'k8s.io/legacy-cloud-providers',
  packages: ['aws', 'azure', 'gce', 'vsphere'],
} as const;

/**
 * Finds kube-apiserver of a version in the cache, or else builds it from its Go module, which takes minutes. Its own go.mod pins what it is
 * made of; the staging modules, which it expects beside itself, are those of the same version.
 */
export async function prepareApiServer(version: string): Promise<Tool> {
  const recipe = await readFile(import.meta.filename);
  const cache = openCache('kube-apiserver', [version, recipe]);
  const ready: Tool = { state: 'ready', env: { KUBEBUILDER_ASSETS: cache.folder }, folders: [cache.folder] };
  if (cache.has('kube-apiserver')) return ready;
  if (!isInstalled('go')) return { state: 'missing', needs: `Go 1.26 to build kube-apiserver ${version}` };
  const startMs = Date.now();
  const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-kubernetes-'));
  try {
    await writeModule(version, folder);
    await cache.add(['kube-apiserver'], (target) => build(version, folder, target));
  } catch (error) {
    return { state: 'broken', problem: error instanceof Error ? error.message : String(error) };
  } finally {
    await rm(folder, { recursive: true });
  }
  say(`kube-apiserver ${version} ready after ${seconds(startMs)}`);
  return ready;
}

/** A module whose requirements are those of Kubernetes itself. */
async function writeModule(version: string, folder: string): Promise<void> {
  const text = await read(['go', 'mod', 'download', '-json', `k8s.io/kubernetes@v${version}`]);
  if (text === undefined) throw new Error(`there is no module k8s.io/kubernetes v${version}`);
  const { GoMod: file } = JSON.parse(text) as { GoMod: string };
  const own = await readFile(file, 'utf8');
  const requirements = own
    .replace(/^module .*$/m, 'module sidecar-injector.test/kubernetes')
    .replaceAll(/=> \.\/staging\/src\/(?<name>k8s\.io\/\S+)/g, `=> $<name> v0.${version.replace('1.', '')}`)
    .replace(new RegExp(`${cloudProviders.module} => .*`), `${cloudProviders.module} => ./cloud-providers`);
  await writeFile(path.join(folder, 'go.mod'), `${requirements}\nrequire k8s.io/kubernetes v${version}\n`);
  for (const name of cloudProviders.packages) {
    await mkdir(path.join(folder, 'cloud-providers', name), { recursive: true });
    await writeFile(path.join(folder, 'cloud-providers', name, `${name}.go`), `package ${name}\n`);
  }
  await writeFile(path.join(folder, 'cloud-providers', 'go.mod'), `module ${cloudProviders.module}\n`);
}

async function build(version: string, cwd: string, target: string): Promise<void> {
  const stamp = {
    gitVersion: `v${version}`,
    gitMajor: '1',
    gitMinor: version.split('.')[1] ?? '',
    gitTreeState: 'clean',
  };
  const stamps = Object.entries(stamp).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  const flags = ['-mod=mod', '-trimpath', '-ldflags', `-s -w ${stamps.join(' ')}`] as const;
  // Without the tag, an API server before 1.31 wants flags that only the provider of one cloud defines.
  const command = [
    'go',
    'build',
    '-tags',
    'providerless',
    ...flags,
    '-o',
    `${target}/`,
    'k8s.io/kubernetes/cmd/kube-apiserver',
  ] as const;
  if ((await run(command, { cwd, env: { CGO_ENABLED: '0', GOFLAGS: '' } })) !== 0) {
    throw new Error(`kube-apiserver ${version} could not be built`);
  }
}
