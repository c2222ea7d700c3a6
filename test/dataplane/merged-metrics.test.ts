import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { captureIntent } from '../support/builders/capture-intent.ts';
import { captureTraffic } from '../support/network/capture-script.ts';
import { startEnvoy, type RunningEnvoy } from '../support/network/envoy.ts';
import { eventually } from '../support/waiting.ts';
import { startAgent, type Agent } from '../support/network/agent.ts';
import { addresses, createPodNamespace, type PodNamespace } from '../support/network/pod-namespace.ts';
import { startPrometheus, type Prometheus } from '../support/processes/prometheus.ts';
import { proxyIntent } from '../support/builders/proxy-intent.ts';
import { selfSigned } from '../support/http/self-signed.ts';

const targets = [
  { scheme: 'HTTP', port: 8081, path: '/metrics' },
  { scheme: 'HTTP', port: 8082, path: '/open?x=1' },
  { scheme: 'HTTPS', port: 8443, path: '/' },
  { scheme: 'HTTP', port: 8083, path: '/' },
  { scheme: 'HTTP', port: 8084, path: '/private' },
  { scheme: 'HTTPS', port: 8444, path: '/private' },
] as const;

const text = '# TYPE app_orders_total counter\napp_orders_total{kind="a b"} 5\nenvoy_istio_lookalike 1';
const openMetrics = '# TYPE app_open counter\napp_open_total 7 # {trace_id="abc"} 1\n# EOF\n';

const token = 'Bearer abc';

let namespaces: PodNamespace;
let envoy: RunningEnvoy;
let app: Agent;
let outside: Agent;
let prometheus: Prometheus;

beforeAll(async () => {
  namespaces = createPodNamespace('merged-metrics');
  captureTraffic(namespaces, captureIntent());
  envoy = await startEnvoy(namespaces, proxyIntent({ metricsTargets: targets }));
  app = await startAgent(namespaces.name.pod, 1000);
  outside = await startAgent(namespaces.name.cluster);
  const plain = { 'content-type': 'text/plain; version=0.0.4' };
  await app.listen({ kind: 'http', port: 8081, answer: { status: 200, headers: plain, body: text } });
  const open = { 'content-type': 'application/openmetrics-text; version=1.0.0' };
  await app.listen({ kind: 'http', port: 8082, answer: { status: 200, headers: open, body: openMetrics } });
  const secured = { status: 200, headers: plain, body: 'app_secured 1\n' };
  await app.listen({ kind: 'http', port: 8443, tls: selfSigned(), answer: secured });
  for (const port of [8084, 8444]) {
    const answer = { status: 200, headers: plain, body: `app_private_${port} 1\n` };
    await app.listen({
      kind: 'http',
      port,
      answer,
      authorization: token,
      ...(port === 8444 ? { tls: selfSigned() } : {}),
    });
  }
  await app.listen({ kind: 'http', port: 8080 });
  prometheus = await startPrometheus(namespaces.name.cluster, outside, `${addresses.pod.v4}:15020`);
}, 60_000);

afterAll(async () => {
  await prometheus.stop();
  await envoy.stop();
  await app.stop();
  await outside.stop();
  namespaces.remove();
});

async function value(expression: string): Promise<number | undefined> {
  return (await prometheus.query(expression))[0]?.value;
}

async function page(headers: Record<string, string> = {}): Promise<string> {
  return (await outside.ask({ url: `http://${addresses.pod.v4}:15020/stats/prometheus`, headers })).body;
}

test('Prometheus gets the proxy’s metrics and the application’s in one scrape', async () => {
  await outside.ask({ url: `http://${addresses.pod.v4}:8080/` });
  await eventually(
    () => value('istio_requests_total{response_code="200"}'),
    (count) => count === 1,
  );
  expect(await prometheus.lastError()).toBe('');
  expect(await value('app_orders_total{kind="a b"}')).toBe(5);
  expect((await prometheus.types()).get('app_orders_total')).toBe('counter');
  expect(await value('app_open_total')).toBe(7);
});

test('the application is not counted as having been asked by a client', async () => {
  expect(await value('sum(istio_requests_total)')).toBe(1);
});

test('names of the application stay as they are', async () => {
  expect(await page()).toContain('\nenvoy_istio_lookalike 1\n');
});

test('each page says whether it was there', async () => {
  const up = await prometheus.query('sidecar_injector_application_up');
  expect(Object.fromEntries(up.map(({ metric, value: is }) => [metric['target'], is]))).toEqual({
    '8081/metrics': 1,
    '8082/open?x=1': 1,
    '8443/': 1,
    '8083/': 0,
    '8084/private': 0,
    '8444/private': 0,
  });
});

test('an application over TLS is asked without a look at its certificate', async () => {
  expect(await value('app_secured')).toBe(1);
});

test.each([
  ['HTTP', 8084],
  ['HTTPS', 8444],
])(
  'an application over %s that asks who scrapes gets the scraper’s authorization, and gives its page',
  async (_, port) => {
    const up = `sidecar_injector_application_up{target="${port}/private"}`;
    expect(await page()).toContain(`${up} 0\n`);
    expect(await page()).not.toContain(`app_private_${port}`);
    const allowed = await page({ authorization: token });
    expect(allowed).toContain(`${up} 1\n`);
    expect(allowed).toContain(`app_private_${port} 1\n`);
    expect(await page({ authorization: 'Bearer other' })).toContain(`${up} 0\n`);
  },
);

test('without the application the proxy’s own metrics are still there', async () => {
  for (const { port } of targets.slice(0, 3)) await app.close({ port });
  expect(await page()).toContain('\nistio_requests_total{');
  await eventually(
    () => value('sum(sidecar_injector_application_up)'),
    (sum) => sum === 0,
  );
  expect(await value('sum(sidecar_injector_application_up)')).toBe(0);
  expect(await prometheus.lastError()).toBe('');
  expect(await value('up')).toBe(1);
});
