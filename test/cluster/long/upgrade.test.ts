import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { root } from '../../../scripts/tools/cache.ts';
import {
  clusterKubeconfig,
  createClusterNamespace,
  readyCount,
  type ClusterNamespace,
} from '../../support/cluster-namespace.ts';
import { report } from '../../support/findings.ts';
import { kubectl } from '../../support/kubectl.ts';
import { startPodStream } from '../../support/pod-stream.ts';
import { system } from '../../support/system-namespace.ts';
import { injected } from '../../support/test-cluster.ts';
import { servingObjects, servingTemplate } from '../../support/workbench.ts';

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

/** The file as the commit before its last change had it. */
function previousInstallation(): string {
  const git = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
    if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const [, previous] = git('log', '-2', '--format=%H', '--', installFile).trim().split('\n');
  if (previous === undefined) throw new Error(`the history of this checkout holds no earlier ${installFile}`);
  return git('show', `${previous}:${installFile}`);
}

test('the previous manifest and back, while pods are created: none is refused, none is without a proxy', async () => {
  const now = await kubectl(clusterKubeconfig(), [
    'create',
    '--dry-run=client',
    '-f',
    path.join(root, installFile),
    '-o=yaml',
  ]);
  const stream = await startPodStream(namespace.name);
  // Both name the same image here; the annotation makes each a rollout of its own.
  for (const [version, text] of [
    ['previous', previousInstallation()],
    ['current', now],
  ] as const) {
    await apply(text);
    await system.kubectl('rollout', 'restart', 'deployment/sidecar-injector');
    await system.untilSettled();
    report(`upgrade: ${version}`, { ready: await system.countReady() });
  }
  const creations = await stream.stop();
  report('upgrade and back', creations);
  expect(creations).toMatchObject({ refused: {}, bare: 0 });
});

describe('uninstalled by the two commands of the file’s header', () => {
  test('pods are created all the time, without a proxy once the registration has gone; running ones serve on', async () => {
    const stream = await startPodStream(namespace.name);
    const [pod] = await namespace.pods('app=web');
    await kubectl(clusterKubeconfig(), ['delete', 'mutatingwebhookconfiguration', 'sidecar-injector']);
    await kubectl(clusterKubeconfig(), ['delete', '--ignore-not-found', '-f', path.join(root, installFile)]);
    const creations = await stream.stop();
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
