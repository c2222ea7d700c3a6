import path from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { root } from '../../../scripts/checkout.ts';
import { clusterKubeconfig } from '../../support/cluster/cluster-namespace.ts';
import { kubectl, runKubectl } from '../../support/cluster/kubectl.ts';

jest.setTimeout(150_000);

const call = (...args: string[]) => kubectl(clusterKubeconfig(), args);
const ours = (...args: string[]) => call('--namespace=sidecar-injector-system', ...args);
const file = path.join(root, 'deploy/install.yaml');

interface Installed {
  readonly metadata: { readonly resourceVersion: string; readonly generation?: number };
  readonly status?: object;
}

describe('one kubectl apply', () => {
  test('gives two ready replicas that were never restarted', async () => {
    await ours('wait', '--for=condition=Ready', 'pods', '--selector=app=sidecar-injector', '--timeout=60s');
    const columns = '-o=custom-columns=:.status.containerStatuses[0].ready,:.status.containerStatuses[0].restartCount';
    const pods = await ours('get', 'pods', '--selector=app=sidecar-injector', '--no-headers', columns);
    expect(
      pods
        .trim()
        .split('\n')
        .map((line) => line.split(/\s+/)),
    ).toEqual([
      ['true', '0'],
      ['true', '0'],
    ]);
  });

  test('has minted a certificate and written its CA into all entries of the registration', async () => {
    const secret = JSON.parse(await ours('get', 'secret', 'sidecar-injector-ca', '-o=json')) as { data: object };
    expect(Object.keys(secret.data)).not.toHaveLength(0);
    const bundles = '-o=jsonpath={.webhooks[*].clientConfig.caBundle}';
    const written = (await call('get', 'mutatingwebhookconfiguration', 'sidecar-injector', bundles)).split(' ');
    expect(written).toHaveLength(4);
    expect(Buffer.from(written[0] ?? '', 'base64').toString()).toContain('-----BEGIN CERTIFICATE-----');
    expect(new Set(written).size).toBe(1);
  });

  test('again, changes nothing', async () => {
    // What controllers say of the objects changes at any time: the quota counts the pods of the mesh, which come and go.
    const contents = async () => {
      const { items } = JSON.parse(await call('get', '-f', file, '-o=json')) as { items: Installed[] };
      return items.map(({ status: _status, metadata: { resourceVersion: _version, ...metadata }, ...rest }) => ({
        ...rest,
        metadata,
      }));
    };
    const before = await contents();
    // kubectl calls a PodDisruptionBudget `configured` whatever it says; its content tells.
    await call('apply', '-f', file);
    expect(await contents()).toEqual(before);
    const { code, stdout } = await runKubectl(clusterKubeconfig(), ['diff', '-f', file]);
    expect([code, stdout]).toEqual([0, '']);
  });
});

describe('every overlay', () => {
  const overlays = readdirSync(path.join(root, 'deploy/overlays'));
  test.each(overlays)('%s is accepted by the server', async (overlay) => {
    const folder = path.join(root, 'deploy/overlays', overlay);
    const answer = await runKubectl(clusterKubeconfig(), ['apply', '--dry-run=server', '-k', folder]);
    // The kinds of cert-manager are not known here; nothing else may be wrong.
    const problems = answer.stderr.split('\n').filter((line) => !/cert-manager\.io\/v1|ensure CRDs/.test(line));
    expect(problems.join('\n').trim()).toBe('');
    expect(answer.stdout).toContain('deployment.apps/sidecar-injector');
  });
});
