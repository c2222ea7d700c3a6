import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../../src/json/json.ts';
import { explained, type TestCall } from '../../../support/mesh/explained.ts';
import { cart, rule, service } from '../../../support/mesh/cart-objects.ts';

/* Every object about the called Service that does not count is named, with the reason. */

const route = { route: [{ destination: { host: 'cart.shop.svc.cluster.local' } }] };
const host = 'cart.shop.svc.cluster.local';
const virtualService = (name: string, more: JsonObject = {}, namespace = 'shop', age = 1): JsonObject =>
  rule('VirtualService', name, { hosts: [host], http: [route], ...more }, namespace, age);
const destinationRule = (name: string, more: JsonObject = {}, namespace = 'shop', age = 1): JsonObject =>
  rule('DestinationRule', name, { host, ...more }, namespace, age);
const httpRoute = (name: string, parent: JsonObject = {}, namespace = 'shop'): JsonObject => {
  const parentRefs = [{ group: '', kind: 'Service', name: 'cart', namespace: 'shop', ...parent }];
  return rule(
    'HTTPRoute',
    name,
    { parentRefs, rules: [{ backendRefs: [{ name: 'cart', namespace: 'shop', port: 80 }] }] },
    namespace,
  );
};

const trafficPolicy = { loadBalancer: { simple: 'RANDOM' } };

function remarksOn(objects: readonly JsonObject[], call: TestCall = {}): readonly string[] {
  const { remarks } = explained([...cart, ...objects], { host, ...call });
  return remarks.map(
    ({ ref, field, effect, code }) => `${ref.kind} ${ref.namespace}/${ref.name} ${field} ${effect} ${code}`,
  );
}

describe('a VirtualService', () => {
  test.each<[string, readonly JsonObject[], readonly string[]]>([
    ['alone counts', [virtualService('a')], []],
    [
      'that is younger',
      [virtualService('old', {}, 'shop', 9), virtualService('young')],
      [
        'VirtualService shop/old /spec/hosts warning HostNamedTwice',
        'VirtualService shop/young /spec/hosts without-effect OlderObjectCounts',
      ],
    ],
    [
      'for gateways',
      [virtualService('a', { gateways: ['b/c'] })],
      ['VirtualService shop/a /spec/gateways without-effect ForGateways'],
    ],
    [
      'that is not exported',
      [virtualService('a', { exportTo: ['.'] }, 'other')],
      ['VirtualService other/a /spec/exportTo without-effect NotExported'],
    ],
    [
      'with a wildcard beside the name',
      [virtualService('a', {}, 'shop', 1), virtualService('wild', { hosts: ['*.shop.svc.cluster.local'] }, 'shop', 9)],
      ['VirtualService shop/wild /spec/hosts without-effect OtherHostFitsBetter'],
    ],
    ['that is refused', [virtualService('a', { htp: 1 })], ['VirtualService shop/a  refused Refused']],
    ['of another Service', [virtualService('a', { hosts: ['pay'] })], []],
  ])('%s', (_, objects, expected) => {
    expect(remarksOn(objects)).toEqual(expected);
  });
});

test('routes of HTTP do not count on a port of TCP', () => {
  expect(remarksOn([virtualService('a')], { port: 81 })).toEqual(['VirtualService shop/a  warning PortIsNotHttp']);
});

describe('a DestinationRule', () => {
  test.each<[string, readonly JsonObject[], readonly string[]]>([
    ['of the Service’s namespace counts', [destinationRule('a')], []],
    [
      'of a third namespace',
      [destinationRule('a', {}, 'other')],
      ['DestinationRule other/a /metadata/namespace without-effect OwnNamespaceOnly'],
    ],
    [
      'of the root namespace beside one of the Service’s',
      [destinationRule('a'), destinationRule('root', {}, 'istio-system')],
      ['DestinationRule istio-system/root /metadata/namespace without-effect OtherNamespaceCounts'],
    ],
    [
      'with a wildcard beside the name',
      [destinationRule('a'), destinationRule('wild', { host: '*.svc.cluster.local' })],
      ['DestinationRule shop/wild /spec/host without-effect OtherHostFitsBetter'],
    ],
    [
      'whose policy an older one has',
      [destinationRule('a', { trafficPolicy }, 'shop', 9), destinationRule('b', { trafficPolicy })],
      ['DestinationRule shop/b /spec/trafficPolicy without-effect OlderPolicyCounts'],
    ],
  ])('%s', (_, objects, expected) => {
    expect(remarksOn(objects)).toEqual(expected);
  });

  test('of the client’s namespace stands above that of the Service', () => {
    const objects = [destinationRule('own', {}, 'web'), destinationRule('a')];
    expect(remarksOn(objects, { from: 'web' })).toEqual([
      'DestinationRule shop/a /metadata/namespace without-effect OtherNamespaceCounts',
    ]);
    expect(remarksOn(objects)).toEqual(['DestinationRule web/own /metadata/namespace without-effect OwnNamespaceOnly']);
  });

  test('of a Service that a route leads to is looked at, too', () => {
    const toPay = virtualService('a', { http: [{ route: [{ destination: { host: 'pay' } }] }] });
    const ofPay = rule('DestinationRule', 'pay', { host: 'pay.shop.svc.cluster.local' }, 'other');
    expect(remarksOn([service('pay', '10.96.0.2'), toPay, ofPay])).toEqual([
      'DestinationRule other/pay /metadata/namespace without-effect OwnNamespaceOnly',
    ]);
  });
});

describe('a route of Gateway API', () => {
  test.each<[string, readonly JsonObject[], readonly string[]]>([
    ['of the Service’s namespace counts', [httpRoute('a')], []],
    [
      'for another port',
      [httpRoute('a', { port: 81 })],
      ['HTTPRoute shop/a /spec/parentRefs without-effect OtherPort'],
    ],
    [
      'of a third namespace',
      [httpRoute('a', {}, 'other')],
      ['HTTPRoute other/a /metadata/namespace without-effect OwnNamespaceOnly'],
    ],
    [
      'beside a VirtualService',
      [httpRoute('a'), virtualService('b')],
      ['HTTPRoute shop/a /spec/parentRefs without-effect VirtualServiceCounts'],
    ],
  ])('%s', (_, objects, expected) => {
    expect(remarksOn(objects)).toEqual(expected);
  });

  test('of the client’s namespace stands above that of the Service', () => {
    expect(remarksOn([httpRoute('own', {}, 'web'), httpRoute('a')], { from: 'web' })).toEqual([
      'HTTPRoute shop/a /spec/parentRefs without-effect ConsumerRouteCounts',
    ]);
  });
});
