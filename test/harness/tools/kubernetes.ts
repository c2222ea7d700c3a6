import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../../../scripts/checkout.ts';
import { openCache, readPin, type ProgramCache } from './cache.ts';
import { read, run, type Command } from './command.ts';
import { isInstalled } from './packages.ts';
import { say, seconds, type Tool } from './tool.ts';

/** Programs of a Kubernetes control plane, and kubectl. */
const kubernetesPrograms = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl'] as const;
/** What runs on a node beside the container runtime, and the scheduler that gives it something to do. */
export const nodePrograms = ['kube-scheduler', 'kubelet', 'kube-proxy'] as const;
/** One of them. */
export type KubernetesProgram = (typeof kubernetesPrograms)[number] | (typeof nodePrograms)[number];

const moduleFolder = 'test/cluster/tools';

/** Open the cache of programs built from the pinned Go modules; also says where its programs would be. */
async function openKubernetesCache(): Promise<ProgramCache> {
  const pins = await Promise.all(['go.mod', 'go.sum'].map((name) => readPin(`${moduleFolder}/${name}`)));
  return openCache('kubernetes', pins);
}

/**
 * Finds the programs, each at the first of: `$KUBEBUILDER_ASSETS`, the cache, a build from the pinned Go modules
 * (minutes when cold). `KUBEBUILDER_ASSETS` of a ready answer is as given, or else the cache, which also comes first in
 * `PATH`, for what a given folder lacks.
 */
export async function prepareKubernetes(wanted: readonly KubernetesProgram[] = kubernetesPrograms): Promise<Tool> {
  const cache = await openKubernetesCache();
  const given = process.env['KUBEBUILDER_ASSETS'] ?? '';
  const isGiven = (name: string) => given !== '' && existsSync(path.join(given, name));
  const assets = isGiven('etcd') && isGiven('kube-apiserver') ? given : cache.folder;
  const ready: Tool = { state: 'ready', env: { KUBEBUILDER_ASSETS: assets }, folders: [cache.folder] };
  const missing = wanted.filter((name) => !existsSync(path.join(assets, name)) && !cache.has(name));
  if (missing.length === 0) return ready;
  if (!isInstalled('go')) {
    return { state: 'missing', needs: `Go 1.26 to build ${missing.join(', ')}, or KUBEBUILDER_ASSETS that holds them` };
  }
  const startMs = Date.now();
  const log = path.join(cache.folder, 'build.log');
  await mkdir(cache.folder, { recursive: true });
  say(`building ${missing.join(', ')} in the background; log: ${log}`);
  const output = openSync(log, 'w');
  try {
    await cache.add(missing, (folder) => build(missing, folder, output));
  } catch (error) {
    const tail = (await readFile(log, 'utf8')).split('\n').slice(-20).join('\n');
    return { state: 'broken', problem: `${error instanceof Error ? error.message : String(error)}:\n${tail}` };
  } finally {
    closeSync(output);
  }
  say(`${missing.join(', ')} ready after ${seconds(startMs)}`);
  return ready;
}

/** The path of a program in the environment that a ready tool gave: in `KUBEBUILDER_ASSETS`, else in `PATH`. */
export function findProgram(name: KubernetesProgram, env: Readonly<Record<string, string | undefined>>): string {
  const folders = [env['KUBEBUILDER_ASSETS'] ?? '', ...(env['PATH'] ?? '').split(':')].filter(
    (folder) => folder !== '',
  );
  const folder = folders.find((candidate) => existsSync(path.join(candidate, name)));
  if (folder === undefined) {
    throw new Error(`${name} is neither in KUBEBUILDER_ASSETS nor in PATH: \`make test\` builds it with Go`);
  }
  return path.join(folder, name);
}

async function build(programs: readonly KubernetesProgram[], folder: string, output: number): Promise<void> {
  const cwd = path.join(root, moduleFolder);
  const env = { CGO_ENABLED: '0' };
  const version = (await read(['go', '-C', cwd, 'list', '-m', '-f', '{{.Version}}', 'k8s.io/kubernetes'])) ?? '';
  const [, minor] = version.split('.');
  if (minor === undefined) throw new Error(`go cannot tell the version of k8s.io/kubernetes in ${moduleFolder}`);
  // Without these the server calls itself v0.0.0-master, and clients that look at its version are misled.
  const stamp = { gitVersion: version, gitMajor: '1', gitMinor: minor, gitTreeState: 'clean' };
  const stamps = Object.entries(stamp).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  const commands: Command[] = [];
  const fromKubernetes = programs.filter((name) => name !== 'etcd');
  if (fromKubernetes.length > 0) {
    const paths = fromKubernetes.map((name) => `k8s.io/kubernetes/cmd/${name}`);
    commands.push(['go', 'build', '-trimpath', '-ldflags', `-s -w ${stamps.join(' ')}`, '-o', `${folder}/`, ...paths]);
  }
  if (programs.includes('etcd')) {
    // The package is called server: only a file name gives the program its own.
    commands.push([
      'go',
      'build',
      '-trimpath',
      '-ldflags',
      '-s -w',
      '-o',
      `${folder}/etcd`,
      'go.etcd.io/etcd/server/v3',
    ]);
  }
  for (const command of commands) {
    if ((await run(command, { cwd, env, output })) !== 0) throw new Error(`${command.slice(0, 2).join(' ')} failed`);
  }
}
