import { readFile, mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../checkout.ts';
import { readStage, type ImageConfig, type Stage } from '../../test/harness/cluster/images/dockerfile.ts';
import { copiesLayer } from '../../test/harness/cluster/images/table.ts';
import type { Crane, LocalRegistry } from './crane.ts';

/** The platforms of a release, as Debian and OCI name the architectures. */
export const architectures = ['amd64', 'arm64'] as const;
export type Architecture = (typeof architectures)[number];

/** Our images: the name of each, and its stage in the Dockerfile. */
export const ownImages: Readonly<Record<string, string>> = {
  'sidecar-injector': 'injector',
  'sidecar-injector-init': 'init',
};

/** What images are made of and with. */
export interface ImageTools {
  readonly crane: Crane;
  readonly registry: LocalRegistry;
  /** Takes what lies about on the way. */
  readonly folder: string;
  /** The base of a stage that installs no packages, by the name in the Dockerfile: an image of all platforms. */
  readonly base: (name: string) => string;
  /** An archive of the root file system of Debian with packages, for one architecture. */
  readonly debian: (architecture: Architecture, packages: readonly string[]) => Promise<string>;
}

/** An image in the local registry. */
export interface BuiltImage {
  readonly name: string;
  /** `REGISTRY/NAME:VERSION` */
  readonly reference: string;
  /** `sha256:…` of the index of all platforms. */
  readonly digest: string;
}

/**
 * Builds an image for all platforms from its stage in the Dockerfile, and pushes it to the local registry. Nothing runs inside
 * of the image, so that no emulator and no Docker is needed; the bundle is the same on all platforms.
 */
export async function buildImage(name: string, version: string, tools: ImageTools): Promise<BuiltImage> {
  const stage = readStage(await readFile(path.join(root, 'Dockerfile'), 'utf8'), ownImages[name] ?? name);
  const copies = await copiesLayer(stage, root, await mkdtemp(path.join(tools.folder, 'copies-')));
  const reference = `${tools.registry.name}/${name}:${version}`;
  const parts: string[] = [];
  for (const architecture of architectures) {
    const part = `${reference}-${architecture}`;
    await append(stage, architecture, [copies.file], part, tools);
    await tools.crane('mutate', part, '--tag', part, ...configFlags(stage.config, architecture, version));
    parts.push(part);
  }
  await tools.crane('index', 'append', ...parts.flatMap((part) => ['--manifest', part]), '--tag', reference);
  return { name, reference, digest: await tools.crane('digest', reference) };
}

/** Puts layers upon the base; a stage that installs packages has Debian with these packages as its base. */
async function append(
  stage: Stage,
  architecture: Architecture,
  layers: readonly string[],
  tag: string,
  { crane, base, debian }: ImageTools,
): Promise<void> {
  const files = (list: readonly string[]) => list.flatMap((file) => ['--new_layer', file]);
  const to = ['--new_tag', tag];
  if (stage.packages.length > 0) {
    const system = await debian(architecture, stage.packages);
    await crane('append', '--oci-empty-base', ...files([system, ...layers]), ...to);
  } else {
    await crane('append', '--platform', `linux/${architecture}`, '--base', base(stage.base), ...files(layers), ...to);
  }
}

function configFlags(config: ImageConfig, architecture: Architecture, version: string): readonly string[] {
  const labels = { title: 'sidecar-injector', version, licenses: 'Apache-2.0' };
  return [
    `--set-platform=linux/${architecture}`,
    ...(config.Entrypoint ?? []).map((word) => `--entrypoint=${word}`),
    ...(config.Cmd ?? []).map((word) => `--cmd=${word}`),
    ...(config.Env ?? []).map((variable) => `--env=${variable}`),
    ...(config.User === undefined ? [] : [`--user=${config.User}`]),
    ...(config.WorkingDir === undefined ? [] : [`--workdir=${config.WorkingDir}`]),
    ...Object.keys(config.ExposedPorts ?? {}).map((port) => `--exposed-ports=${port}`),
    ...Object.entries(labels).map(([label, value]) => `--label=org.opencontainers.image.${label}=${value}`),
  ];
}
