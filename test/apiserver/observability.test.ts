import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { root } from '../../scripts/checkout.ts';
import { kubectl, runKubectl } from '../support/cluster/kubectl.ts';
import { sharedCluster } from '../support/processes/shared-cluster.ts';

const cluster = sharedCluster();
const folder = path.join(root, 'examples/observability');
// An InjectorConfiguration is a file of the injector and no object of a cluster.
const files = (await readdir(folder)).filter((file) => file !== 'settings.yaml');

afterAll(() => kubectl(cluster.kubeconfig, ['delete', 'namespace', 'observability', '--wait=false']));

test('the API server takes the recipes as they are, without a warning, and knows every field', async () => {
  expect(files).toEqual(expect.arrayContaining(['collector.yaml', 'fluentd.yaml', 'jaeger.yaml', 'namespace.yaml']));
  await kubectl(cluster.kubeconfig, ['apply', '-f', path.join(folder, 'namespace.yaml')]);
  for (const file of files) {
    const applied = ['apply', '--dry-run=server', '--validate=strict', '-f', path.join(folder, file)];
    expect([file, await runKubectl(cluster.kubeconfig, applied)]).toEqual([
      file,
      expect.objectContaining({ code: 0, stderr: '' }),
    ]);
  }
});
