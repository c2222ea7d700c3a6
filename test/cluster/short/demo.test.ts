import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { root } from '../../../scripts/checkout.ts';
import {
  createClusterNamespace,
  readyCount,
  type ClusterNamespace,
  type RunningPod,
} from '../../support/cluster/cluster-namespace.ts';
import { envoyStatistics, lastAccessLog } from '../../support/network/envoy-in-pod.ts';
import { injected } from '../../support/processes/test-cluster.ts';
import { idlePod } from '../../support/cluster/workbench.ts';

jest.setTimeout(150_000);

let demo: ClusterNamespace;
let httpd: RunningPod;

beforeAll(async () => {
  demo = await createClusterNamespace(injected);
  await demo.apply(await readFile(path.join(root, 'examples/httpd/httpd.yaml'), 'utf8'), idlePod('client'));
  await demo.rollOut('deployment/httpd');
  await demo.untilPod('client');
  await demo.untilServed('client', 'http://httpd/');
  const [pod] = await demo.pods('app=httpd');
  if (pod === undefined) throw new Error('no pod of httpd');
  httpd = pod;
});
afterAll(() => demo.remove());

test('the pods of the demonstration are 2/2', async () => {
  const pods = await demo.pods();
  expect(pods.map(readyCount)).toEqual(['2/2', '2/2']);
  expect(await demo.kubectl('get', 'pods', '--no-headers')).toMatch(
    /^client +2\/2 +Running +0 .*\nhttpd-\S+ +2\/2 +Running +0 /,
  );
});

test('a request through the Service is served by httpd, through both proxies: their counters and access logs say so', async () => {
  const name = httpd.metadata.name ?? '';
  // A path that nobody asked for before: lines of the log come some seconds late.
  const asked = '/?once';
  const before = [await envoyStatistics(demo, 'client'), await envoyStatistics(demo, name)] as const;
  const page = await demo.exec('client', 'curl', '-sS', '--fail', `http://httpd${asked}`);
  expect(page).toContain('It works!');
  const after = [await envoyStatistics(demo, 'client'), await envoyStatistics(demo, name)] as const;
  const counted = (place: 0 | 1, counter: string) => (after[place][counter] ?? 0) - (before[place][counter] ?? 0);
  expect(counted(0, 'http.outbound.downstream_rq_2xx')).toBe(1);
  expect(counted(1, 'http.inbound.downstream_rq_2xx')).toBe(1);
  expect(await lastAccessLog(demo, 'client', asked)).toMatchObject({
    authority: 'httpd',
    response_code: 200,
    upstream_cluster: 'PassthroughCluster',
  });
  expect(await lastAccessLog(demo, name, asked)).toMatchObject({
    authority: 'httpd',
    response_code: 200,
    upstream_cluster: 'InboundPassthroughCluster',
    downstream_remote_address: expect.stringContaining(`${(await demo.untilPod('client')).status.podIP}:`),
  });
});

test('the proxy tells its health and its metrics to whoever asks the pod', async () => {
  const ask = (url: string) => demo.exec('client', 'curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', url);
  const address = httpd.status.podIP ?? '';
  expect(await ask(`http://${address}:15021/healthz/ready`)).toBe('200');
  const metrics = await demo.exec('client', 'curl', '-sS', `http://${address}:15090/stats/prometheus`);
  expect(metrics).toMatch(/^envoy_http_downstream_rq_xx\{.*inbound.*\} \d+$/m);
});

test('probes of the kubelet reach httpd: it is restarted when they fail, and it never was', async () => {
  const log = await demo.kubectl('logs', httpd.metadata.name ?? '', '--container=httpd');
  expect(log).toMatch(/"GET \/ HTTP\/1.1" 200/);
  expect((await demo.pods('app=httpd')).map(({ status }) => status.containerStatuses?.[0]?.restartCount)).toEqual([0]);
});
