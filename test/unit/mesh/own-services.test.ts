import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { ownServices, podsWithOtherServices } from '../../../src/mesh/plan/own-services.ts';
import { emptyWorld } from '../../../src/mesh/world/world.ts';
import { injectedParts } from '../../support/mesh/injected-parts.ts';
import { worldOf } from '../../support/mesh/world-events.ts';

const domains = { cluster: 'cluster.local', trust: 'cluster.local', rootNamespace: 'istio-system' };
const http = [{ name: 'http', port: 80 }];

function service(name: string, { namespace = 'shop', ports = http, spec = {} } = {}): JsonObject {
  const metadata = { namespace, name, uid: `${namespace}-${name}` };
  return { kind: 'Service', metadata, spec: { clusterIP: '10.96.0.5', ports: [...ports], ...spec } };
}

function slice(of: string, endpoint: JsonObject, namespace = 'shop'): JsonObject {
  return {
    kind: 'EndpointSlice',
    metadata: { namespace, name: `${of}-1`, uid: `${namespace}-${of}`, labels: { 'kubernetes.io/service-name': of } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080 }],
    endpoints: [{ addresses: ['10.0.0.1'], ...endpoint }],
  };
}

const named: JsonObject = { targetRef: { kind: 'Pod', namespace: 'shop', name: 'one' } };
const one: JsonObject = {
  kind: 'Pod',
  metadata: { namespace: 'shop', name: 'one', uid: 'one', labels: { 'security.istio.io/tlsMode': 'istio' } },
  spec: injectedParts(),
  status: { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }] },
};
const at = (...objects: readonly JsonObject[]) => ownServices(worldOf([one, ...objects]), 'shop/one', domains);
const cart = { 'outbound_.80_._.cart.shop.svc.cluster.local': 'cart.shop.svc.cluster.local cart shop' };

describe('the Services of a pod', () => {
  test('are known by the server name of each port for TCP', () => {
    const ports = [...http, { name: 'db', port: 5432, protocol: 'TCP' }, { name: 'dns', port: 53, protocol: 'UDP' }];
    expect(at(service('cart', { ports }), slice('cart', named))).toEqual({
      ...cart,
      'outbound_.5432_._.cart.shop.svc.cluster.local': 'cart.shop.svc.cluster.local cart shop',
    });
  });

  test.each<[string, JsonObject]>([
    ['that are not ready', { ...named, conditions: { ready: false } }],
    ['that name no pod, and have its address', {}],
  ])('are those of endpoints %s, too', (_, endpoint) => {
    expect(at(service('cart'), slice('cart', endpoint))).toEqual(cart);
  });

  test.each<[string, readonly JsonObject[]]>([
    ['of another namespace', [service('bank', { namespace: 'bank' }), slice('bank', named, 'bank')]],
    ['that does not exist', [slice('cart', named)]],
    ['that is another name', [service('cart', { spec: { externalName: 'x.example' } }), slice('cart', named)]],
    ['of another pod', [service('cart'), slice('cart', { addresses: ['10.0.0.2'] })]],
  ])('are none %s', (_, objects) => {
    const external = objects.map((object) =>
      'externalName' in ((object['spec'] as JsonObject | undefined) ?? {})
        ? { ...object, spec: { ...(object['spec'] as JsonObject), type: 'ExternalName' } }
        : object,
    );
    expect(at(...external)).toEqual({});
  });

  test('are few enough for one proxy', () => {
    const many = Array.from({ length: 1_200 }, (_, index) => `s${index}`);
    const found = at(...many.flatMap((name) => [service(name), slice(name, named)]));
    expect(Object.keys(found)).toHaveLength(1_000);
  });
});

describe('pods whose Services are others', () => {
  const before = worldOf([one, service('cart'), slice('cart', named)]);
  const other = { targetRef: { kind: 'Pod', namespace: 'shop', name: 'two' } };
  const key = 'shop/cart';

  test.each<[string, readonly JsonObject[], 'services' | 'endpoints', readonly string[]]>([
    ['when a Service changes', [service('cart'), slice('cart', named)], 'services', ['shop/one']],
    ['when it leads elsewhere', [service('cart'), slice('cart', other)], 'endpoints', ['shop/one', 'shop/two']],
    ['when an endpoint becomes ready', [service('cart'), slice('cart', named)], 'endpoints', []],
  ])('%s', (_, objects, touched, pods) => {
    const keys = { services: [], endpoints: [], [touched]: [key] };
    expect([...podsWithOtherServices(before, worldOf([one, ...objects]), keys)]).toEqual(pods);
  });

  test('when it comes and goes', () => {
    const keys = { services: [key], endpoints: [key] };
    expect([...podsWithOtherServices(emptyWorld, before, keys)]).toEqual(['shop/one']);
    expect([...podsWithOtherServices(before, emptyWorld, keys)]).toEqual(['shop/one']);
  });
});
