import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { startProgram } from '../../support/processes/background-program.ts';
import {
  clusterKubeconfig,
  createClusterNamespace,
  readyCount,
  type ClusterNamespace,
} from '../../support/cluster/cluster-namespace.ts';
import { injected } from '../../support/processes/test-cluster.ts';
import { until } from '../../support/waiting.ts';
import { idlePod, servingTemplate } from '../../support/cluster/workbench.ts';
import { findProgram } from '../../harness/tools/kubernetes.ts';

jest.setTimeout(150_000);

let namespace: ClusterNamespace;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-workloads-'));
  namespace = await createClusterNamespace(injected);
  await namespace.apply(idlePod('bare'));
  await namespace.untilPod('bare');
});
afterAll(async () => {
  await namespace.remove();
  await rm(folder, { recursive: true });
});

describe('every kind of workload', () => {
  const workload = (kind: string, more: JsonObject = {}): JsonObject => {
    const app = kind.toLowerCase();
    const spec = { selector: { matchLabels: { app } }, template: servingTemplate(app), ...more };
    return { apiVersion: 'apps/v1', kind, metadata: { name: app }, spec };
  };

  test.each([
    ['StatefulSet', { serviceName: 'statefulset' }],
    ['DaemonSet', {}],
  ])('%s', async (kind, more) => {
    await namespace.apply(workload(kind, more));
    const app = kind.toLowerCase();
    await namespace.rollOut(`${app}/${app}`);
    expect((await namespace.pods(`app=${app}`)).map(readyCount)).toEqual(['2/2']);
  });

  test('a bare pod', async () => {
    expect(readyCount(await namespace.untilPod('bare'))).toBe('2/2');
  });

  test('a pod in the network of the node is left alone', async () => {
    const pod = idlePod('node-network');
    const spec = { ...(pod['spec'] as JsonObject), hostNetwork: true };
    await namespace.apply({ ...pod, spec });
    const started = await namespace.untilPod('node-network');
    expect(readyCount(started)).toBe('1/1');
    expect(started.metadata.annotations ?? {}).not.toHaveProperty('sidecar.istio.io/status');
  });
});

describe('kubectl chooses the application', () => {
  test('exec and logs', async () => {
    const { stdout, stderr } = await namespace.tryKubectl('exec', 'bare', '--', 'id', '-u');
    expect([stdout.trim(), stderr]).toEqual(['0', '']);
    const logs = await namespace.tryKubectl('logs', 'bare');
    expect(logs).toMatchObject({ code: 0, stderr: '' });
  });

  test('cp, both ways', async () => {
    const [there, back] = [path.join(folder, 'there'), path.join(folder, 'back')];
    await writeFile(there, 'a line\n');
    await namespace.kubectl('cp', there, 'bare:/tmp/copied');
    await namespace.kubectl('cp', 'bare:/tmp/copied', back);
    expect(await readFile(back, 'utf8')).toBe('a line\n');
  });

  test('port-forward reaches the application', async () => {
    await namespace.apply({ apiVersion: 'v1', kind: 'Pod', ...withName(servingTemplate('forwarded'), 'forwarded') });
    await namespace.untilPod('forwarded');
    const logFile = path.join(folder, 'port-forward.log');
    const command = [
      findProgram('kubectl', process.env),
      `--kubeconfig=${clusterKubeconfig()}`,
      `--namespace=${namespace.name}`,
      'port-forward',
      'pod/forwarded',
      ':8080',
    ] as const;
    const forward = startProgram('kubectl', command, { logFile });
    try {
      const port = await until(
        'kubectl forwards a port',
        async () => /127\.0\.0\.1:(\d+)/.exec(await forward.readLog())?.[1],
      );
      const answer = await fetch(`http://127.0.0.1:${port}/forwarded`);
      expect(await answer.json()).toMatchObject({ url: '/forwarded', host: 'forwarded' });
    } finally {
      await forward.stop('SIGTERM');
    }
  });
});

describe('kubectl debug', () => {
  test('an ephemeral container joins an injected pod', async () => {
    await namespace.kubectl(
      'debug',
      'bare',
      '--image=cluster.test/workbench:1',
      '--container=look',
      '--target=app',
      '--',
      'curl',
      '-sS',
      'http://127.0.0.1:15021/healthz/ready',
      '-w',
      '%{http_code}',
    );
    const log = await until(
      'the ephemeral container has spoken',
      async () => {
        const text = (await namespace.tryKubectl('logs', 'bare', '--container=look')).stdout;
        return text === '' ? undefined : text;
      },
      60_000,
    );
    expect(log).toContain('200');
    expect(readyCount(await namespace.untilPod('bare'))).toBe('2/2');
  });

  test('a copy of an injected pod is not injected twice', async () => {
    await namespace.kubectl(
      'debug',
      'bare',
      '--copy-to=copy',
      '--container=look',
      '--image=cluster.test/workbench:1',
      '--',
      'sleep',
      '600',
    );
    const copy = await namespace.untilPod('copy');
    expect(readyCount(copy)).toBe('3/3');
    const names = [...(copy.spec.initContainers ?? []), ...copy.spec.containers].map(({ name }) => name);
    expect(names.toSorted()).toEqual(['app', 'istio-init', 'istio-proxy', 'look']);
    expect(
      await namespace.exec(
        'copy/app',
        'curl',
        '-sS',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code}',
        'http://127.0.0.1:15021/healthz/ready',
      ),
    ).toBe('200');
  });
});

function withName(template: JsonObject, name: string): JsonObject {
  return { ...template, metadata: { ...(template['metadata'] as JsonObject), name } };
}
