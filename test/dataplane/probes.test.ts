import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ProbeAction } from '../../src/pod/probe.ts';
import { captureIntent } from '../support/builders/capture-intent.ts';
import { captureTraffic } from '../support/network/capture-script.ts';
import { startEnvoy, type RunningEnvoy } from '../support/network/envoy.ts';
import { eventually } from '../support/waiting.ts';
import { startAgent, type Agent, type Answer } from '../support/network/agent.ts';
import { addresses, createPodNamespace, type PodNamespace } from '../support/network/pod-namespace.ts';
import { probe, proxyIntent } from '../support/builders/proxy-intent.ts';
import { selfSigned } from '../support/http/self-signed.ts';

const http: ProbeAction = { type: 'http', scheme: 'HTTP', port: 8080, path: '/ready?full=1&x=$(POD_IP)' };

const probes = [
  probe('readyz', http, { periodSeconds: 1 }),
  probe(
    'startupz',
    { type: 'http', scheme: 'HTTPS', port: 8443, path: '/', host: 'shop.example' },
    { periodSeconds: 1 },
  ),
  probe('livez', { type: 'tcp', port: 9000 }, { periodSeconds: 1 }),
  probe('prestopz', { ...http, path: '/moved' }, { timeoutSeconds: 0 }),
  probe(
    'readyz',
    { type: 'grpc', port: 9001, service: 'shop' },
    {
      container: 'rpc',
      path: '/app-health/rpc/readyz',
      periodSeconds: 1,
    },
  ),
];
const paths = { http: 'web/readyz', https: 'web/startupz', tcp: 'web/livez', grpc: 'rpc/readyz' } as const;
type Kind = keyof typeof paths;
const kinds = Object.keys(paths) as Kind[];

describe.each(['v4', 'v6'] as const)('a pod whose address is %s', (family) => {
  let pod: PodNamespace;
  let envoy: RunningEnvoy;
  let app: Agent;
  let kubelet: Agent;
  const tls = selfSigned();

  beforeAll(async () => {
    pod = createPodNamespace(`probes-${family}`);
    captureTraffic(pod, captureIntent());
    envoy = await startEnvoy(pod, proxyIntent({ probes }), { family });
    app = await startAgent(pod.name.pod, 1000);
    kubelet = await startAgent(pod.name.cluster);
  });

  afterAll(async () => {
    await envoy.stop();
    await app.stop();
    await kubelet.stop();
    pod.remove();
  });

  function get(path: string): Promise<Answer> {
    const address = addresses.pod[family];
    return kubelet.ask({ url: `http://${address.includes(':') ? `[${address}]` : address}:15020${path}` });
  }

  async function statuses(): Promise<Record<Kind, number>> {
    const entries: [Kind, number][] = [];
    for (const kind of kinds) entries.push([kind, (await get(`/app-health/${paths[kind]}`)).status]);
    return Object.fromEntries(entries) as Record<Kind, number>;
  }

  async function settled(expected: Record<Kind, number>): Promise<void> {
    const same = (one: Record<Kind, number>): boolean => kinds.every((kind) => one[kind] === expected[kind]);
    expect(await eventually(statuses, same)).toEqual(expected);
  }

  async function listen(): Promise<void> {
    await app.listen({ kind: 'http', port: 8080 });
    await app.listen({ kind: 'http', port: 8443, tls });
    await app.listen({ kind: 'banner', port: 9000 });
    await app.listen({ kind: 'grpc', port: 9001 });
  }

  const down = { http: 503, https: 503, tcp: 503, grpc: 503 };
  const up = { http: 200, https: 200, tcp: 200, grpc: 200 };

  test('down before the application is up', async () => {
    expect(await statuses()).toEqual(down);
  });

  test('up when it is up', async () => {
    await listen();
    await settled(up);
  });

  test('the application is asked what its probe says, past the capture rules', async () => {
    const heard = JSON.parse((await get('/app-health/web/readyz')).body) as Record<string, unknown>;
    expect(heard).toMatchObject({
      url: '/ready?full=1&x=$(POD_IP)',
      remoteAddress: family === 'v4' ? '::ffff:127.0.0.6' : '::6',
    });
    const secured = JSON.parse((await get('/app-health/web/startupz')).body) as { rawHeaders: string[] };
    expect(secured.rawHeaders.map((one) => one.toLowerCase())).toEqual(
      expect.arrayContaining(['host', 'shop.example']),
    );
  });

  test('a redirect is followed, and the page behind it is the answer', async () => {
    const answer = await get('/app-lifecycle/web/prestopz');
    expect([answer.status, (JSON.parse(answer.body) as Record<string, unknown>)['url']]).toEqual([200, '/elsewhere']);
    expect(answer.rawHeaders.map((one) => one.toLowerCase())).not.toContain('location');
  });

  test('a probe that nobody has is a 404', async () => {
    expect((await get('/app-health/web/prestopz')).status).toBe(404);
    expect((await get('/app-health/web')).status).toBe(404);
  });

  test('down when the application says so; an open port is still up', async () => {
    await app.setHealthy(false);
    await settled({ ...down, tcp: 200 });
    await app.setHealthy(true);
    await settled(up);
  });

  test('down when the application has gone, and up again when it is back', async () => {
    for (const port of [8080, 8443, 9000, 9001]) await app.close({ port });
    const gone = await eventually(statuses, (one) => kinds.every((kind) => one[kind] >= 503));
    for (const kind of kinds) expect([kind, gone[kind] >= 503]).toEqual([kind, true]);
    await listen();
    await settled(up);
  });
});
