import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { version } from '../../src/settings/version.ts';
import { captureIntent } from '../support/builders/capture-intent.ts';
import { captureTraffic } from '../support/network/capture-script.ts';
import { startEnvoy, type RunningEnvoy } from '../support/network/envoy.ts';
import { eventually } from '../support/waiting.ts';
import { startAgent, type Agent } from '../support/network/agent.ts';
import { addresses, createPodNamespace, type PodNamespace } from '../support/network/pod-namespace.ts';
import { nobody } from '../support/mesh/observed-mesh.ts';
import { startPrometheus, type Prometheus, type Series } from '../support/processes/prometheus.ts';
import { proxyIntent } from '../support/builders/proxy-intent.ts';

const pod = addresses.pod.v4;
const cluster = addresses.cluster.v4;

// Labels of a pod cannot hold this, but what a label says must not change the page.
const oddApp = 'shop %1 "a\\b"';

const own = (side: string) => ({
  [`${side}_workload`]: 'web',
  [`${side}_workload_namespace`]: 'shop',
  [`${side}_principal`]: 'unknown',
  [`${side}_app`]: oddApp,
  [`${side}_version`]: 'v2',
  [`${side}_canonical_service`]: 'shop',
  [`${side}_canonical_revision`]: 'v2',
  [`${side}_cluster`]: 'Kubernetes',
});

const received = {
  reporter: 'destination',
  ...nobody('source'),
  ...own('destination'),
  destination_service: 'shop',
  destination_service_name: 'shop',
  destination_service_namespace: 'shop',
  response_flags: '-',
  connection_security_policy: 'none',
};

const sent = {
  reporter: 'source',
  ...own('source'),
  ...nobody('destination'),
  destination_service: 'unknown',
  destination_service_name: 'PassthroughCluster',
  destination_service_namespace: 'unknown',
  response_flags: '-',
  connection_security_policy: 'unknown',
};

/** Prometheus adds where it has scraped, and leaves out labels that are empty. */
function labels({ metric }: Series): Record<string, string> {
  const { __name__: _, instance: __, job: ___, ...rest } = metric;
  return rest;
}

let namespaces: PodNamespace;
let envoy: RunningEnvoy;
let app: Agent;
let outside: Agent;
let prometheus: Prometheus;

beforeAll(async () => {
  namespaces = createPodNamespace('metrics');
  captureTraffic(namespaces, captureIntent());
  const { service } = proxyIntent();
  envoy = await startEnvoy(namespaces, proxyIntent({ service: { ...service, app: oddApp } }));
  app = await startAgent(namespaces.name.pod, 1000);
  outside = await startAgent(namespaces.name.cluster);
  await app.listen({ kind: 'http', port: 8080 });
  await app.listen({ kind: 'grpc', port: 8082 });
  await app.listen({ kind: 'banner', port: 3306, text: 'from the pod\n' });
  await outside.listen({ kind: 'http', port: 8081 });
  await outside.listen({ kind: 'banner', port: 3306, text: 'from outside\n' });
  prometheus = await startPrometheus(namespaces.name.cluster, outside, `${pod}:15020`);
}, 60_000);

afterAll(async () => {
  await prometheus.stop();
  await envoy.stop();
  await app.stop();
  await outside.stop();
  namespaces.remove();
});

/** Waits until Prometheus has scraped what the condition asks for. */
async function scraped(expression: string, wanted: (series: readonly Series[]) => boolean): Promise<readonly Series[]> {
  const found = await eventually(() => prometheus.query(expression), wanted);
  expect(await prometheus.lastError()).toBe('');
  return found;
}

function total(series: readonly Series[]): number {
  return series.reduce((sum, { value }) => sum + value, 0);
}

