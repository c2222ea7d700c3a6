import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { drainCommand } from '../../src/envoy/listener-drain.ts';
import { captureIntent } from '../support/builders/capture-intent.ts';
import { captureTraffic } from '../support/network/capture-script.ts';
import { startEnvoy, type RunningEnvoy } from '../support/network/envoy.ts';
import { eventually } from '../support/waiting.ts';
import { startAgent, type Agent } from '../support/network/agent.ts';
import { addresses, createPodNamespace, type PodNamespace } from '../support/network/pod-namespace.ts';
import { proxyIntent } from '../support/builders/proxy-intent.ts';

let pod: PodNamespace;
let envoy: RunningEnvoy;
let app: Agent;
let outside: Agent;

beforeAll(async () => {
  pod = createPodNamespace('drain');
  captureTraffic(pod, captureIntent());
  envoy = await startEnvoy(pod, proxyIntent(), { drainSeconds: 2 });
  app = await startAgent(pod.name.pod, 1000);
  outside = await startAgent(pod.name.cluster);
  await app.listen({ kind: 'http', port: 8080 });
  await outside.listen({ kind: 'http', port: 8081 });
});

afterAll(async () => {
  await envoy.stop();
  await app.stop();
  await outside.stop();
  pod.remove();
});

/** Status line and headers of one request on a connection that the client would keep. */
async function keepAlive(): Promise<string> {
  const { text } = await outside.dial({
    host: addresses.pod.v4,
    port: 8080,
    send: 'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
  });
  return text.slice(0, text.indexOf('\r\n\r\n')).toLowerCase();
}

test('draining sends clients away, then refuses inbound alone', async () => {
  expect(await keepAlive()).not.toContain('connection: close');
  const command = ['setpriv', '--reuid=1337', '--regid=1337', '--clear-groups', '--', ...drainCommand('port')];
  expect(pod.run('pod', command)).toMatchObject({ status: 0, stderr: '' });
  const draining = await keepAlive();
  expect(draining).toContain('http/1.1 200');
  expect(draining).toContain('connection: close');

  const inbound = (): Promise<string> =>
    outside.ask({ url: `http://${addresses.pod.v4}:8080/` }).then(
      ({ status }) => String(status),
      (error: Error) => error.message,
    );
  expect(await eventually(inbound, (one) => one.includes('ECONNREFUSED'))).toContain('ECONNREFUSED');
  expect((await app.ask({ url: `http://${addresses.cluster.v4}:8081/` })).status).toBe(200);
  for (const address of ['15020/health', '15021/healthz/ready', '15090/stats/prometheus']) {
    expect((await outside.ask({ url: `http://${addresses.pod.v4}:${address}` })).status).toBe(200);
  }
});
