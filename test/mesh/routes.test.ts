import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { JsonObject } from '../../src/json/json.ts';
import { podOf } from '../support/mesh/calls.ts';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { manyRequests, underLoad } from '../support/mesh/under-load.ts';
import type { Answer, Heard } from '../support/network/agent.ts';
import { url } from '../support/network/scene.ts';
import { until } from '../support/waiting.ts';

jest.setTimeout(120_000);

/*
 * What VirtualServices and DestinationRules do to requests, with real proxies on both sides. Each test has a Service of its own, whose pods
 * are v1 and v2.
 */

let scene: MeshScene;
let front: MeshPod;
let v1: MeshPod;
let v2: MeshPod;
let pay: MeshPod;
let services = 0;

/** Port on which v2 answers everything with status 500. */
const bad = 8081;

beforeAll(async () => {
  scene = await openMesh('routes', [
    { name: 'front', settings: { accessLog: 'stdout' } },
    { name: 'cart-1', serviceAccount: 'cart', labels: { version: 'v1' } },
    { name: 'cart-2', serviceAccount: 'other', labels: { version: 'v2' } },
    { name: 'pay', settings: { accessLog: 'stdout' } },
  ]);
  [front, v1, v2, pay] = ['front', 'cart-1', 'cart-2', 'pay'].map((name) => scene.pods[name]) as [
    MeshPod,
    MeshPod,
    MeshPod,
    MeshPod,
  ];
  for (const pod of [v1, v2, pay]) {
    await pod.app.listen({ kind: 'http', port: 8080 });
    await pod.app.listen({ kind: 'h2c', port: 8083 });
    await pod.app.listen({ kind: 'grpc', port: 9090 });
  }
  await v1.app.listen({ kind: 'http', port: bad });
  await v2.app.listen({ kind: 'http', port: bad, answer: { status: 500, headers: {}, body: '' } });
  scene.set(...serviceObjects('pay', '10.96.0.9', [{ name: 'http', port: 80, target: 8080 }], [pay]));
});

afterAll(() => scene.stop());

const rule = (kind: 'VirtualService' | 'DestinationRule', name: string, spec: JsonObject): JsonObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  metadata: {
    namespace: 'shop',
    name,
    uid: `${kind}-${name}`,
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec,
});

const subsets = ['v1', 'v2'].map((name) => ({ name, labels: { version: name } }));

/** A Service that is called, with its rules. */
interface Called {
  readonly name: string;
  readonly address: string;
}

/** Routes to a Service, and its rule for destinations besides its subsets, in a function of its name. */
async function serve(
  http: (name: string) => readonly JsonObject[],
  destination: JsonObject = {},
  target = 8080,
): Promise<Called> {
  services += 1;
  const name = `cart-${services}`;
  const address = `10.96.1.${services}`;
  scene.set(
    ...serviceObjects(name, address, [{ name: target === 9090 ? 'grpc' : 'http', port: 80, target }], [v1, v2]),
    rule('DestinationRule', name, { host: name, subsets, ...destination }),
    rule('VirtualService', name, { hosts: [name], http: [...http(name)] }),
  );
  await scene.controlPlane.untilInSync(4);
  return { name, address };
}

const to = (host: string, subset?: string, weight?: number): JsonObject => ({
  destination: { host, ...(subset !== undefined && { subset }) },
  ...(weight !== undefined && { weight }),
});

function ask({ address }: Called, path = '/', headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return front.app.ask({ url: `http://${address}${path}`, headers });
}

/** What a server has heard of a request that it answered with 200. */
async function heardAt(...given: Parameters<typeof ask>): Promise<Heard> {
  const { status, body } = await ask(...given);
  expect(status).toBe(200);
  return JSON.parse(body) as Heard;
}

async function statuses(count: number, ...given: Parameters<typeof ask>): Promise<readonly number[]> {
  const all: number[] = [];
  for (let times = 0; times < count; times += 1) all.push((await ask(...given)).status);
  return all;
}

/** How many requests a pod's proxy has had. */
function requestsAt(pod: MeshPod): number {
  return Number(/: (\d+)/.exec(pod.admin('/stats?filter=^http.inbound.downstream_rq_total$'))?.[1]);
}

function headerOf({ rawHeaders }: Pick<Heard, 'rawHeaders'>, name: string): string | undefined {
  const index = rawHeaders.findIndex((text, at) => at % 2 === 0 && text.toLowerCase() === name);
  return index < 0 ? undefined : rawHeaders[index + 1];
}

