import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { root } from '../../../../scripts/checkout.ts';
import { read, run } from '../../tools/command.ts';
import { findProgram, type KubernetesProgram } from '../../tools/kubernetes.ts';
import { containerdSocket, writeConfiguration } from './configuration.ts';
import { createCgroup, keepMachineSettings } from './machine.ts';
import { prepareImageStore } from './image-store.ts';
import { createNetwork } from './network.ts';
import { adminKubeconfig, insideNetwork, nodeName, type Place } from './place.ts';
import { findProcess, startProcess } from './process.ts';
import { components, type Component } from './programs.ts';

/** What a start needs from this machine. */
export interface StartOptions {
  /** Variables that tell where the Kubernetes programs are, as a ready tool gives them. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** An archive of images to import first; none when the node resumes with those that it has. */
  readonly images?: string | undefined;
}

/** Starts a node and its control plane and waits until it is ready and its DNS answers. */
export async function startNode(place: Place, { env, images }: StartOptions): Promise<void> {
  await keepMachineSettings();
  await mkdir(place.runFolder, { recursive: true });
  await rm(path.join(place.folder, 'log'), { recursive: true, force: true });
  await writeConfiguration(place);
  await prepareImageStore(place);
  await createNetwork(place);
  await startComponents(place, { env, images });
}

/** Starts what runs on a node whose network is there. */
export async function startComponents(place: Place, { env, images }: StartOptions): Promise<void> {
  await createCgroup(place);
  const start = (name: Component) => startComponent(place, name, env);
  const kubectl = [findProgram('kubectl', env), `--kubeconfig=${adminKubeconfig(place)}`, '--request-timeout=5s'];
  const ask = (...words: string[]) => read([...insideNetwork(place), ...kubectl, ...words]);
  const watch = (what: string, names: readonly Component[], done: () => Promise<boolean>) =>
    waitFor(what, place, names, done);

  await Promise.all([start('etcd'), start('containerd')]);
  await start('kube-apiserver');
  const imported = images === undefined ? undefined : importImages(place, images);
  await watch('the API server', ['etcd', 'kube-apiserver'], async () => (await ask('get', '--raw=/readyz')) === 'ok');
  for (const name of ['kube-controller-manager', 'kube-scheduler', 'kube-proxy'] as const) await start(name);
  await imported;
  await start('kubelet');
  await watch('the service account of kube-system', ['kube-controller-manager'], async () => {
    return (await ask('-n', 'kube-system', 'get', 'serviceaccount', 'default', '-o', 'name')) !== undefined;
  });
  if ((await ask('apply', '-f', path.join(root, 'test/cluster/dns.yaml'))) === undefined) {
    throw new Error('test/cluster/dns.yaml could not be applied');
  }
  const names = Object.keys(components) as Component[];
  await watch('the node', names, async () => {
    const status = '-o=jsonpath={.status.conditions[?(@.type=="Ready")].status}';
    return (await ask('get', `node/${nodeName}`, status)) === 'True';
  });
  await watch('DNS', names, async () => {
    return (await ask('-n', 'kube-system', 'get', 'deployment/coredns', '-o=jsonpath={.status.readyReplicas}')) === '1';
  });
}

/** Starts one component, without waiting for it to be of use. */
export async function startComponent(place: Place, name: Component, env: StartOptions['env']): Promise<void> {
  const find = (program: string) => findProgram(program as KubernetesProgram, env);
  await startProcess(place, name, components[name](place, find));
}

/** Brings images into the container runtime, under the names in the archive. */
export async function importImages(place: Place, archive: string): Promise<void> {
  const socket = containerdSocket(place);
  await waitFor('containerd', place, ['containerd'], () => Promise.resolve(existsSync(socket)));
  const load = ['ctr', '--address', socket, '--namespace', 'k8s.io', 'images', 'import', archive] as const;
  if ((await run([...insideNetwork(place), ...load], { output: 'ignore' })) !== 0) {
    throw new Error(`${archive} could not be imported`);
  }
}

async function waitFor(
  what: string,
  place: Place,
  names: readonly Component[],
  done: () => Promise<boolean>,
): Promise<void> {
  const limitMs = 120_000;
  const end = Date.now() + limitMs;
  while (!(await done())) {
    for (const name of names) {
      if ((await findProcess(place, name)) === undefined) throw new Error(await tellEnd(place, name));
    }
    if (Date.now() > end) throw new Error(`${what} was not ready after ${limitMs / 1000} s; logs: ${place.folder}/log`);
    await pause(100);
  }
}

async function tellEnd(place: Place, name: string): Promise<string> {
  const log = await readFile(path.join(place.folder, 'log', `${name}.log`), 'utf8').catch(() => '');
  return `${name} has ended:\n${log.slice(-3000)}`;
}
