// release.ts [manifests]   writes what a release consists of into release/: images, manifests, package, SBOM, checksums; or the
// manifests alone.
//   RELEASE_REGISTRY            registry and path that our own images are pushed to, such as registry.example.com/team
//   SIDECAR_INJECTOR_REGISTRY   every image of the manifests is taken from here, those of others as well
//   RELEASE_BASES               registry that has the base images; default: where the Dockerfile says
//   RELEASE_PUSH                true: pushes our own images
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from './checkout.ts';
import { openCrane, startRegistry } from './release/crane.ts';
import { buildImage, ownImages, type BuiltImage, type ImageTools } from './release/images.ts';
import { bootstrapDebian } from './release/debian.ts';
import { writeManifests } from './release/manifests.ts';
import { pathInRegistry } from './release/relocate.ts';
import { writePackage } from './release/package.ts';
import { run } from '../test/harness/tools/command.ts';
import { crane as craneProgram, prepareInstalled } from '../test/harness/tools/go-install.ts';
import { joinEnvironments } from '../test/harness/tools/tool.ts';
import { version } from '../src/settings/version.ts';

const target = path.join(root, 'release');
const registryGrammar = /^[a-z0-9][a-z0-9.-]*(?::\d+)?(?:\/[a-z0-9][a-z0-9._-]*)*$/;
const own = registryIn('RELEASE_REGISTRY');
const all = registryIn('SIDECAR_INJECTOR_REGISTRY');
const bases = registryIn('RELEASE_BASES');
const [only] = process.argv.slice(2);
if (only === 'manifests' && all === undefined) refuse('SIDECAR_INJECTOR_REGISTRY', undefined);
if (only === undefined && (own ?? all) === undefined) refuse('RELEASE_REGISTRY', undefined);

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
const digests = only === 'manifests' ? new Map<string, string>() : await writeImages();
await writeManifests(target, { own, all, digests });
if (only === undefined) await writePackage(target);
const sums: string[] = [];
for (const file of await filesUnder(target)) {
  const digest = createHash('sha256')
    .update(await readFile(path.join(target, file)))
    .digest('hex');
  sums.push(`${digest}  ${file}\n`);
}
await writeFile(path.join(target, 'SHA256SUMS'), sums.join(''));
for (const file of [...(await readdir(target))].toSorted()) process.stdout.write(`release/${file}\n`);

function refuse(name: string, value: string | undefined): never {
  process.stderr.write(
    `${name}: ${value === undefined ? 'is not set' : `"${value}"`}; allowed: a registry, with a path if need be, such as registry.example.com/team\n`,
  );
  process.exit(2);
}

function registryIn(name: string): string | undefined {
  const value = process.env[name];
  if (value === undefined || value === '') return undefined;
  return registryGrammar.test(value) ? value : refuse(name, value);
}

/** Builds our images, keeps each as an OCI layout, and pushes it if it is to be pushed; answers the digests by name. */
async function writeImages(): Promise<ReadonlyMap<string, string>> {
  const program = joinEnvironments([await prepareInstalled(craneProgram)])[craneProgram.variable] ?? '';
  const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-release-'));
  await mkdir(path.join(folder, 'registry'));
  const registry = await startRegistry(program, path.join(folder, 'registry'));
  try {
    if ((await run([process.execPath, path.join(root, 'scripts/build.ts')])) !== 0) throw new Error('no bundle');
    const tools: ImageTools = {
      crane: openCrane(program),
      registry,
      folder,
      base: (name) => (bases === undefined ? name : `${bases}/${pathInRegistry(name)}`),
      debian: (architecture, packages) => bootstrapDebian(architecture, packages, folder),
    };
    const built: BuiltImage[] = [];
    for (const name of Object.keys(ownImages)) {
      const image = await buildImage(name, version, tools);
      await tools.crane('pull', '--format=oci', image.reference, path.join(target, 'images', name));
      if (process.env['RELEASE_PUSH'] === 'true') {
        await tools.crane('copy', image.reference, `${own ?? all ?? ''}/${name}:${version}`);
      }
      process.stdout.write(`${name}:${version}@${image.digest}\n`);
      built.push(image);
    }
    return new Map(built.map(({ name, digest }) => [name, digest]));
  } finally {
    await registry.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function filesUnder(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .toSorted();
}
