import { expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { createLookout } from '../../../src/mesh/serve/lookout.ts';
import { worldOf } from '../../support/mesh/world-events.ts';

const metadata = (name: string) => ({ namespace: 'shop', name, uid: name });
const service = { kind: 'Service', metadata: metadata('cart'), spec: { clusterIP: '10.96.0.5', ports: [] } };
const pod = (name: string): JsonObject => ({ kind: 'Pod', metadata: metadata(name), spec: { containers: [] } });

function slice(...pods: readonly string[]): JsonObject {
  return {
    kind: 'EndpointSlice',
    metadata: { ...metadata('cart-1'), labels: { 'kubernetes.io/service-name': 'cart' } },
    addressType: 'IPv4',
    endpoints: [
      { addresses: ['192.0.2.1'] },
      ...pods.map((name) => ({ addresses: ['10.0.0.1'], targetRef: { kind: 'Pod', name } })),
    ],
  };
}

test('endpoints of pods that do not exist are told once, if they stay', () => {
  const notices: string[] = [];
  const look = createLookout((key, texts) => void notices.push(`${key}: ${texts.join('; ')}`));
  const at = (...objects: readonly JsonObject[]): readonly string[] => {
    notices.length = 0;
    look(worldOf([service, ...objects]));
    return notices;
  };
  expect(at(slice('a', 'b'), pod('a'))).toEqual([]);
  expect(at(slice('a', 'b'), pod('a'), pod('b'))).toEqual([]);
  expect(at(slice('a', 'b'), pod('a'))).toEqual([]);
  expect(at(slice('a', 'b'), pod('a'))).toEqual([
    'shop/cart: endpoints are left out, because their pods do not exist: shop/b',
  ]);
  expect(at(slice('a', 'b'), pod('a'))).toEqual([]);
  at(slice('a', 'b'), pod('a'), pod('b'));
  at(slice('a', 'b'));
  expect(at(slice('a', 'b'))).toEqual([
    'shop/cart: endpoints are left out, because their pods do not exist: shop/a, shop/b',
  ]);
  at(slice('a', 'b', 'c', 'd', 'e', 'f', 'g'));
  expect(at(slice('a', 'b', 'c', 'd', 'e', 'f', 'g'))[0]).toContain('shop/e, and 2 more');
});