test('requests, by code, protocol and direction', async () => {
  for (let count = 0; count < 7; count++) await outside.ask({ url: `http://${pod}:8080/` });
  for (let count = 0; count < 2; count++) await outside.ask({ url: `http://${pod}:8080/status/404` });
  await outside.ask({ url: `http://${pod}:8080/`, headers: { 'Content-Type': 'application/grpc' } });
  for (let count = 0; count < 3; count++) await app.ask({ url: `http://${cluster}:8081/` });
  const found = await scraped('istio_requests_total', (series) => total(series) === 13);
  expect(found.map((series) => [labels(series), series.value])).toEqual(
    expect.arrayContaining([
      [{ ...received, request_protocol: 'http', response_code: '200' }, 7],
      [{ ...received, request_protocol: 'http', response_code: '404' }, 2],
      [{ ...received, request_protocol: 'grpc', response_code: '200', grpc_response_status: '2' }, 1],
      [{ ...sent, request_protocol: 'http', response_code: '200' }, 3],
    ]),
  );
  expect(found).toHaveLength(4);
});

test.each(['istio_request_duration_milliseconds', 'istio_request_bytes', 'istio_response_bytes'])(
  'the histogram %s has what the counter has',
  async (name) => {
    const ofPod = '{reporter="destination",request_protocol="http",response_code="200"}';
    const [count] = await scraped(`${name}_count${ofPod}`, (series) => total(series) >= 7);
    expect(count?.value).toBe(7);
    expect(labels(count as Series)).toEqual({ ...received, request_protocol: 'http', response_code: '200' });
    const buckets = await prometheus.query(`${name}_bucket${ofPod}`);
    expect(buckets.map(({ metric, value }) => [metric['le'], value])).toEqual(
      expect.arrayContaining([
        ['+Inf', 7],
        ['3600000', 7],
      ]),
    );
    const [sum] = await prometheus.query(`${name}_sum${ofPod}`);
    expect(sum?.value).toBeGreaterThan(0);
  },
);

test('bytes are those of the wire', async () => {
  const body = 'x'.repeat(4000);
  await app.listen({ kind: 'http', port: 8089, answer: { status: 299, headers: {}, body } });
  await outside.ask({ url: `http://${pod}:8089/` });
  const [sum] = await scraped('istio_response_bytes_sum{response_code="299"}', (series) => series.length === 1);
  expect(sum?.value).toBeGreaterThan(4000 * 0.95);
  expect(sum?.value).toBeLessThan(4400 * 1.05);
});

test('TCP connections and their bytes', async () => {
  const { text } = await outside.dial({ host: pod, port: 3306, send: 'four' });
  expect(text).toBe('from the pod\n');
  await app.dial({ host: cluster, port: 3306 });
  const closed = await scraped('istio_tcp_connections_closed_total', (series) => total(series) === 2);
  expect(closed.map((series) => [labels(series), series.value])).toEqual(
    expect.arrayContaining([
      [{ ...received, request_protocol: 'tcp' }, 1],
      [{ ...sent, request_protocol: 'tcp' }, 1],
    ]),
  );
  const value = async (name: string, reporter: string): Promise<number> =>
    total(await prometheus.query(`${name}{reporter="${reporter}",request_protocol="tcp"}`));
  expect(await value('istio_tcp_connections_opened_total', 'destination')).toBe(1);
  expect(await value('istio_tcp_connections_opened_total', 'source')).toBe(1);
  expect(await value('istio_tcp_sent_bytes_total', 'destination')).toBe('from the pod\n'.length);
  expect(await value('istio_tcp_received_bytes_total', 'destination')).toBe('four'.length);
  expect(await value('istio_tcp_sent_bytes_total', 'source')).toBe('from outside\n'.length);
});

test('the bytes of a connection count while it lasts', async () => {
  const ofPod = '{reporter="destination"}';
  const closed = async (): Promise<number> =>
    total(await prometheus.query(`istio_tcp_connections_closed_total${ofPod}`));
  const before = await closed();
  const send = 'x'.repeat(5_000);
  const connection = outside.dial({ host: pod, port: 3306, send, untilClosed: true, limitMs: 5_000 });
  await scraped(`istio_tcp_received_bytes_total${ofPod}`, (series) => total(series) === send.length + 4);
  expect(await closed()).toBe(before);
  expect((await connection).ending).toBe('silent');
});