describe('where requests go', () => {
  test('90 of 100 to one version, and 10 to the other', async () => {
    const { address } = await serve((name) => [{ route: [to(name, 'v1', 90), to(name, 'v2', 10)] }]);
    const before = requestsAt(v2);
    for (let batch = 0; batch < 10; batch += 1) {
      const { answered } = await front.app.askTogether({ url: `http://${address}/`, count: 100 });
      expect(answered).toBe(100);
    }
    const second = requestsAt(v2) - before;
    expect(Math.abs(second - 100)).toBeLessThanOrEqual(50);
  });

  test('by a header, all of them; the log names route and cluster', async () => {
    const called = await serve((name) => [
      { name: 'canary', match: [{ headers: { 'x-canary': { exact: 'yes' } } }], route: [to(name, 'v2')] },
      { route: [to(name, 'v1')] },
    ]);
    const pods = new Set<string>();
    for (let times = 0; times < 20; times += 1) {
      pods.add(podOf(await heardAt(called, '/', { 'x-canary': 'yes' })));
      expect(podOf(await heardAt(called))).toBe(v1.network.v4);
    }
    expect([...pods]).toEqual([v2.network.v4]);
    await until(
      'the log',
      () => front.log().includes(`outbound|80|v2|${called.name}.shop.svc.cluster.local`) || undefined,
    );
    expect(front.log()).toMatch(/"route_name":"canary"/);
  });

  test('to another Service, whatever the name in the request', async () => {
    const called = await serve(() => [{ match: [{ uri: { prefix: '/pay' } }], route: [to('pay')] }]);
    expect(podOf(await heardAt(called, '/pay/x', { host: 'elsewhere.example' }))).toBe(pay.network.v4);
    // Nothing else matches.
    expect((await ask(called, '/other')).status).toBe(404);
  });

  test('of an application that speaks HTTP/2', async () => {
    const { address } = await serve((name) => [{ route: [to(name, 'v2')] }], {}, 9090);
    const answer = await front.app.askHttp2({
      url: `http://${address}/grpc.health.v1.Health/Check`,
      headers: { 'content-type': 'application/grpc', te: 'trailers' },
      body: 'AAAAAAA=',
    });
    expect(answer).toMatchObject({ status: 200, trailers: { 'grpc-status': '0' } });
  });

  test('of a headless Service: what is sent elsewhere is, and the rest keeps the address that was dialled', async () => {
    services += 1;
    const name = `peers-${services}`;
    scene.set(
      ...serviceObjects(name, 'None', [{ name: 'http', port: 8080, target: 8080 }], [v1]),
      rule('VirtualService', name, {
        hosts: [name],
        http: [{ match: [{ uri: { prefix: '/pay' } }], route: [to('pay')] }, { route: [to(name)] }],
      }),
    );
    await scene.controlPlane.untilInSync(4);
    const heard = async (path: string): Promise<Heard> =>
      JSON.parse((await front.app.ask({ url: `${url(v1.network.v4, 8080)}${path}` })).body) as Heard;
    expect(podOf(await heard('pay'))).toBe(pay.network.v4);
    expect(podOf(await heard('x'))).toBe(v1.network.v4);
    scene.delete(rule('VirtualService', name, {}));
    scene.delete(...serviceObjects(name, 'None', [], []));
    await scene.controlPlane.untilInSync(4);
  });

  test('to a headless Service, one of its pods is picked', async () => {
    services += 1;
    const name = `many-${services}`;
    scene.set(...serviceObjects(name, 'None', [{ name: 'http', port: 8082, target: 8080 }], [v2]));
    const called = await serve(() => [{ route: [{ destination: { host: name, port: { number: 8082 } } }] }]);
    expect(podOf(await heardAt(called))).toBe(v2.network.v4);
  });
});

