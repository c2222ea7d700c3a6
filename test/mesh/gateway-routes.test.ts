import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { objectMember, type JsonObject } from '../../src/json/json.ts';
import { podOf } from '../support/mesh/calls.ts';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import type { Answer, Heard } from '../support/network/agent.ts';

jest.setTimeout(60_000);

/*
 * What HTTPRoutes and GRPCRoutes do to requests, with real proxies on both sides. Each test has a Service of its own, with pod `one`; the
 * Services `one` and `two` lead to the pods of their names.
 */

let scene: MeshScene;
let front: MeshPod;
let one: MeshPod;
let two: MeshPod;
let services = 0;

beforeAll(async () => {
  scene = await openMesh('gateway-routes', [{ name: 'front' }, { name: 'one' }, { name: 'two' }]);
  [front, one, two] = ['front', 'one', 'two'].map((name) => scene.pods[name]) as [MeshPod, MeshPod, MeshPod];
  for (const pod of [one, two]) {
    await pod.app.listen({ kind: 'http', port: 8080 });
    await pod.app.listen({ kind: 'grpc', port: 9090 });
    const ports = [
      { name: 'http', port: 80, target: 8080 },
      { name: 'grpc', port: 90, target: 9090 },
    ];
    scene.set(...serviceObjects(pod.name, `10.96.0.${pod === one ? 1 : 2}`, ports, [pod]));
  }
});

afterAll(() => scene.stop());

type Kind = 'HTTPRoute' | 'GRPCRoute';

function route(kind: Kind, name: string, rules: readonly JsonObject[], more: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind,
    metadata: { namespace: 'shop', name, uid: name, generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { parentRefs: [{ group: '', kind: 'Service', name }], rules: [...rules] },
    ...more,
  };
}

/** Makes a Service with a route; returns its address. */
async function serve(kind: Kind, ...rules: readonly JsonObject[]): Promise<string> {
  services += 1;
  const name = `called-${services}`;
  const address = `10.96.1.${services}`;
  const port = kind === 'HTTPRoute' ? { name: 'http', target: 8080 } : { name: 'grpc', target: 9090 };
  scene.set(...serviceObjects(name, address, [{ port: 80, ...port }], [one]), route(kind, name, rules));
  await scene.controlPlane.untilInSync(3);
  return address;
}

const backendsOf = (...names: readonly string[]): JsonObject => ({
  backendRefs: names.map((name) => ({ name, port: 80 })),
});

function ask(address: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return front.app.ask({ url: `http://${address}${path}`, headers });
}

async function heardAt(...given: Parameters<typeof ask>): Promise<Heard> {
  const { status, body } = await ask(...given);
  expect(status).toBe(200);
  return JSON.parse(body) as Heard;
}

/** The pod that answers, or the status of an answer that is none of a pod. */
async function answererOf(...given: Parameters<typeof ask>): Promise<string | number> {
  const { status, body } = await ask(...given);
  if (status !== 200) return status;
  return podOf(JSON.parse(body) as Heard) === one.network.v4 ? 'one' : 'two';
}

function headerOf({ rawHeaders }: Pick<Heard, 'rawHeaders'>, name: string): string | undefined {
  const index = rawHeaders.findIndex((text, at) => at % 2 === 0 && text.toLowerCase() === name);
  return index < 0 ? undefined : rawHeaders[index + 1];
}

test('paths, headers and query parameters decide, in the order of precedence', async () => {
  const address = await serve(
    'HTTPRoute',
    { matches: [{ path: { value: '/v2' } }], ...backendsOf('two') },
    { matches: [{ path: { value: '/v2/old' } }, { path: { type: 'Exact', value: '/v2/x' } }], ...backendsOf('one') },
    { matches: [{ path: { type: 'RegularExpression', value: '/r[0-9]+' } }], ...backendsOf('two') },
    { matches: [{ headers: [{ name: 'X-Canary', value: 'yes' }] }], ...backendsOf('two') },
    { matches: [{ path: { value: '/q' }, queryParams: [{ name: 'v', value: '2' }] }], ...backendsOf('two') },
  );
  const paths = ['/v2', '/v2/', '/v2/a', '/v2a', '/v2/old/a', '/v2/x', '/r12', '/r1x', '/q?v=2', '/q?v=1', '/'];
  const answers: (string | number)[] = [];
  for (const path of paths) answers.push(await answererOf(address, path));
  expect(answers).toEqual(['two', 'two', 'two', 404, 'one', 'one', 'two', 404, 'two', 404, 404]);
  expect(await answererOf(address, '/', { 'x-canary': 'yes' })).toBe('two');
  // The address decides, whatever the name in the request.
  expect(await answererOf(address, '/v2', { host: 'one' })).toBe('two');
});

test('the share of a backend that does not exist is answered with 500', async () => {
  const address = await serve('HTTPRoute', backendsOf('one', 'nobody'));
  const answers = new Set<string | number>();
  for (let times = 0; times < 50; times += 1) answers.add(await answererOf(address, '/'));
  expect(answers).toEqual(new Set(['one', 500]));
  expect(await answererOf(await serve('HTTPRoute', backendsOf('nobody')), '/')).toBe(500);
});

