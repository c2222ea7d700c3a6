import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { thisCheckout } from '../../harness/cluster/images/table.ts';
import { root } from '../../../scripts/checkout.ts';
import {
  clusterKubeconfig,
  createClusterNamespace,
  readyCount,
  type ClusterNamespace,
} from '../../support/cluster/cluster-namespace.ts';
import { report } from '../../support/cluster/findings.ts';
import { kubectl } from '../../support/cluster/kubectl.ts';
import { nodeControl } from '../../support/cluster/node-control.ts';
import { createPodsDuring } from '../../support/cluster/pod-stream.ts';
import { takePreviousVersion, type PreviousVersion } from '../../support/processes/previous-version.ts';
import { system } from '../../support/cluster/system-namespace.ts';
import { injected } from '../../support/processes/test-cluster.ts';
import { servingObjects, servingTemplate } from '../../support/cluster/workbench.ts';

jest.setTimeout(240_000);

const installFile = 'deploy/install.yaml';
const apply = (text: string) => kubectl(clusterKubeconfig(), ['apply', '-f', '-'], text);
let namespace: ClusterNamespace;

beforeAll(async () => {
  namespace = await createClusterNamespace(injected);
  await namespace.apply(...servingObjects('web', servingTemplate('web')));
  await namespace.rollOut('deployment/web');
});
afterAll(async () => {
  await kubectl(clusterKubeconfig(), ['apply', '-f', path.join(root, installFile)]);
  await system.untilSettled();
  await namespace.remove();
});

const control = nodeControl();
const onOurNode = control === undefined ? describe.skip : describe;

// Only there images of another version can be brought in.
onOurNode('the version before and back', () => {
  let previous: PreviousVersion;
  beforeAll(async () => {
    previous = await takePreviousVersion();
    await control?.importImages(previous);
  });
  afterAll(() => previous.remove());

  test('while pods are created: none is refused, none is without a proxy, and with each an application starts', async () => {
    const current = await readFile(path.join(root, installFile), 'utf8');
    const { tag } = await thisCheckout();
    const creations = await createPodsDuring(namespace.name, async () => {
      for (const [manifest, image] of [
        [previous.manifest, `sidecar-injector:${previous.tag}`],
        [current, `sidecar-injector:${tag}`],
      ] as const) {
        await apply(manifest);
        await system.untilSettled();
        const images = '-o=jsonpath={.items[*].status.containerStatuses[*].image}';
        const running = (await system.kubectl('get', 'pods', '--selector=app=sidecar-injector', images)).split(' ');
        expect(running.map((name) => name.replace(/^docker\.io\/library\//, ''))).toEqual([image, image]);
        await namespace.kubectl('rollout', 'restart', 'deployment/web');
        await namespace.rollOut('deployment/web');
        expect((await namespace.pods('app=web')).map(readyCount)).toEqual(['2/2']);
      }
    });
    report('upgrade and back', creations);
    expect([creations.refused, creations.bare]).toEqual([{}, 0]);
  });
});

describe('uninstalled by the two commands of the file’s header', () => {
  test('pods are created all the time, without a proxy once the registration has gone; running ones serve on', async () => {
    const [pod] = await namespace.pods('app=web');
    const creations = await createPodsDuring(namespace.name, async () => {
      await kubectl(clusterKubeconfig(), ['delete', 'mutatingwebhookconfiguration', 'sidecar-injector']);
      await kubectl(clusterKubeconfig(), ['delete', '--ignore-not-found', '-f', path.join(root, installFile)]);
    });
    report('uninstalled', creations);
    expect(creations.refused).toEqual({});
    expect(creations.bare).toBeGreaterThan(0);
    const [still] = await namespace.pods('app=web');
    expect(still?.metadata.name).toBe(pod?.metadata.name);
    expect(still === undefined ? '' : readyCount(still)).toBe('2/2');
    const page = `/api/v1/namespaces/${namespace.name}/services/web:http/proxy/`;
    expect(await namespace.kubectl('get', '--raw', page)).toMatch(/"peer":"::ffff:127\.0\.0\.6","method":"GET"/);
  });

  test('nothing of ours is left, in any namespace or outside of them', async () => {
    const list = async (...args: string[]) =>
      (await kubectl(clusterKubeconfig(), ['api-resources', '--verbs=list', '-o=name', ...args])).trim().split('\n');
    const kinds = (await list()).filter((kind) => !/^(events|componentstatuses)\b/.test(kind)).join(',');
    const ours = '--selector=app.kubernetes.io/part-of=sidecar-injector';
    const listing = ['get', kinds, '--all-namespaces', ours, '-o=name', '--ignore-not-found'];
    const left = await kubectl(clusterKubeconfig(), listing);
    expect(left.trim()).toBe('');
    const namespaces = await kubectl(clusterKubeconfig(), ['get', 'namespaces', '-o=name']);
    expect(namespaces).not.toContain('sidecar-injector-system');
  });

  test('a restart gives the application back without a sidecar', async () => {
    await namespace.kubectl('rollout', 'restart', 'deployment/web');
    await namespace.rollOut('deployment/web');
    expect((await namespace.pods('app=web')).map(readyCount)).toEqual(['1/1']);
  });
});