describe('what is changed', () => {
  test('a path, a host and headers, and nothing else', async () => {
    const called = await serve((name) => [
      {
        match: [{ uri: { prefix: '/old' } }],
        rewrite: { uri: '/new', authority: 'inner.example' },
        headers: {
          request: { set: { 'x-set': '50%%' }, remove: ['x-gone'] },
          response: { add: { 'x-answer': 'yes' } },
        },
        route: [to(name, 'v1')],
      },
      { route: [to(name, 'v1')] },
    ]);
    const answer = await ask(called, '/old/x?y=1', { 'x-set': 'a', 'x-gone': 'b', 'x-stays': 'c' });
    const heard = JSON.parse(answer.body) as Heard;
    expect(heard.url).toBe('/new/x?y=1');
    const names = ['host', 'x-set', 'x-gone', 'x-stays', 'x-forwarded-proto', 'x-sidecar-injector-proto'];
    expect(names.map((name) => headerOf(heard, name))).toEqual([
      'inner.example',
      '50%',
      undefined,
      'c',
      undefined,
      undefined,
    ]);
    expect(headerOf(answer, 'x-answer')).toBe('yes');
    const proto = { 'X-Forwarded-Proto': 'https', 'x-sidecar-injector-proto': 'forged' };
    const told = await heardAt(called, '/x', proto);
    expect(headerOf(told, 'x-forwarded-proto')).toBe('https');
    expect(told.rawHeaders).toContain('X-Forwarded-Proto');
    expect(headerOf(await heardAt(called, '/x', { 'x-sidecar-injector-proto': 'forged' }), 'x-forwarded-proto')).toBe(
      undefined,
    );
  });

  test('the address: a redirection', async () => {
    const called = await serve((name) => [
      { match: [{ uri: { prefix: '/a' } }], redirect: { uri: '/b', redirectCode: 308 } },
      { match: [{ uri: { prefix: '/c' } }], redirect: { authority: 'other.example', scheme: 'https' } },
      { route: [to(name)] },
    ]);
    const moved = async (path: string) => {
      const answer = await ask(called, path);
      return [answer.status, headerOf(answer, 'location')];
    };
    expect(await moved('/a/x?y=1')).toEqual([308, `http://${called.address}/b?y=1`]);
    expect(await moved('/c/x?y=1')).toEqual([301, 'https://other.example/c/x?y=1']);
  });

  test('the answer: one of the proxy itself', async () => {
    const called = await serve(() => [{ directResponse: { status: 418, body: { string: 'short and stout' } } }]);
    expect(await ask(called)).toMatchObject({ status: 418, body: 'short and stout' });
  });

  test('who may read the answer', async () => {
    const { address } = await serve((name) => [
      {
        corsPolicy: { allowOrigins: [{ exact: 'https://shop.example' }], allowMethods: ['PUT'], maxAge: '60s' },
        route: [to(name, 'v1')],
      },
    ]);
    const preflight = async (origin: string) => {
      const head = ['OPTIONS / HTTP/1.1', 'Host: x', `Origin: ${origin}`, 'Access-Control-Request-Method: PUT'];
      const send = [...head, 'Connection: close', '', ''].join('\r\n');
      const { text } = await front.app.dial({ host: address, port: 80, send, untilClosed: true });
      return ['allow-origin: https://shop.example', 'allow-methods: PUT', 'max-age: 60'].map((line) =>
        text.toLowerCase().includes(`access-control-${line}`.toLowerCase()),
      );
    };
    expect(await preflight('https://shop.example')).toEqual([true, true, true]);
    expect(await preflight('https://other.example')).toEqual([false, false, false]);
  });
});

describe('what fails', () => {
  test('an application that fails two times of three, with three retries never', async () => {
    const retries = { attempts: 3, retryOn: '5xx' };
    const called = await serve((name) => [
      { match: [{ headers: { 'x-retry': {} } }], retries, route: [to(name, 'v1')] },
      { route: [to(name, 'v1')] },
    ]);
    expect(new Set(await statuses(20, called, '/flaky?of=3', { 'x-retry': 'yes' }))).toEqual(new Set([200]));
    // The default retries nothing that an application has answered.
    const without = await statuses(21, called, '/flaky?of=3');
    expect(without.filter((status) => status === 503)).toHaveLength(14);
  });

  test('a payment arrives once, while what only reads is tried again', async () => {
    const retries = { attempts: 3, retryOn: '5xx' };
    const { address } = await serve((name) => [
      { match: [{ method: { exact: 'GET' } }], retries, route: [to(name, 'v1')] },
      { route: [to(name, 'v1')] },
    ]);
    expect(await statuses(6, { name: '', address }, '/flaky?of=3')).toEqual([200, 200, 200, 200, 200, 200]);
    const before = requestsAt(v1);
    const codes: (string | undefined)[] = [];
    for (let times = 0; times < 3; times += 1) {
      const send = 'POST /flaky?of=3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
      const { text } = await front.app.dial({ host: address, port: 80, send, untilClosed: true });
      codes.push(/^HTTP\/1.1 (\d+)/.exec(text)?.[1]);
    }
    expect(codes.filter((code) => code === '503')).toHaveLength(2);
    expect(requestsAt(v1) - before).toBe(3);
  });

  test('what takes longer than its timeout, also of gRPC', async () => {
    const http = (name: string) => [{ timeout: '0.2s', route: [to(name, 'v1')] }];
    const slow = await serve(http);
    expect((await ask(slow, '/slow?ms=5000')).status).toBe(504);
    expect((await ask(slow)).status).toBe(200);
    const ofGrpc = await serve(http, {}, 8083);
    const answer = await front.app.askHttp2({
      url: `http://${ofGrpc.address}/slow?ms=5000`,
      headers: { 'content-type': 'application/grpc', te: 'trailers' },
      body: 'AAAAAAA=',
    });
    expect(answer.headers['grpc-status']).toBe('4');
  });

  test('what is to fail: of HTTP and of gRPC', async () => {
    const percentage = { value: 100 };
    const called = await serve((name) => [
      {
        match: [{ uri: { prefix: '/http' } }],
        fault: { abort: { httpStatus: 418, percentage }, delay: { fixedDelay: '0.01s', percentage } },
        route: [to(name)],
      },
      {
        match: [{ uri: { prefix: '/grpc' } }],
        fault: { abort: { grpcStatus: 'UNAVAILABLE', percentage } },
        route: [to(name)],
      },
      { fault: { abort: { httpStatus: 418, percentage: { value: 0 } } }, route: [to(name)] },
    ]);
    expect(await statuses(3, called, '/http')).toEqual([418, 418, 418]);
    expect(await statuses(10, called)).toEqual(Array.from({ length: 10 }, () => 200));
    const answer = await front.app.askHttp2({
      url: `http://${called.address}/grpc`,
      headers: { 'content-type': 'application/grpc', te: 'trailers' },
      body: 'AAAAAAA=',
    });
    expect(answer.headers).toMatchObject({ ':status': 200, 'grpc-status': '14' });
  });

  test('more than a client’s proxy may ask at once', async () => {
    const connectionPool = { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } };
    const called = await serve((name) => [{ route: [to(name, 'v1')] }], { trafficPolicy: { connectionPool } });
    // The connection is there, so that no request waits for it.
    expect((await ask(called)).status).toBe(200);
    const { answered, failures } = await front.app.askTogether({
      url: `http://${called.address}/slow?ms=500`,
      count: 10,
    });
    expect(answered).toBe(2);
    expect(failures).toHaveLength(8);
  });

  test('one endpoint of two, which then gets no requests for a while', async () => {
    const outlierDetection = { consecutive5xxErrors: 3, interval: '1s', baseEjectionTime: '60s' };
    const called = await serve((name) => [{ route: [to(name)] }], { trafficPolicy: { outlierDetection } }, bad);
    const failed = (await statuses(60, called)).filter((status) => status === 500);
    expect(failed).toHaveLength(3);
  });
});