test('paths are rewritten by whole segments, headers changed for a rule and for a backend', async () => {
  const rewrite = (path: JsonObject) => ({ type: 'URLRewrite', urlRewrite: { path } });
  const set = (type: string, member: string, name: string) => ({ type, [member]: { set: [{ name, value: 'new' }] } });
  const address = await serve(
    'HTTPRoute',
    {
      matches: [{ path: { value: '/strip' } }],
      filters: [rewrite({ type: 'ReplacePrefixMatch', replacePrefixMatch: '/' })],
      ...backendsOf('one'),
    },
    {
      matches: [{ path: { value: '/' } }],
      filters: [
        rewrite({ type: 'ReplaceFullPath', replaceFullPath: '/all' }),
        set('ResponseHeaderModifier', 'responseHeaderModifier', 'X-Answer'),
      ],
      backendRefs: [
        { name: 'one', port: 80, filters: [set('RequestHeaderModifier', 'requestHeaderModifier', 'X-Backend')] },
      ],
    },
  );
  const urls: string[] = [];
  for (const path of ['/strip/a?b=1', '/strip', '/strip/', '/other?b=1']) urls.push((await heardAt(address, path)).url);
  expect(urls).toEqual(['/a?b=1', '/', '/', '/all?b=1']);
  const answer = await ask(address, '/', { 'x-backend': 'old' });
  expect(headerOf(answer, 'x-answer')).toBe('new');
  expect(headerOf(JSON.parse(answer.body) as Heard, 'x-backend')).toBe('new');
});

test('redirections', async () => {
  const address = await serve(
    'HTTPRoute',
    ...[
      { port: 8083 },
      { hostname: 'a.example', statusCode: 307 },
      { scheme: 'https', path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' } },
    ].map((requestRedirect, index) => ({
      matches: [{ path: { value: `/${index}` } }],
      filters: [{ type: 'RequestRedirect', requestRedirect }],
    })),
  );
  const moved: unknown[] = [];
  for (const path of ['/0/x', '/1/x?y=1', '/2/x']) {
    const answer = await ask(address, path);
    moved.push([answer.status, headerOf(answer, 'location')]);
  }
  expect(moved).toEqual([
    [302, `http://${address}:8083/0/x`],
    [307, 'http://a.example/1/x?y=1'],
    [302, `https://${address}/new/x`],
  ]);
});

describe('gRPC', () => {
  const check = 'grpc.health.v1.Health';

  async function statusOf(address: string, path: string): Promise<unknown> {
    const { headers, trailers } = await front.app.askHttp2({
      url: `http://${address}${path}`,
      headers: { 'content-type': 'application/grpc', te: 'trailers' },
      body: 'AAAAAAA=',
    });
    return trailers['grpc-status'] ?? headers['grpc-status'];
  }

  test('methods decide; what none takes is UNIMPLEMENTED, and what has no backend UNAVAILABLE', async () => {
    const backendRefs = [{ name: 'two', port: 90 }];
    const address = await serve(
      'GRPCRoute',
      { matches: [{ method: { service: check, method: 'Check' } }], backendRefs },
      { matches: [{ method: { service: 'lost' } }], ...backendsOf('nobody') },
      { matches: [{ method: { service: 'half' } }], backendRefs: [...backendRefs, { name: 'nobody', port: 80 }] },
    );
    expect(await statusOf(address, `/${check}/Check`)).toBe('0');
    expect(await statusOf(address, `/${check}/Watch`)).toBe('12');
    expect(await statusOf(address, '/lost/Any')).toBe('14');
    const half = new Set<unknown>();
    for (let times = 0; times < 50; times += 1) half.add(await statusOf(address, '/half/Any'));
    expect(half.has('14')).toBe(true);
    expect(half.size).toBe(2);
  });
});

test('a route of the clients’ namespace stands above those of the Service’s, and a VirtualService above both', async () => {
  const stock = serviceObjects('stock', '10.96.2.1', [{ name: 'http', port: 80, target: 8080 }], [one]).map(
    (object): JsonObject => ({ ...object, metadata: { ...objectMember(object, 'metadata'), namespace: 'far' } }),
  );
  const answering = (status: string) => ({
    filters: [{ type: 'RequestRedirect', requestRedirect: { hostname: `${status}.example` } }],
  });
  const parentRefs = [{ group: '', kind: 'Service', name: 'stock', namespace: 'far' }];
  const make = (namespace: string): JsonObject =>
    route('HTTPRoute', namespace, [], {
      metadata: { namespace, name: 'stock', uid: namespace, creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { parentRefs, rules: [answering(namespace)] },
    });
  const virtualService: JsonObject = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { namespace: 'shop', name: 'stock', uid: 'v', creationTimestamp: '2026-02-01T00:00:00Z' },
    spec: { hosts: ['stock.far.svc.cluster.local'], http: [{ redirect: { authority: 'virtual.example' } }] },
  };
  const moved = async (): Promise<string | undefined> => {
    await scene.controlPlane.untilInSync(3);
    return headerOf(await ask('10.96.2.1', '/'), 'location');
  };
  scene.set(...stock, make('far'), make('other'));
  expect(await moved()).toBe('http://far.example/');
  scene.set(make('shop'));
  expect(await moved()).toBe('http://shop.example/');
  scene.set(virtualService);
  expect(await moved()).toBe('http://virtual.example/');
  scene.delete(virtualService);
  expect(await moved()).toBe('http://shop.example/');
  scene.delete(make('shop'));
  expect(await moved()).toBe('http://far.example/');
});
