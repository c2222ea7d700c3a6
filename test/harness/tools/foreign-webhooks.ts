import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { openCache } from './cache.ts';
import { read, run } from './command.ts';
import { isInstalled } from './packages.ts';
import { say, seconds, type Tool } from './tool.ts';

/** A webhook of another project, built from its own module as that pins everything. */
interface ForeignWebhook {
  readonly name: string;
  /** Path and version of the module. */
  readonly module: string;
  /** Package of the program, relative to the module. */
  readonly program: string;
  /** Folders with the definitions of its kinds, relative to the module. */
  readonly definitions: readonly string[];
  /** Beginning of the two variables by which tests find program (`_BIN`) and definitions (`_CRDS`). */
  readonly variable: string;
}

/** What tests run beside our webhook. */
const foreignWebhooks: readonly ForeignWebhook[] = [
  {
    name: 'vertical-pod-autoscaler',
    module: 'k8s.io/autoscaler/vertical-pod-autoscaler@v1.8.1',
    program: './pkg/admission-controller',
    definitions: ['deploy/vpa-v1-crd-gen.yaml'],
    variable: 'VERTICAL_POD_AUTOSCALER',
  },
  {
    name: 'gatekeeper',
    module: 'github.com/open-policy-agent/gatekeeper/v3@v3.23.1',
    program: '.',
    definitions: ['charts/gatekeeper/crds'],
    variable: 'GATEKEEPER',
  },
  {
    name: 'kyverno',
    module: 'github.com/kyverno/kyverno@v1.19.1',
    program: './cmd/kyverno',
    definitions: [
      'config/crds/kyverno',
      'config/crds/policies.kyverno.io',
      'config/crds/policyreport',
      'config/crds/reports',
    ],
    variable: 'KYVERNO',
  },
];

const downloaded = z.object({ Dir: z.string() });

/** Reads a file, or all files of a folder, as one text of YAML. */
async function readDefinitions(place: string): Promise<string> {
  const files = place.endsWith('.yaml')
    ? [place]
    : (await readdir(place)).toSorted().map((name) => path.join(place, name));
  return (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n---\n');
}

async function buildWebhook({ name, module, program, definitions }: ForeignWebhook, folder: string): Promise<void> {
  const answer = await read(['go', 'mod', 'download', '-json', module]);
  const source = answer === undefined ? undefined : downloaded.safeParse(JSON.parse(answer)).data?.Dir;
  if (source === undefined) throw new Error(`the Go module ${module} is not to be had`);
  const build = ['go', 'build', '-trimpath', '-ldflags', '-s -w', '-o', `${folder}/${name}`, program] as const;
  // The module is the main one: its own replacements count.
  const code = await run(build, { cwd: source, env: { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false' } });
  if (code !== 0) throw new Error(`go build of ${module} failed`);
  const texts = await Promise.all(definitions.map((place) => readDefinitions(path.join(source, place))));
  await writeFile(path.join(folder, `${name}.yaml`), texts.join('\n---\n'));
}

/** Finds the webhooks and the definitions of their kinds in the cache, or else builds them with Go, which takes minutes. */
export async function prepareForeignWebhooks(): Promise<Tool> {
  const env: Record<string, string> = {};
  for (const webhook of foreignWebhooks) {
    const { name, module, program, variable } = webhook;
    const cache = openCache(name, [module, program]);
    const names = [name, `${name}.yaml`];
    env[`${variable}_BIN`] = cache.path(name);
    env[`${variable}_CRDS`] = cache.path(`${name}.yaml`);
    if (names.every((one) => cache.has(one))) continue;
    if (!isInstalled('go')) return { state: 'missing', needs: `Go 1.26 to build ${name}` };
    const startMs = Date.now();
    try {
      await cache.add(names, (folder) => buildWebhook(webhook, folder));
    } catch (error) {
      return { state: 'broken', problem: error instanceof Error ? error.message : String(error) };
    }
    say(`${name} ready after ${seconds(startMs)}`);
  }
  return { state: 'ready', env };
}
