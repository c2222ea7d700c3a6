import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { root } from '../../scripts/checkout.ts';
import { writeServiceAccountKubeconfig } from '../support/cluster/installation.ts';
import { kubectl } from '../support/cluster/kubectl.ts';
import { sharedCluster } from '../support/processes/shared-cluster.ts';

const cluster = sharedCluster();
const system = 'sidecar-injector-system';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bugreport-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Writes an archive as a user does, and returns its texts by name, and what the command said. */
async function report(name: string, kubeconfig: string): Promise<[ReadonlyMap<string, string>, string]> {
  const [archive, unpacked] = [path.join(folder, `${name}.tar.gz`), path.join(folder, name)];
  const program = path.join(root, 'bin/sidecar-injector.mjs');
  const args = [program, 'bugreport', '--kubeconfig', kubeconfig, '--file', archive];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
  expect(stdout).toMatch(/: \d+ files; read them before you pass them on\n$/);
  await promisify(execFile)('mkdir', [unpacked]);
  await promisify(execFile)('tar', ['-xzf', archive, '-C', unpacked]);
  const found = await readdir(unpacked, { recursive: true, withFileTypes: true });
  const files = found.filter((one) => one.isFile()).map((one) => path.join(one.parentPath, one.name));
  const texts = await Promise.all(
    files.map(async (file) => [path.relative(unpacked, file), await readFile(file, 'utf8')] as const),
  );
  return [new Map(texts), stderr];
}

test('one archive describes an installation, and holds no key of it', async () => {
  const [files] = await report('all', cluster.kubeconfig);
  const registration = parse(files.get('registration.yaml') ?? '') as { readonly webhooks: readonly object[] };
  expect(registration.webhooks).toHaveLength(4);
  const deployments = parseAllDocuments(files.get('deployments.yaml') ?? '').map((one) => one.toJS() as object);
  expect(deployments).toContainEqual(
    expect.objectContaining({ metadata: expect.objectContaining({ name: 'sidecar-injector' }) }),
  );
  expect(files.get('check.txt')).toMatch(/√ the API server answers: Kubernetes 1\.\d+/);
  expect(files.get('namespaces.txt')).toMatch(/^kube-system /m);
  expect([...files.keys()]).toContain('configmaps/sidecar-injector-settings/settings.yaml');
  const read = ['get', 'secret', '-n', system, 'sidecar-injector-ca', '-o', 'jsonpath={.data}'];
  const data = await kubectl(cluster.kubeconfig, read);
  const keys = Object.values(JSON.parse(data) as Record<string, string>)
    .map((text) => Buffer.from(text, 'base64').toString())
    .filter((text) => text.includes('PRIVATE KEY'));
  expect(keys).not.toEqual([]);
  const all = [...files.values()].join('\n');
  for (const key of keys) {
    const [, line = ''] = key.split('\n');
    expect(all).not.toContain(line);
    expect(all).not.toContain(Buffer.from(key).toString('base64').slice(0, 64));
  }
  expect(all).not.toContain(cluster.token);
});

test('with few rights it has what they reach, and says what it lacks as the API server says it', async () => {
  const [files, stderr] = await report('some', await writeServiceAccountKubeconfig(cluster));
  expect([...files.keys()]).toEqual(expect.arrayContaining(['README.txt', 'registration.yaml', 'namespaces.txt']));
  expect([...files.keys()]).not.toContain('pods.yaml');
  const lacking = /not collected: .*User "system:serviceaccount:.*" cannot list resource "pods"/;
  expect(stderr).toMatch(lacking);
  expect(files.get('README.txt')).toMatch(lacking);
});
