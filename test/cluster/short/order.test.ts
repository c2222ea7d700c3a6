import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import {
  createClusterNamespace,
  readyCount,
  type ClusterNamespace,
  type RunningPod,
} from '../../support/cluster/cluster-namespace.ts';
import { askEnvoy, lastAccessLog } from '../../support/network/envoy-in-pod.ts';
import { injected } from '../../support/processes/test-cluster.ts';
import { until } from '../../support/waiting.ts';
import { idlePod, servingObjects, servingTemplate } from '../../support/cluster/workbench.ts';

jest.setTimeout(150_000);

let namespace: ClusterNamespace;

beforeAll(async () => {
  namespace = await createClusterNamespace(injected);
  await namespace.apply(...servingObjects('web', servingTemplate('web')));
  await namespace.rollOut('deployment/web');
  const [pod] = await namespace.pods('app=web');
  await namespace.untilServed(`${pod?.metadata.name}/app`, 'http://web/');
});
afterAll(() => namespace.remove());

const ask = (url: string) => ['curl', '-sS', '--fail', '--max-time', '5', url];

/** A pod template that runs to its end; `more` goes into its spec. */
function oneRun(command: readonly string[], more: JsonObject = {}, metadata: JsonObject = {}): JsonObject {
  return {
    metadata,
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 5,
      containers: [{ name: 'app', image: 'cluster.test/workbench:1', command: [...command] }],
      ...more,
    },
  };
}

const job = (name: string, template: JsonObject): JsonObject => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name },
  spec: { backoffLimit: 0, template },
});

describe('with the proxy as a native sidecar', () => {
  test('a Job completes, and its first request succeeds without a second try', async () => {
    await namespace.apply(job('once', oneRun(ask('http://web/'))));
    await namespace.kubectl('wait', '--for=condition=Complete', 'job/once', '--timeout=60s');
    const [pod] = await namespace.pods('job-name=once');
    expect(pod?.status.phase).toBe('Succeeded');
    expect(await lastAccessLog(namespace, pod?.metadata.name ?? '', '/')).toMatchObject({ response_code: 200 });
  });

  test('so does a CronJob', async () => {
    const spec = {
      schedule: '0 0 1 1 *',
      jobTemplate: { spec: { backoffLimit: 0, template: oneRun(ask('http://web/')) } },
    };
    await namespace.apply({ apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'nightly' }, spec });
    await namespace.kubectl('create', 'job', 'by-hand', '--from=cronjob/nightly');
    await namespace.kubectl('wait', '--for=condition=Complete', 'job/by-hand', '--timeout=60s');
  });

  test('an init container of the application has the network, through the proxy', async () => {
    const initContainers = [{ name: 'early', image: 'cluster.test/workbench:1', command: ask('http://web/early') }];
    await namespace.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      ...oneRun(['true'], { initContainers }, { name: 'early' }),
    });
    const pod = await namespace.untilPod('early', 'Succeeded');
    expect(pod.spec.initContainers?.map(({ name }) => name)).toEqual(['istio-init', 'istio-proxy', 'early']);
    expect(await namespace.kubectl('logs', 'early', '--container=early')).toContain('"url":"/early"');
    expect(await lastAccessLog(namespace, 'early', '/early')).toMatchObject({ response_code: 200 });
  });

  test('the last request of an application that is told to end still succeeds; the proxy leaves after it', async () => {
    const env = { LAST_CALL: 'http://web/last', LINGER_MS: '1500' };
    await namespace.apply(...servingObjects('leaving', servingTemplate('leaving', env)));
    await namespace.rollOut('deployment/leaving');
    const [pod] = await namespace.pods('app=leaving');
    const name = pod?.metadata.name ?? '';
    const logs = Promise.all(
      ['app', 'istio-proxy'].map((container) => namespace.kubectl('logs', '-f', name, `--container=${container}`)),
    );
    await namespace.kubectl('delete', 'deployment', 'leaving', '--wait=false');
    const [app = '', proxy = ''] = await logs;
    expect(app).toContain('"event":"last call","status":200');
    expect(proxy).toContain('"path":"/last"');
  });

  test('a proxy that ends unasked is restarted alone, and the pod is whole again', async () => {
    await namespace.apply(idlePod('crash'));
    const before = await namespace.untilPod('crash');
    expect(readyCount(before)).toBe('2/2');
    // Process 1 of a container ignores signals from inside it, so Envoy is told to end by itself.
    const end = `exec 3<>/dev/tcp/127.0.0.1/15000
printf 'POST /quitquitquit HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 0\\r\\n\\r\\n' >&3
cat <&3`;
    await namespace.tryKubectl('exec', 'crash', '--container=istio-proxy', '--', '/bin/bash', '-c', end);
    const restarts = (list: typeof before.status.containerStatuses, container: string) =>
      list?.find(({ name }) => name === container)?.restartCount;
    const after = await until(
      'the proxy is restarted and ready',
      async () => {
        const pod = await namespace.untilPod('crash');
        // The pod that was ready a moment ago need not be any more.
        const isBack = restarts(pod.status.initContainerStatuses, 'istio-proxy') === 1 && readyCount(pod) === '2/2';
        return isBack ? pod : undefined;
      },
      60_000,
    );
    expect(readyCount(after)).toBe('2/2');
    expect(restarts(after.status.containerStatuses, 'app')).toBe(0);
    expect(await namespace.exec('crash', ...ask('http://web/after'))).toContain('"url":"/after"');
    expect(await askEnvoy(namespace, 'crash', '/ready')).toContain('LIVE');
  });
});

describe('classic, the proxy is a container among others', () => {
  const classic = { annotations: { 'sidecar.istio.io/nativeSidecar': 'false' } };

  test('it serves like a native one', async () => {
    await namespace.apply(idlePod('classic', classic));
    const pod = await namespace.untilPod('classic');
    expect(pod.spec.containers.map(({ name }) => name)).toEqual(['app', 'istio-proxy']);
    expect(await namespace.exec('classic/app', ...ask('http://web/'))).toContain('"url":"/"');
  });

  test('and its limit shows: the application of a Job ends, its pod does not', async () => {
    await namespace.apply(job('classic', oneRun(['true'], {}, classic)));
    const status = (pod: RunningPod | undefined, container: string) =>
      pod?.status.containerStatuses?.find(({ name }) => name === container);
    const pod = await until(
      'the application has ended and the proxy is ready',
      async () => {
        const [one] = await namespace.pods('job-name=classic');
        return status(one, 'app')?.state['terminated'] && status(one, 'istio-proxy')?.ready === true ? one : undefined;
      },
      60_000,
    );
    expect(Object.keys(status(pod, 'istio-proxy')?.state ?? {})).toEqual(['running']);
    expect(pod.status.phase).toBe('Running');
  });
});
