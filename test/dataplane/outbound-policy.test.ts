import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { captureIntent } from '../support/builders/capture-intent.ts';
import { captureTraffic } from '../support/network/capture-script.ts';
import { startEnvoy, type RunningEnvoy } from '../support/network/envoy.ts';
import { startAgent, type Agent } from '../support/network/agent.ts';
import { eventually } from '../support/waiting.ts';
import { addresses, createPodNamespace, type PodNamespace } from '../support/network/pod-namespace.ts';
import { proxyIntent } from '../support/builders/proxy-intent.ts';

let pod: PodNamespace;
let envoy: RunningEnvoy;
let app: Agent;
let outside: Agent;

beforeAll(async () => {
  pod = createPodNamespace('outbound-policy');
  captureTraffic(pod, captureIntent());
  envoy = await startEnvoy(pod, proxyIntent({ outboundTrafficPolicy: 'REGISTRY_ONLY' }));
  app = await startAgent(pod.name.pod, 1000);
  outside = await startAgent(pod.name.cluster);
  await app.listen({ kind: 'http', port: 8080 });
  await outside.listen({ kind: 'http', port: 8081 });
  await outside.listen({ kind: 'banner', port: 3306 });
});

afterAll(async () => {
  await envoy.stop();
  await app.stop();
  await outside.stop();
  pod.remove();
});

test('REGISTRY_ONLY: what nobody has registered is refused, and counted as such', async () => {
  expect((await app.ask({ url: `http://${addresses.cluster.v4}:8081/` })).status).toBe(502);
  const { text, ending } = await app.dial({ host: addresses.cluster.v4, port: 3306, untilClosed: true });
  expect([text, ending]).toEqual(['', 'closed']);
  const { body } = await outside.ask({ url: `http://${addresses.pod.v4}:15020/stats/prometheus` });
  const refused = body.split('\n').filter((line) => line.includes('destination_service_name="BlackHoleCluster"'));
  expect(refused.find((line) => line.startsWith('istio_requests_total'))).toMatch(/response_code="502".* 1$/);
  expect(refused.find((line) => line.startsWith('istio_tcp_connections_closed_total'))).toMatch(/ 1$/);
});

test.each([
  ['application/grpc', 'grpc'],
  ['application/grpc+proto', 'grpc'],
  ['application/grpc-web', 'http'],
  ['application/grpc;charset=utf-8', 'http'],
  ['text/plain', 'http'],
])('REGISTRY_ONLY: what says that it is %s is counted as %s', async (type, protocol) => {
  const counted = async (): Promise<number> => {
    const { body } = await outside.ask({ url: `http://${addresses.pod.v4}:15020/stats/prometheus` });
    return body
      .split('\n')
      .filter((line) => line.startsWith('istio_requests_total{') && line.includes(`request_protocol="${protocol}"`))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  };
  const before = await counted();
  await app.ask({ url: `http://${addresses.cluster.v4}:8081/`, headers: { 'content-type': type } });
  await eventually(counted, (now) => now === before + 1);
});

test('REGISTRY_ONLY: what comes in, and what the pod asks itself, passes', async () => {
  expect((await outside.ask({ url: `http://${addresses.pod.v4}:8080/` })).status).toBe(200);
  expect((await app.ask({ url: `http://127.0.0.1:8080/` })).status).toBe(200);
  expect((await app.ask({ url: `http://${addresses.pod.v4}:8080/` })).status).toBe(200);
});
