import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runKubectl } from '../support/cluster/kubectl.ts';
import { sharedCluster } from '../support/processes/shared-cluster.ts';
import { injected, makePod, openTestCluster } from '../support/processes/test-cluster.ts';

const cluster = openTestCluster(sharedCluster());
const program = path.resolve(import.meta.dirname, '../../bin/sidecar-injector.mjs');
const run = promisify(execFile);
let enabled: string;
let plain: string;

beforeAll(async () => {
  [enabled, plain] = await Promise.all([cluster.createNamespace(injected), cluster.createNamespace()]);
});
afterAll(() => cluster.api.close());

async function explain(pod: string): Promise<string> {
  const { stdout } = await run(process.execPath, [
    program,
    'explain',
    '--pod',
    pod,
    '--kubeconfig',
    cluster.kubeconfig,
  ]);
  return stdout;
}

async function create(namespace: string, name: string, more: Parameters<typeof makePod>[1] = {}): Promise<void> {
  const pod = JSON.stringify(makePod(name, more));
  expect(await runKubectl(cluster.kubeconfig, ['create', '-n', namespace, '-f', '-'], pod)).toMatchObject({ code: 0 });
}

describe('explain --pod', () => {
  test('of an injected pod', async () => {
    await create(enabled, 'web');
    const text = await explain(`${enabled}/web`);
    expect(text).toContain('entry namespace.sidecar-injector.io matches');
    expect(text).toContain('it runs with our sidecar');
  });

  test('of a pod for which the API server does not even call', async () => {
    await create(plain, 'web');
    const text = await explain(`${plain}/web`);
    expect(text).toContain('the API server would not even call the injector');
    expect(text).toContain('istio-injection is "enabled"; it is absent');
  });

  test('of a pod that opted out', async () => {
    await create(enabled, 'out', { metadata: { labels: { 'sidecar.istio.io/inject': 'false' } } });
    expect(await explain(`${enabled}/out`)).toContain('sidecar.istio.io/inject is not "false"; it is "false"');
  });

  test('of a pod that is not there fails with its name', async () => {
    await expect(explain(`${enabled}/nowhere`)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${enabled}/nowhere`),
    });
  });
});
