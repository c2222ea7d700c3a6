import { execFile } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { root } from '../../scripts/checkout.ts';
import { sharedCluster } from '../support/processes/shared-cluster.ts';
import { injected, openTestCluster } from '../support/processes/test-cluster.ts';

const cluster = openTestCluster(sharedCluster());
let enabled: string;
beforeAll(async () => {
  enabled = await cluster.createNamespace(injected);
});
afterAll(() => cluster.api.close());

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function diff(manifest: object, ...more: readonly string[]): Promise<Ended> {
  const program = path.join(root, 'bin/sidecar-injector.mjs');
  const args = [program, 'diff', '-f', '-', '-n', enabled, '--kubeconfig', cluster.kubeconfig, ...more];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
    child.stdin?.end(JSON.stringify(manifest));
  });
}

const deployment = (annotations: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' }, annotations },
      spec: {
        containers: [
          {
            name: 'app',
            image: 'registry.example/app:1',
            ports: [{ containerPort: 8080 }],
            readinessProbe: { httpGet: { port: 8080 } },
          },
        ],
      },
    },
  },
});

test('the webhook of a real API server does what the same settings say, defaults and token included', async () => {
  const { stdout, stderr, code } = await diff(deployment());
  expect([stdout, code, stderr.includes('error')]).toEqual([
    `Deployment/web in ${enabled}: no differences (injected)\n`,
    0,
    false,
  ]);
});

test('it refuses what they refuse', async () => {
  const { stdout, code } = await diff(deployment({ 'sidecar.istio.io/logLevel': 'loud' }));
  expect([stdout.includes('no differences (refused: 400: admission webhook'), code]).toEqual([true, 0]);
});

test('nothing is stored', async () => {
  const pods = await cluster.api.get<{ items: readonly unknown[] }>(`/api/v1/namespaces/${enabled}/pods`);
  expect(pods.body.items).toEqual([]);
});