test('messages of gRPC', async () => {
  const url = `http://${pod}:8082/grpc.health.v1.Health/Check`;
  const headers = { 'content-type': 'application/grpc', te: 'trailers' };
  const message = Buffer.from([0, 0, 0, 0, 0]);
  const body = Buffer.concat([message, message]).toString('base64');
  await outside.askHttp2({ url, headers, body });
  await outside.askHttp2({ url, headers, body });
  const [sent] = await scraped('istio_request_messages_total', (series) => total(series) === 4);
  const [answered] = await prometheus.query('istio_response_messages_total');
  expect([sent, answered].map((series) => labels(series as Series))).toEqual([
    { ...received, request_protocol: 'grpc' },
    { ...received, request_protocol: 'grpc' },
  ]);
  expect(answered?.value).toBe(2);
});

test('who built the proxy', async () => {
  const [build] = await scraped('istio_build', ({ length }) => length === 1);
  expect(labels(build as Series)).toEqual({ component: 'proxy', tag: `sidecar-injector-${version}` });
});

test('a connection that leads nowhere is opened and closed, too', async () => {
  const { ending } = await outside.dial({ host: pod, port: 3307, send: '\u0001\u0002', untilClosed: true });
  expect(ending).toBe('closed');
  const flags = '{response_flags=~"UF.*"}';
  expect(total(await scraped(`istio_tcp_connections_closed_total${flags}`, ({ length }) => length === 1))).toBe(1);
  const opened = await prometheus.query('istio_tcp_connections_opened_total{reporter="destination"}');
  expect(total(opened)).toBe(3);
});

test('types and names are Istio’s, and nothing of them is left under Envoy’s', async () => {
  const types = await eventually(
    () => prometheus.types(),
    (found) => found.size > 0,
  );
  expect(Object.fromEntries([...types].filter(([name]) => name.includes('istio_')))).toEqual({
    istio_build: 'gauge',
    istio_request_bytes: 'histogram',
    istio_request_duration_milliseconds: 'histogram',
    istio_request_messages_total: 'counter',
    istio_requests_total: 'counter',
    istio_response_bytes: 'histogram',
    istio_response_messages_total: 'counter',
    istio_tcp_connections_closed_total: 'counter',
    istio_tcp_connections_opened_total: 'counter',
    istio_tcp_received_bytes_total: 'counter',
    istio_tcp_sent_bytes_total: 'counter',
  });
  expect(types.get('envoy_server_live')).toBe('gauge');
  expect(await prometheus.query('{__name__=~"envoy_istio.*"}')).toEqual([]);
});

test('every port with metrics has the same names', async () => {
  for (const port of [15020, 15090]) {
    const { status, body } = await outside.ask({
      url: `http://${pod}:${port}/stats/prometheus`,
      headers: { 'Accept-Encoding': 'gzip' },
    });
    expect(status).toBe(200);
    expect(body).toContain('\n# TYPE istio_requests_total counter\nistio_requests_total{');
  }
});

describe('what a client invents', () => {
  test('makes no series', async () => {
    const before = (await prometheus.query('istio_requests_total')).length;
    for (let count = 0; count < 20; count++) {
      const invented = `invented-${count}`;
      await outside.ask({
        url: `http://${pod}:8080/${invented}`,
        headers: {
          Host: `${invented}.example`,
          'User-Agent': invented,
          'Content-Type': invented,
          'X-Envoy-Peer-Metadata': invented,
          'X-Envoy-Peer-Metadata-Id': invented,
          'X-Forwarded-Client-Cert': `URI=spiffe://${invented}`,
          'Grpc-Status': String(count),
        },
      });
    }
    const all = await scraped('istio_requests_total{response_code="200",request_protocol="http"}', (series) =>
      series.some(({ value }) => value === 27),
    );
    expect(all).toHaveLength(2);
    expect(await prometheus.query('istio_requests_total')).toHaveLength(before);
  });

  test('beyond the cap is dropped, and said to be', async () => {
    for (let code = 300; code < 520; code++) await outside.ask({ url: `http://${pod}:8080/status/${code}` });
    await scraped('envoy_server_stats_overflow_counter', (series) => total(series) > 0);
    const series = await prometheus.query('istio_requests_total{reporter="destination"}');
    expect(series).toHaveLength(200);
  }, 30_000);
});
