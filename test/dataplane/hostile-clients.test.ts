import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { captureIntent } from '../support/builders/capture-intent.ts';
import { probe, proxyIntent } from '../support/builders/proxy-intent.ts';
import { startAgent, type Agent } from '../support/network/agent.ts';
import { captureTraffic } from '../support/network/capture-script.ts';
import { startEnvoy, type RunningEnvoy } from '../support/network/envoy.ts';
import { preface } from '../support/network/http2-frames.ts';
import { addresses, createPodNamespace, type PodNamespace } from '../support/network/pod-namespace.ts';

const maxConnections = 40;
const { v4: address } = addresses.pod;

let pod: PodNamespace;
let envoy: RunningEnvoy;
let app: Agent;
let outside: Agent;

beforeAll(async () => {
  pod = createPodNamespace('hostile');
  captureTraffic(pod, captureIntent());
  const probes = [probe('readyz', { type: 'http', scheme: 'HTTP', port: 8080, path: '/ready' })];
  envoy = await startEnvoy(pod, proxyIntent({ maxConnections, probes }));
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

/** How often a listener has closed a connection because it had enough. */
function overflows(port: number): number {
  const { stdout } = pod.run('pod', ['curl', '-s', 'http://127.0.0.1:15000/stats?filter=cx_overflow']);
  const found = new RegExp(`^listener\\..*_${port}\\.downstream_cx_overflow: (\\d+)$`, 'm').exec(stdout);
  return Number(found?.[1] ?? 0);
}

/** Clients that begin a request and never end its headers, each until it is closed. */
function neverEnding(port: number, count: number): Promise<readonly string[]> {
  const send = 'GET / HTTP/1.1\r\nHost: x\r\nX: ';
  const dials = Array.from({ length: count }, () =>
    outside.dial({ host: address, port, send, untilClosed: true, limitMs: 60_000 }),
  );
  return Promise.all(dials).then((all) => all.map(({ ending }) => ending));
}

function raw(port: number, text: string): Promise<string> {
  return outside.dial({ host: address, port, send: text, untilClosed: true }).then((answer) => answer.text);
}

test('clients that never end their headers leave the way out free, and are closed', async () => {
  const endings = neverEnding(8080, 2 * maxConnections);
  expect((await app.ask({ url: `http://${addresses.cluster.v4}:8081/` })).status).toBe(200);
  expect(new Set(await endings)).toEqual(new Set(['closed']));
  expect(overflows(15_006)).toBeGreaterThanOrEqual(maxConnections);
  expect((await outside.ask({ url: `http://${address}:8080/` })).status).toBe(200);
}, 90_000);

test('clients that stay after their request leave the way out free', async () => {
  const before = overflows(15_006);
  await outside.holdUnread({ url: `http://${address}:8080/`, count: 2 * maxConnections });
  expect(overflows(15_006) - before).toBeGreaterThanOrEqual(maxConnections);
  expect((await app.ask({ url: `http://${addresses.cluster.v4}:8081/` })).status).toBe(200);
  await outside.dropUnread();
});

describe('the status listener', () => {
  test('has a bound, and time for nobody who says nothing', async () => {
    expect(new Set(await neverEnding(15_021, 600))).toEqual(new Set(['closed']));
    expect(overflows(15_021)).toBeGreaterThanOrEqual(100);
    expect((await outside.ask({ url: `http://${address}:15021/healthz/ready` })).status).toBe(200);
  }, 90_000);

  test('takes few headers', async () => {
    const long = `GET /healthz/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`;
    expect(await raw(15_021, long)).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('does not speak HTTP/2, whose streams have no bound of their own', async () => {
    expect(await raw(15_021, preface)).toMatch(/^HTTP\/1\.1 [45]/);
  });

  test.each([15_020, 15_021, 15_090])('passes on what the kubelet asks and nothing else, on port %d', async (port) => {
    const path = '/app-health/web/readyz';
    const request = (line: string, more = '') => `${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${more}\r\n`;
    expect(await raw(port, request(`GET ${path}`))).toMatch(/^HTTP\/1\.1 200 /);
    expect(await raw(port, request(`GET ${path}?evil=1`))).toMatch(/^HTTP\/1\.1 404 /);
    expect(await raw(port, `${request(`POST ${path}`, 'Content-Length: 1\r\n')}x`)).toMatch(/^HTTP\/1\.1 404 /);
    expect(await raw(port, request(`DELETE ${path}`))).toMatch(/^HTTP\/1\.1 404 /);
  });
});
