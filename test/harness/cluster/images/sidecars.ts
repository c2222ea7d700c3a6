import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { root } from '../../../../scripts/checkout.ts';
import type { Image } from './archive.ts';
import { baseLayers, debian, debianWithNode } from './base.ts';
import type { ImageConfig } from './dockerfile.ts';
import { pinnedLayer, type Layer } from './layer.ts';

/** What an image holds, whatever its tag. */
interface Content {
  readonly config: ImageConfig;
  readonly layers: () => Promise<readonly Layer[]>;
}

const templates = path.join(root, 'deploy/sidecars');
const standIns = path.join(root, 'test/support/sidecars/stand-ins');

/** By repository: Debian's program where Debian has it; else the stand-in that the sidecars' own tests use. */
const contents: Readonly<Record<string, Content>> = {
  nginx: debianProgram('nginx', 'nginx'),
  'quay.io/prometheus/node-exporter': debianProgram('prometheus-node-exporter', 'prometheus-node-exporter'),
  'lusotycoon/apache-exporter': debianProgram('prometheus-apache-exporter', 'prometheus-apache-exporter'),
  'fluent/fluent-bit': standIn('log-shipper', 'fluent-bit'),
  'fluent/fluentd': standIn('log-shipper', 'fluentd-entrypoint'),
  'osquery/osquery': standIn('security-agent', 'osqueryd'),
};

/** The images that the shipped sidecars name, under those names. */
export async function sidecarImages(): Promise<readonly Image[]> {
  const images: Image[] = [];
  for (const name of await listNames()) {
    const content = contents[name.replace(/:[^/]*$/, '')];
    if (content === undefined) throw new Error(`no image of ${name}: add it to ${import.meta.filename}`);
    images.push({ name, config: content.config, layers: await content.layers() });
  }
  return images;
}

async function listNames(): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const entry of await readdir(templates, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const text = await readFile(path.join(templates, entry.name, 'template.yaml'), 'utf8');
    for (const document of parseAllDocuments(text, { version: '1.1' })) {
      const { spec } = document.toJS() as { spec: { containers?: readonly { image?: string }[] } };
      for (const { image } of spec.containers ?? []) if (image !== undefined) names.add(image);
    }
  }
  return [...names];
}

function debianProgram(packageName: string, program: string): Content {
  return { config: { Entrypoint: [program] }, layers: () => baseLayers(debian, [packageName]) };
}

/** An image whose `program`, which is also its entry point, is a script of the tests. */
function standIn(script: string, program: string): Content {
  const layers = async () => {
    const source = path.join(standIns, `${script}.ts`);
    const start = `#!/bin/sh\nexec node --disable-warning=ExperimentalWarning /stand-in/${script}.ts "$@"\n`;
    const layer = await pinnedLayer(['stand-in', start, program, await readFile(source)], async (folder) => {
      for (const name of ['stand-in', 'usr/bin']) await mkdir(path.join(folder, name), { recursive: true });
      await copyFile(source, path.join(folder, 'stand-in', `${script}.ts`));
      await writeFile(path.join(folder, 'usr/bin', program), start);
      await chmod(path.join(folder, 'usr/bin', program), 0o755);
    });
    return [...(await baseLayers(debianWithNode, [])), layer];
  };
  return { config: { Entrypoint: [program] }, layers };
}
