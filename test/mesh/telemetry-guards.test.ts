import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { JsonObject } from '../../src/json/json.ts';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { labelled, labelsOf, nobody, observe, service, type Observer } from '../support/mesh/observed-mesh.ts';
import { eventually } from '../support/waiting.ts';

jest.setTimeout(120_000);

/*
 * What RateLimits and AuthorizationPolicies keep from a pod, as a real Prometheus sees it.
 */

const address = '10.96.0.5';
const ports = [
  { name: 'http', port: 80, target: 8080 },
  { name: 'tcp', port: 81, target: 9000 },
  { name: 'grpc', port: 82, target: 8082 },
];
const check = '/grpc.health.v1.Health/Check';

let scene: MeshScene;
let front: MeshPod;
let cart: MeshPod;
let observer: Observer;

beforeAll(async () => {
  scene = await openMesh('guards', [labelled('front', 'v1'), labelled('cart', 'v2')]);
  ({ 'front-v1': front, 'cart-v2': cart } = scene.pods as Record<'front-v1' | 'cart-v2', MeshPod>);
  await cart.app.listen({ kind: 'http', port: 8080 });
  await cart.app.listen({ kind: 'banner', port: 9000 });
  await cart.app.listen({ kind: 'grpc', port: 8082 });
  scene.set(...serviceObjects('cart', address, ports, [cart]));
  await scene.controlPlane.untilInSync(2);
  observer = await observe(scene, [front, cart]);
});
afterAll(async () => {
  await observer.stop();
  await scene.stop();
});

async function guard(
  kind: 'RateLimit' | 'AuthorizationPolicy',
  name: string,
  spec: JsonObject,
  annotations: JsonObject = {},
): Promise<void> {
  const apiVersion = kind === 'RateLimit' ? 'mesh.sidecar-injector.io/v1alpha1' : 'security.istio.io/v1';
  const metadata = {
    namespace: 'shop',
    name,
    uid: name,
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    annotations,
  };
  scene.set({ apiVersion, kind, metadata, spec: { selector: { matchLabels: { app: 'cart' } }, ...spec } });
  await scene.controlPlane.untilInSync(2);
}

const ask = async (path = '/'): Promise<number> => (await front.app.ask({ url: `http://${address}${path}` })).status;

const ends = {
  ...labelsOf('source', 'front-v1', true),
  ...labelsOf('destination', 'cart-v2', true),
  ...service('cart'),
};
const atServer = { reporter: 'destination', ...ends, connection_security_policy: 'mutual_tls' };
const atClient = { reporter: 'source', ...ends, connection_security_policy: 'unknown' };

describe('RateLimit', () => {
  test('what was limited is counted at both sides, at the server as such', async () => {
    await guard('RateLimit', 'cart', { limits: [{ match: { paths: ['/few'] }, requests: 3, per: 'Hour' }] });
    const statuses: number[] = [];
    for (let count = 0; count < 8; count++) statuses.push(await ask('/few'));
    expect(statuses).toEqual([200, 200, 200, 429, 429, 429, 429, 429]);
    const http = { request_protocol: 'http', response_code: '429' };
    const found = await observer.sum('istio_requests_total{response_code="429"}', 10);
    expect(found).toHaveLength(2);
    expect(found).toEqual(
      expect.arrayContaining([
        { labels: { ...atServer, ...http, response_flags: 'RL' }, value: 5 },
        { labels: { ...atClient, ...http, response_flags: '-' }, value: 5 },
      ]),
    );
    expect(await observer.sum('sum by (destination_workload) (istio_requests_total{response_flags="RL"})', 5)).toEqual([
      { labels: { destination_workload: 'cart-v2' }, value: 5 },
    ]);
    expect(await observer.sum('istio_requests_total{response_code="200",reporter="destination"}', 3)).toHaveLength(1);
  });

  test('a client of gRPC hears RESOURCE_EXHAUSTED', async () => {
    await guard('RateLimit', 'grpc', { limits: [{ match: { paths: ['/grpc.*'] }, requests: 1, per: 'Hour' }] });
    const call = { address: `${address}:82`, path: check };
    expect(await front.app.callGrpc(call)).toEqual({ code: 0, details: '', retryAfter: [] });
    const resourceExhausted = { code: 8, details: 'local_rate_limited', retryAfter: ['1200'] };
    expect(await front.app.callGrpc(call)).toEqual(resourceExhausted);
    const flags = { request_protocol: 'grpc', response_code: '200', grpc_response_status: '8' };
    const found = await observer.sum('istio_requests_total{grpc_response_status="8"}', 2);
    expect(found).toEqual(
      expect.arrayContaining([
        { labels: { ...atServer, ...flags, response_flags: 'RL' }, value: 1 },
        { labels: { ...atClient, ...flags, response_flags: '-' }, value: 1 },
      ]),
    );
    for (const name of ['cart', 'grpc']) scene.delete({ kind: 'RateLimit', metadata: { namespace: 'shop', name } });
    await scene.controlPlane.untilInSync(2);
  });
});

