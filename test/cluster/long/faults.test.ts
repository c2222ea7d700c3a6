import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { root } from '../../../scripts/checkout.ts';
import { createClusterNamespace, readyCount, type ClusterNamespace } from '../../support/cluster/cluster-namespace.ts';
import { report } from '../../support/cluster/findings.ts';
import { nodeControl } from '../../support/cluster/node-control.ts';
import { createPodsDuring, type Creations } from '../../support/cluster/pod-stream.ts';
import { system } from '../../support/cluster/system-namespace.ts';
import { injected } from '../../support/processes/test-cluster.ts';
import { until } from '../../support/waiting.ts';
import { servingObjects, servingTemplate } from '../../support/cluster/workbench.ts';

jest.setTimeout(240_000);

const installFile = path.join(root, 'deploy/install.yaml');
let namespace: ClusterNamespace;

beforeAll(async () => {
  namespace = await createClusterNamespace(injected);
  await namespace.apply(...servingObjects('web', servingTemplate('web')));
  await namespace.rollOut('deployment/web');
});
afterEach(async () => {
  await system.kubectl('apply', '-f', installFile);
  await system.untilSettled();
});
afterAll(() => namespace.remove());

/** Creates pods while `act` breaks something and waits for the repair; answers what became of them. */
async function during(name: string, act: () => Promise<unknown>): Promise<Creations> {
  let recoveredMs = 0;
  const creations = await createPodsDuring(namespace.name, async () => {
    const startMs = Date.now();
    await act();
    recoveredMs = Date.now() - startMs;
  });
  report(name, { recoveredMs, ...creations });
  return creations;
}

const killAll = async () => {
  await system.kubectl('delete', 'pods', '--selector=app=sidecar-injector', '--force', '--grace-period=0');
  await system.untilSettled();
};

describe('all replicas are killed at once', () => {
  test('failurePolicy Fail: pods are refused by our name until one is back, and none is created without a proxy', async () => {
    const { bare, refused } = await during('all replicas killed, Fail', killAll);
    expect(bare).toBe(0);
    expect(Object.keys(refused)).not.toHaveLength(0);
    for (const message of Object.keys(refused))
      expect(message).toMatch(/^500 .*failed calling webhook "namespace\.sidecar-injector\.io"/);
  });

  test('overlay fail-open: none is refused, some are created without a proxy', async () => {
    await system.kubectl('apply', '-k', path.join(root, 'deploy/overlays/fail-open'));
    const { bare, refused } = await during('all replicas killed, fail-open', killAll);
    expect(refused).toEqual({});
    expect(bare).toBeGreaterThan(0);
  });
});

test('the certificate’s Secret is deleted: the replicas serve on and say so; applied again, it is filled again', async () => {
  const read = () => system.tryKubectl('get', 'secret', 'sidecar-injector-ca', '-o=jsonpath={.data}');
  const before = (await read()).stdout;
  const { refused, bare } = await during('Secret deleted', async () => {
    await system.kubectl('delete', 'secret', 'sidecar-injector-ca');
    await until(
      'a replica has noticed',
      async () => {
        const { stdout } = await system.tryKubectl(
          'logs',
          '--selector=app=sidecar-injector',
          '--tail=-1',
          '--since=20s',
        );
        return /the CA Secret does not exist/.test(stdout) ? true : undefined;
      },
      90_000,
    );
    await system.kubectl('apply', '-f', installFile);
    await until('the Secret is filled', async () => ((await read()).stdout === '' ? undefined : true), 90_000);
  });
  expect({ refused, bare }).toEqual({ refused: {}, bare: 0 });
  expect((await read()).stdout).not.toBe('');
  expect(before).not.toBe('');
});

test('the namespace is deleted: applied again, everything is back', async () => {
  const { bare } = await during('namespace deleted', async () => {
    await system.kubectl('delete', 'namespace', 'sidecar-injector-system');
    const plain = await createClusterNamespace();
    await plain.kubectl(
      'run',
      'unconcerned',
      '--image=cluster.test/workbench:1',
      '--restart=Never',
      '--command',
      '--',
      'true',
    );
    await plain.untilPod('unconcerned', 'Succeeded');
    await plain.remove();
    await system.kubectl('apply', '-f', installFile);
    await system.untilSettled();
  });
  expect(bare).toBe(0);
});

const control = nodeControl();
const onOurNode = control === undefined ? describe.skip : describe;

onOurNode('on a node that we may break', () => {
  test('the API server is killed and comes back: nothing else has to', async () => {
    const restarts = () =>
      system.kubectl(
        'get',
        'pods',
        '--selector=app=sidecar-injector',
        '-o=jsonpath={.items[*].status.containerStatuses[*].restartCount}',
      );
    const before = await restarts();
    const { bare } = await during('API server killed', async () => {
      await control?.stop('kube-apiserver');
      await until(
        'the API server answers',
        async () => {
          await control?.keepRunning('kube-apiserver');
          const { code } = await system.tryKubectl('get', '--raw=/readyz', '--request-timeout=2s');
          return code === 0 ? true : undefined;
        },
        90_000,
      );
    });
    expect(bare).toBe(0);
    expect(await restarts()).toBe(before);
  });

  test('the node loses power with everything in it: it comes up alone, and the application is 2/2 again', async () => {
    const startMs = Date.now();
    await control?.restart();
    const nodeMs = Date.now() - startMs;
    // What is stored tells of the time before: only answers count.
    const trial = ['run', 'trial', '--image=cluster.test/workbench:1', '--dry-run=server', '-o=yaml'];
    await until(
      'pods are injected',
      async () => (await namespace.tryKubectl(...trial)).stdout.includes('name: istio-init') || undefined,
      90_000,
    );
    const injectorMs = Date.now() - startMs;
    const page = `/api/v1/namespaces/${namespace.name}/services/web:http/proxy/`;
    await until(
      'the application answers, through its proxy',
      async () => (await namespace.tryKubectl('get', '--raw', page)).stdout.includes('127.0.0.6') || undefined,
      90_000,
    );
    expect((await namespace.pods('app=web')).map(readyCount)).toEqual(['2/2']);
    report('node restarted', { nodeMs, injectorMs, applicationMs: Date.now() - startMs });
    await namespace.kubectl(
      'run',
      'fresh',
      '--image=cluster.test/workbench:1',
      '--restart=Never',
      '--command',
      '--',
      'curl',
      '-sS',
      '--fail',
      '--retry',
      '5',
      '--retry-all-errors',
      'http://web/',
    );
    await namespace.untilPod('fresh', 'Succeeded');
    expect((await namespace.pods('run=fresh')).map(({ spec }) => spec.initContainers?.length)).toEqual([2]);
  });
});
