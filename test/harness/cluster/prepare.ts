import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { prepareEnvoy } from '../tools/envoy.ts';
import { prepareKubernetes } from '../tools/kubernetes.ts';
import { prepareNodePrograms } from '../tools/node-programs.ts';
import {
  prepareNetworkNamespaces,
  prepareNodePackages,
  preparePackages,
  prepareSidecarPackages,
} from '../tools/packages.ts';
import type { Tool } from '../tools/tool.ts';
import { writeArchive } from './images/archive.ts';
import { echoImage } from './images/echo.ts';
import { istioImages } from './images/istio.ts';
import { sidecarImages } from './images/sidecars.ts';
import { foreignImages, ownImages, thisCheckout, workbenchImage } from './images/table.ts';

/** Everything that a cluster is made of, prepared; what is missing is in the answer. */
export async function prepareClusterTools(): Promise<readonly Tool[]> {
  const tools: Tool[] = [];
  const steps = [
    prepareNetworkNamespaces,
    preparePackages,
    prepareNodePackages,
    prepareSidecarPackages,
    prepareEnvoy,
    prepareKubernetes,
    prepareNodePrograms,
  ];
  for (const prepare of steps) {
    tools.push(await prepare());
  }
  return tools;
}

/** An archive of images in a folder of its own. */
export interface ImageArchive {
  readonly file: string;
  remove(): Promise<void>;
}

/** Assembles every image that the cluster runs; `env` as the ready tools give it. */
export async function writeClusterImages(env: Readonly<Record<string, string>>): Promise<ImageArchive> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-images-'));
  const program = (name: string): string => {
    const file = env[name];
    if (file === undefined) throw new Error(`${name} is not set`);
    return file;
  };
  const programs = { envoy: program('ENVOY_BIN'), coredns: program('COREDNS_BIN'), pause: program('PAUSE_BIN') };
  const { GATEWAY_CONFORMANCE: conformance, ISTIOD_PROGRAMS: istio } = env;
  const images = [
    ...(await ownImages(await thisCheckout(), folder)),
    await workbenchImage(folder),
    ...(await foreignImages(programs)),
    ...(await sidecarImages()),
    ...(conformance === undefined ? [] : [await echoImage(conformance, folder)]),
    ...(istio === undefined ? [] : await istioImages(istio, programs.envoy)),
  ];
  const work = await mkdtemp(path.join(folder, 'archive-'));
  const file = path.join(folder, 'images.tar');
  await writeArchive(images, work, file);
  return { file, remove: () => rm(folder, { recursive: true, force: true }) };
}
