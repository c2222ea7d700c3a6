import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { root } from '../../../scripts/checkout.ts';
import { findProgram } from '../../harness/tools/kubernetes.ts';
import { clusterKubeconfig } from './cluster-namespace.ts';
import { kubectl } from './kubectl.ts';

const execute = promisify(execFile);
const examples = ['httpd.yaml', 'traffic/httpd-v2.yaml'];

/** A section of a page, whose commands a test runs as they stand. */
export interface Recipe {
  /** The blocks of commands, in their order. */
  readonly commands: readonly string[];
  /** Runs a block, and returns what it wrote; throws what it said if it fails. */
  run(command: string): Promise<string>;
  close(): Promise<void>;
}

/**
 * Reads a section, and makes a folder with the examples where its commands can be run in a namespace.
 *
 * @param page path of the page in the checkout
 * @param labels of the examples' pods, beside their own
 */
export async function openRecipe(
  namespace: string,
  page: string,
  title: string,
  labels: Readonly<Record<string, string>>,
): Promise<Recipe> {
  const text = await readFile(path.join(root, page), 'utf8');
  const section = text.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? '';
  const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-recipe-'));
  await cp(path.join(root, 'examples/httpd'), path.join(folder, 'examples/httpd'), { recursive: true });
  const more = Object.entries(labels).map(([name, value]) => `\n        ${name}: ${value}`);
  for (const name of examples) {
    const file = path.join(folder, 'examples/httpd', name);
    const manifest = await readFile(file, 'utf8');
    await writeFile(file, manifest.replace(/^ {8}version: .*$/m, `$&${more.join('')}`));
  }
  const kubeconfig = path.join(folder, 'kubeconfig');
  await cp(clusterKubeconfig(), kubeconfig);
  await kubectl(kubeconfig, ['config', 'set-context', '--current', `--namespace=${namespace}`]);
  const programs = path.dirname(findProgram('kubectl', process.env));
  const commandLine = path.join(folder, 'bin/sidecar-injector');
  await mkdir(path.dirname(commandLine));
  await symlink(path.join(root, 'bin/sidecar-injector.mjs'), commandLine);
  const paths = [path.dirname(commandLine), programs, path.dirname(process.execPath), process.env['PATH']];
  const env = { ...process.env, KUBECONFIG: kubeconfig, PATH: paths.join(':') };
  return {
    commands: [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block),
    async run(command) {
      const { stdout } = await execute('/bin/sh', ['-ec', command], { cwd: folder, env });
      return stdout;
    },
    close: () => rm(folder, { recursive: true }),
  };
}
