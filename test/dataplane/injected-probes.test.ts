import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../src/json/json.ts';
import { containerOf, podWith } from '../support/builders/decisions.ts';
import { eventually } from '../support/waiting.ts';
import type { Answer, Heard } from '../support/network/agent.ts';
import { addresses } from '../support/network/pod-namespace.ts';
import { openScene, url, type Scene } from '../support/network/scene.ts';
import { selfSigned } from '../support/http/self-signed.ts';

const named = { port: 'web', path: '/status/200?x=1', httpHeaders: [{ name: 'Host', value: 'shop.example' }] };

function podWithProbes(annotations: JsonObject = {}): JsonObject {
  return podWith({
    annotations,
    container: {
      ports: [{ name: 'web', containerPort: 8080 }],
      readinessProbe: { httpGet: { ...named, httpHeaders: [...named.httpHeaders, { name: 'X-Token', value: 't' }] } },
      livenessProbe: { tcpSocket: { port: 9000 }, periodSeconds: 1 },
      startupProbe: { grpc: { port: 9001 }, periodSeconds: 1 },
      lifecycle: {
        postStart: { httpGet: { port: 8080, path: 'started' } },
        preStop: { httpGet: { port: 'web', path: '/status/418' } },
      },
    },
    spec: {
      initContainers: [
        {
          name: 'helper',
          image: 'helper:1',
          restartPolicy: 'Always',
          startupProbe: { tcpSocket: { port: 8443 }, periodSeconds: 1 },
          readinessProbe: { httpGet: { port: 8443, scheme: 'HTTPS' } },
        },
      ],
    },
  });
}

interface HttpGet {
  readonly path: string;
  readonly port: number;
  readonly scheme: string;
  readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
}

const places = {
  readiness: ['app', 'readinessProbe'],
  liveness: ['app', 'livenessProbe'],
  startup: ['app', 'startupProbe'],
  postStart: ['app', 'lifecycle', 'postStart'],
  preStop: ['app', 'lifecycle', 'preStop'],
  helperStartup: ['helper', 'startupProbe'],
  helperReadiness: ['helper', 'readinessProbe'],
} as const;

type Place = keyof typeof places;

let scene: Scene;

function handlerOf(place: Place): JsonObject {
  const [container, ...way] = places[place];
  const start = containerOf(scene.pod.injected, container) as unknown as JsonObject;
  return way.reduce((object, key) => object[key] as JsonObject, start);
}

/** Asks as the kubelet would, by what stands in the injected pod. */
function probe(place: Place): Promise<Answer> {
  const { path, port, scheme, httpHeaders = [] } = handlerOf(place)['httpGet'] as unknown as HttpGet;
  const headers = Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value]));
  return scene.outside.ask({ url: url(addresses.pod.v4, port, path, scheme.toLowerCase()), headers });
}

async function statuses(): Promise<Record<string, number>> {
  const entries: [string, number][] = [];
  for (const place of Object.keys(places) as Place[]) entries.push([place, (await probe(place)).status]);
  return Object.fromEntries(entries);
}

async function listen(): Promise<void> {
  await scene.app.listen({ kind: 'http', port: 8080 });
  await scene.app.listen({ kind: 'banner', port: 9000 });
  await scene.app.listen({ kind: 'grpc', port: 9001 });
  await scene.app.listen({ kind: 'http', port: 8443, tls: selfSigned() });
}

const up = {
  readiness: 200,
  liveness: 200,
  startup: 200,
  postStart: 200,
  preStop: 418,
  helperStartup: 200,
  helperReadiness: 200,
};

/** A hook that gets no response is redirected to what is no URL, which is an error for the kubelet. */
function down(place: string): number {
  return place === 'postStart' || place === 'preStop' ? 302 : 503;
}

function isDownStatus(place: string, status: number): boolean {
  return down(place) === 302 ? status === 302 : status >= 500;
}