describe('AuthorizationPolicy', () => {
  const denied = (of: 'requests' | 'connections', total: number, trial = '') =>
    observer.sum(`istio_policy_${trial}denied_${of}_total`, total);
  const by = (policy: string) => ({
    ...atServer,
    response_flags: '-',
    policy: `rbac_access_denied_matched_policy[${policy}]`,
  });

  test('requests that are denied are counted by policy and by both sides', async () => {
    await guard('AuthorizationPolicy', 'no-admin', {
      action: 'DENY',
      rules: [{ to: [{ operation: { paths: ['/admin*'] } }] }],
    });
    await guard('AuthorizationPolicy', 'known', {
      action: 'ALLOW',
      rules: [{ to: [{ operation: { paths: ['/known*'] } }] }],
    });
    for (const path of ['/admin', '/admin/a', '/known/status/403', '/known', '/other', '/other', '/other'])
      await ask(path);
    await scene.outside.ask({ url: `http://${cart.network.v4}:8080/other` });
    const found = await denied('requests', 6);
    const plain = {
      ...nobody('source'),
      ...labelsOf('destination', 'cart-v2', false),
      ...service('cart'),
      destination_service: 'cart',
    };
    expect(found).toEqual(
      expect.arrayContaining([
        { labels: by('ns[shop]-policy[no-admin]-rule[0]'), value: 2 },
        { labels: by('none'), value: 3 },
        { labels: { ...by('none'), ...plain, connection_security_policy: 'none' }, value: 1 },
      ]),
    );
    expect(found).toHaveLength(3);
  });

  // What denies by something of HTTP denies a connection without it.
  test('connections', async () => {
    await front.app.dial({ host: address, port: 81, untilClosed: true });
    await front.app.dial({ host: address, port: 81, untilClosed: true });
    expect(await denied('connections', 2)).toEqual([{ labels: by('ns[shop]-policy[no-admin]-rule[0]'), value: 2 }]);
    for (const name of ['no-admin', 'known']) {
      scene.delete({ kind: 'AuthorizationPolicy', metadata: { namespace: 'shop', name } });
    }
    await scene.controlPlane.untilInSync(2);
    await eventually(ask, (status) => status === 200);
  });

  test('what policies on trial would deny', async () => {
    const trial = { 'istio.io/dry-run': 'true' };
    await guard(
      'AuthorizationPolicy',
      'no-admin',
      { action: 'DENY', rules: [{ to: [{ operation: { paths: ['/admin*'] } }] }] },
      trial,
    );
    await guard(
      'AuthorizationPolicy',
      'known',
      { action: 'ALLOW', rules: [{ to: [{ operation: { paths: ['/known*'] } }] }] },
      trial,
    );
    for (const path of ['/admin', '/admin', '/known', '/other']) expect(await ask(path)).toBe(200);
    const found = await denied('requests', 5, 'trial_');
    expect(found).toEqual(
      expect.arrayContaining([
        { labels: by('ns[shop]-policy[no-admin]-rule[0]'), value: 2 },
        { labels: by('none'), value: 3 },
      ]),
    );
    await front.app.dial({ host: address, port: 81, until: '\n', send: 'x' });
    expect(await denied('connections', 2, 'trial_')).toEqual(
      expect.arrayContaining([
        { labels: by('ns[shop]-policy[no-admin]-rule[0]'), value: 1 },
        { labels: by('none'), value: 1 },
      ]),
    );
    expect(await denied('requests', 6)).toHaveLength(3);
  });
});