test('a copy goes to another Service, which changes nothing for the client', async () => {
  const called = await serve((name) => [
    { route: [to(name, 'v1')], mirrors: [{ destination: { host: 'pay' }, percentage: { value: 100 } }] },
  ]);
  expect(podOf(await heardAt(called, '/copied', { host: 'cart.example' }))).toBe(v1.network.v4);
  const line = await until('the copy', () =>
    pay
      .log()
      .split('\n')
      .find((one) => one.includes('/copied')),
  );
  expect(JSON.parse(line)).toMatchObject({ authority: 'cart.example', path: '/copied', response_code: 200 });
});

test('a consistent hash keeps a user at one endpoint', async () => {
  const called = await serve((name) => [{ route: [to(name)] }], {
    trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: 'x-user' } } },
  });
  const podsOf = async (user: (times: number) => string): Promise<number> => {
    const pods = new Set<string>();
    for (let times = 0; times < 20; times += 1) pods.add(podOf(await heardAt(called, '/', { 'x-user': user(times) })));
    return pods.size;
  };
  expect(await podsOf(() => 'alice')).toBe(1);
  expect(await podsOf((times) => `user-${times}`)).toBe(2);
});

test('no request is lost while routes and subsets change', async () => {
  const called = await serve((name) => [{ route: [to(name, 'v1')] }]);
  const { name, address } = called;
  const later = (subset: string) => [{ name: subset, labels: { version: 'v2' } }];
  let times = 0;
  const { answered, failures } = await underLoad(front.app, `http://${address}/`, async () => {
    times += 1;
    const next = `s${times}`;
    // Subsets come and go in the same change as the routes that name them.
    scene.set(
      rule('VirtualService', name, { hosts: [name], http: [{ route: [to(name, next)] }] }),
      rule('DestinationRule', name, { host: name, subsets: later(next) }),
    );
    await scene.controlPlane.untilInSync(4);
    expect(podOf(await heardAt(called))).toBe(v2.network.v4);
    scene.delete(rule('VirtualService', name, {}), rule('DestinationRule', name, {}));
    await scene.controlPlane.untilInSync(4);
    scene.set(
      rule('DestinationRule', name, { host: name, subsets }),
      rule('VirtualService', name, { hosts: [name], http: [{ route: [to(name, 'v1')] }] }),
    );
    await scene.controlPlane.untilInSync(4);
  });
  expect(failures).toEqual([]);
  expect(answered).toBeGreaterThanOrEqual(manyRequests);
});

test('no resource is one that Envoy would reject, and no proxy has rejected any', () => {
  expect(scene.controlPlane.complaints()).toEqual([]);
});