function isLike(expected: Record<string, number>): (found: Record<string, number>) => boolean {
  return (found) => Object.entries(expected).every(([place, status]) => found[place] === status);
}

describe('probes and hooks of an injected pod', () => {
  beforeAll(async () => {
    scene = await openScene({ label: 'injected-probes', pod: podWithProbes() });
  });
  afterAll(() => scene.stop());

  test('all go to the status port, by plain HTTP, named ports and native sidecars included', () => {
    for (const place of Object.keys(places) as Place[]) {
      expect(handlerOf(place)).toMatchObject({
        httpGet: { port: 15020, scheme: 'HTTP', path: expect.stringMatching(/^\/app-(health|lifecycle)\//) },
      });
    }
  });

  test('down before the application is there', async () => {
    for (const [place, status] of Object.entries(await statuses()))
      expect([place, status]).toEqual([place, down(place)]);
  });

  test('then what the application says', async () => {
    await listen();
    expect(await eventually(statuses, isLike(up))).toEqual(up);
  });

  test('the application is asked for its path with the probe’s headers, and its answer comes back', async () => {
    const { rawHeaders, body } = await probe('readiness');
    const heard = JSON.parse(body) as Heard;
    const asked = heard.rawHeaders.map((text) => text.toLowerCase());
    expect(heard.url).toBe('/status/200?x=1');
    expect(asked[asked.indexOf('host') + 1]).toBe('shop.example');
    expect(asked[asked.indexOf('x-token') + 1]).toBe('t');
    const told = rawHeaders.map((text) => text.toLowerCase());
    expect(told[told.indexOf('x-camelcase') + 1]).toBe('kept');
    expect(told[told.indexOf('content-type') + 1]).toBe('application/json');
    expect((JSON.parse((await probe('postStart')).body) as Heard).url).toBe('/started');
  });

  test('probes are no requests: neither metrics nor access log tell of them', async () => {
    expect(scene.pod.statistics(/^istio_requests_total/, /^istio_tcp_connections_opened_total/)).toEqual([0, 0]);
    await scene.outside.ask({ url: url(addresses.pod.v4, 8080) });
    expect(scene.pod.statistics(/^istio_requests_total/)).toEqual([1]);
  });

  test('down when the application has gone', async () => {
    for (const port of [8080, 9000, 9001, 8443]) await scene.app.close({ port });
    const isDown = (found: Record<string, number>): boolean =>
      Object.entries(found).every(([place, status]) => isDownStatus(place, status));
    const found = await eventually(statuses, isDown);
    for (const [place, status] of Object.entries(found))
      expect([place, isDownStatus(place, status)]).toEqual([place, true]);
  });
});

describe('with rewriting off', () => {
  beforeAll(async () => {
    scene = await openScene({
      label: 'plain-probes',
      pod: podWithProbes({ 'sidecar.istio.io/rewriteAppHTTPProbers': 'false' }),
    });
  });
  afterAll(() => scene.stop());

  test('probes stay as they were, and their ports pass by the proxy', async () => {
    expect(handlerOf('readiness')).toMatchObject({ httpGet: { port: 'web', path: named.path } });
    expect(handlerOf('liveness')).toMatchObject({ tcpSocket: { port: 9000 } });
    await listen();
    for (const port of [8080, 8443]) {
      const { body } = await scene.outside.ask({
        url: url(addresses.pod.v4, port, '/', port === 8443 ? 'https' : 'http'),
      });
      expect((JSON.parse(body) as Heard).remoteAddress).toBe(`::ffff:${addresses.cluster.v4}`);
    }
  });

  test('a port that nobody listens on refuses, so that a tcpSocket probe tells the truth', async () => {
    await scene.app.close({ port: 9000 });
    await expect(scene.outside.dial({ host: addresses.pod.v4, port: 9000 })).rejects.toThrow('ECONNREFUSED');
  });
});
