import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { root } from '../../scripts/checkout.ts';
import { openCrane, startRegistry, type Crane, type LocalRegistry } from '../../scripts/release/crane.ts';
import { architectures, buildImage, type BuiltImage, type ImageTools } from '../../scripts/release/images.ts';

jest.setTimeout(180_000);

const run = promisify(execFile);
const program = process.env['CRANE_BIN'] ?? 'crane';
let folder: string;
let registry: LocalRegistry;
let crane: Crane;
let tools: ImageTools;
const asked: string[] = [];

/** An archive with one file. */
async function archiveOf(name: string, text: string): Promise<string> {
  const content = await mkdtemp(path.join(folder, 'content-'));
  await mkdir(path.join(content, path.dirname(name)), { recursive: true });
  await writeFile(path.join(content, name), text);
  await run('tar', ['--create', '--file', `${content}.tar`, '--mtime=@0', '--sort=name', '--directory', content, '.']);
  return `${content}.tar`;
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'release-'));
  await run(process.execPath, ['--disable-warning=ExperimentalWarning', path.join(root, 'scripts/build.ts')], {
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  crane = openCrane(program);
  await mkdir(path.join(folder, 'registry'));
  registry = await startRegistry(program, path.join(folder, 'registry'));
  // In place of the base that cannot be had without a registry: one of two platforms, with an entry point of its own.
  const base = `${registry.name}/base:1`;
  const parts = architectures.map((architecture) => `${base}-${architecture}`);
  for (const [index, part] of parts.entries()) {
    const layer = await archiveOf('nodejs/bin/node', architectures[index] ?? '');
    await crane('append', '--oci-empty-base', '--new_layer', layer, '--new_tag', part);
    await crane('mutate', part, '--tag', part, `--set-platform=linux/${architectures[index]}`, '--entrypoint=/other');
  }
  await crane('index', 'append', ...parts.flatMap((part) => ['--manifest', part]), '--tag', base);
  tools = {
    crane,
    registry,
    folder,
    base: (name) => {
      asked.push(name);
      return base;
    },
    debian: (architecture, packages) => archiveOf('etc/packages', `${architecture} ${packages.join(' ')}`),
  };
});
afterAll(async () => {
  await registry.stop();
  await rm(folder, { recursive: true });
});

interface Index {
  readonly manifests: readonly { readonly digest: string; readonly platform: object }[];
}

async function indexOf({ reference }: BuiltImage): Promise<Index> {
  return JSON.parse(await crane('manifest', reference)) as Index;
}

async function filesOf({ reference }: BuiltImage, architecture: string): Promise<string> {
  const archive = path.join(folder, 'image.tar');
  await crane('export', '--platform', `linux/${architecture}`, reference, archive);
  return archive;
}

const readMember = async (archive: string, name: string) => (await run('tar', ['-xOf', archive, name])).stdout;

describe('the image of the injector', () => {
  let image: BuiltImage;
  beforeAll(async () => {
    image = await buildImage('sidecar-injector', '9.9.9', tools);
  });

  test('is one index of both platforms, on the base that the Dockerfile names', async () => {
    const { manifests } = await indexOf(image);
    expect(manifests.map(({ platform }) => platform)).toEqual(
      architectures.map((architecture) => ({ os: 'linux', architecture })),
    );
    expect(new Set(asked)).toEqual(new Set(['gcr.io/distroless/nodejs24-debian12:nonroot']));
    await crane('validate', '--remote', image.reference);
  });

  test.each(architectures)(
    'has for %s the base of that platform, the bundle, and what the Dockerfile says',
    async (architecture) => {
      const { config } = JSON.parse(await crane('config', '--platform', `linux/${architecture}`, image.reference)) as {
        config: object;
      };
      expect(config).toMatchObject({
        Entrypoint: ['/nodejs/bin/node', '--no-maglev', '/app/sidecar-injector.mjs'],
        Cmd: ['serve'],
        User: '65532:65532',
        WorkingDir: '/app',
        Env: expect.arrayContaining([
          'NODE_ENV=production',
          'NODE_OPTIONS=--max-semi-space-size=8',
          'MALLOC_ARENA_MAX=1',
        ]),
        ExposedPorts: { '8443/tcp': {}, '9090/tcp': {} },
        Labels: expect.objectContaining({ 'org.opencontainers.image.version': '9.9.9' }),
      });
      const archive = await filesOf(image, architecture);
      expect(await readMember(archive, 'nodejs/bin/node')).toBe(architecture);
      const bundle = await readFile(path.join(root, 'dist/sidecar-injector.mjs'), 'utf8');
      expect(await readMember(archive, 'app/sidecar-injector.mjs')).toBe(bundle);
    },
  );

  test('has the same digest when it is built again from the same files', async () => {
    expect((await buildImage('sidecar-injector', '9.9.9', tools)).digest).toBe(image.digest);
  });

  test('is kept as an OCI layout with this digest', async () => {
    const layout = path.join(folder, 'layout');
    await crane('pull', '--format=oci', image.reference, layout);
    const { manifests } = JSON.parse(await readFile(path.join(layout, 'index.json'), 'utf8')) as Index;
    expect(manifests.map(({ digest }) => digest)).toEqual([image.digest]);
  });
});

test('the init image is Debian with the packages of the Dockerfile, for both platforms, and our two scripts', async () => {
  const image = await buildImage('sidecar-injector-init', '9.9.9', tools);
  for (const architecture of architectures) {
    const archive = await filesOf(image, architecture);
    expect(await readMember(archive, 'etc/packages')).toBe(`${architecture} iptables nftables iproute2`);
    const { stdout } = await run('tar', ['-tvf', archive]);
    expect(stdout).toMatch(/^-rwxr-xr-x .* usr\/local\/bin\/capture$/m);
    expect(stdout).toMatch(/^-rwxr-xr-x .* usr\/local\/bin\/try-connection\.pl$/m);
  }
});

test('crane’s problem is told', async () => {
  await expect(crane('digest', `${registry.name}/nothing:1`)).rejects.toThrow(/NAME_UNKNOWN|MANIFEST_UNKNOWN|404/);
});
