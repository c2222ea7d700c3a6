import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { indexRules } from '../../../src/mesh/plan/rule-index.ts';
import { dependsOnClient, planTraffic, type Known } from '../../../src/mesh/plan/service-traffic.ts';
import { anyClient, type View } from '../../../src/mesh/plan/view.ts';
import { worldOf } from '../../support/mesh/world-events.ts';
import { rulesOf } from '../../support/mesh/rules.ts';

const domains = { cluster: 'cluster.local', trust: 'cluster.local', rootNamespace: 'istio-system' };

function service(name: string, namespace = 'shop', port: JsonObject = { name: 'http', port: 80 }): JsonObject {
  return {
    kind: 'Service',
    metadata: { namespace, name, uid: `${namespace}-${name}` },
    spec: { clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'], ports: [port] },
  };
}

/** An object that is as many days old as the number says. */
function rule(kind: string, id: string, age: number, spec: JsonObject): JsonObject {
  const [namespace = '', name = ''] = id.split('/');
  const creationTimestamp = `2026-01-${String(30 - age).padStart(2, '0')}T00:00:00Z`;
  return { kind, metadata: { namespace, name, uid: id, creationTimestamp }, spec };
}

function virtualService(id: string, age: number, more: JsonObject = {}): JsonObject {
  return rule('VirtualService', id, age, {
    hosts: ['cart'],
    http: [{ route: [{ destination: { host: 'cart.shop.svc.cluster.local' } }] }],
    ...more,
  });
}

function destinationRule(id: string, age: number, more: JsonObject): JsonObject {
  return rule('DestinationRule', id, age, { host: 'cart.shop.svc.cluster.local', ...more });
}

function httpRoute(id: string, age: number, parent: JsonObject = {}): JsonObject {
  return rule('HTTPRoute', id, age, {
    parentRefs: [{ group: '', kind: 'Service', namespace: 'shop', name: 'cart', ...parent }],
    rules: [{ backendRefs: [{ name: 'cart', port: 80 }] }],
  });
}

function known(...objects: readonly JsonObject[]): Known {
  const isRule = ({ kind }: JsonObject): boolean => kind !== 'Service';
  const services = objects.filter((one) => !isRule(one));
  const world = {
    ...worldOf(services.length === 0 ? [service('cart')] : services),
    rules: rulesOf(objects.filter(isRule)),
  };
  return { world, domains, index: indexRules(world.rules, domains) };
}

function client(namespace: string, labels: Readonly<Record<string, string>> = {}): View {
  return { namespace, labels };
}

/** Names of the objects that routes of port 80 come from. */
function origins(of: Known, view: View = anyClient): readonly string[] {
  const plan = planTraffic(of, 'shop/cart', view).traffic.routes.get(80);
  return (plan?.origins ?? []).map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`);
}

function codes(of: Known, view: View = anyClient): readonly string[] {
  return [...planTraffic(of, 'shop/cart', view).findings].flatMap(([id, found]) =>
    found.map(({ code, effect }) => `${id}: ${code} (${effect})`),
  );
}

describe('a VirtualService', () => {
  test('counts alone if it is the oldest, and both are told', () => {
    const both = known(virtualService('shop/new', 1), virtualService('shop/old', 2));
    expect(origins(both)).toEqual(['VirtualService shop/old']);
    expect(codes(both)).toEqual([
      'VirtualService shop/new: OlderObjectCounts (without-effect)',
      'VirtualService shop/old: HostNamedTwice (warning)',
    ]);
  });

  test('of the same second counts by its name, before its namespace', () => {
    expect(origins(known(virtualService('shop/b', 1), virtualService('shop/a', 1)))).toEqual(['VirtualService shop/a']);
    const complete = { hosts: ['cart.shop.svc.cluster.local'] };
    const both = known(virtualService('a/z', 1, complete), virtualService('z/a', 1, complete));
    expect(origins(both)).toEqual(['VirtualService z/a']);
  });

  test('for fewer namespaces counts before an older one for more, and both are told', () => {
    const complete = { hosts: ['cart.shop.svc.cluster.local'] };
    const all = known(
      virtualService('shop/all', 9),
      virtualService('shop/named', 5, { ...complete, exportTo: ['web', 'shop'] }),
      virtualService('web/own', 1, { ...complete, exportTo: ['.'] }),
    );
    expect(['web', 'shop', 'other'].map((name) => origins(all, client(name)))).toEqual([
      ['VirtualService web/own'],
      ['VirtualService shop/named'],
      ['VirtualService shop/all'],
    ]);
    expect(codes(all, client('shop'))).toEqual([
      'VirtualService shop/all: OlderObjectCounts (without-effect)',
      'VirtualService shop/named: HostNamedTwice (warning)',
    ]);
    const [said] = planTraffic(all, 'shop/cart', client('shop')).findings.get('VirtualService shop/all') ?? [];
    expect(said?.sentence).toContain('VirtualService shop/named, whose exportTo is narrower, decides on');
  });

  test('that is exported to other namespaces only does not count in its own', () => {
    const other = known(virtualService('shop/x', 1, { exportTo: ['web'] }));
    expect([client('shop'), client('web')].map((view) => origins(other, view).length)).toEqual([0, 1]);
  });

  test('that says nothing of a port and its clients leaves them to the next one for the same host', () => {
    const of = (match: JsonObject): JsonObject => ({
      http: [{ match: [match], route: [{ destination: { host: 'cart' } }] }],
    });
    const next = virtualService('shop/next', 1);
    for (const match of [{ port: 81 }, { sourceLabels: { app: 'other' } }, { gateways: ['public'] }]) {
      const both = known(virtualService('shop/first', 2, of(match)), next);
      expect(origins(both)).toEqual(['VirtualService shop/next']);
      expect(codes(both)).toEqual([]);
    }
    const wild = virtualService('shop/wild', 1, { hosts: ['*.shop.svc.cluster.local'] });
    expect(origins(known(virtualService('shop/first', 2, of({ port: 81 })), wild))).toEqual([]);
  });

  test('that names the host counts before an older one with a wildcard', () => {
    const wild = virtualService('shop/wild', 9, { hosts: ['*.shop.svc.cluster.local'] });
    expect(origins(known(wild, virtualService('shop/exact', 1)))).toEqual(['VirtualService shop/exact']);
    expect(origins(known(wild))).toEqual(['VirtualService shop/wild']);
  });

  test.each([
    ['a short name of another namespace', virtualService('web/x', 1), []],
    ['a gateway alone', virtualService('shop/x', 1, { gateways: ['public'] }), []],
    [
      'a gateway and the mesh',
      virtualService('shop/x', 1, { gateways: ['public', 'mesh'] }),
      ['VirtualService shop/x'],
    ],
    ['nobody', virtualService('shop/x', 1, { exportTo: ['~'] }), []],
  ])('for %s', (_what, object, expected) => {
    expect(origins(known(object), client('web'))).toEqual(expected);
  });

  test('for its own namespace does not count elsewhere', () => {
    const own = known(virtualService('shop/x', 1, { exportTo: ['.'] }));
    expect([client('shop'), client('web'), anyClient].map((view) => origins(own, view).length)).toEqual([1, 0, 0]);
    expect(dependsOnClient(own, 'shop/cart')).toBe(true);
  });

  test('says that it has no effect on a port that is not HTTP', () => {
    const tcp = known(service('cart', 'shop', { name: 'tcp-db', port: 80 }), virtualService('shop/x', 1));
    expect(origins(tcp)).toEqual([]);
    expect(codes(tcp)).toEqual(['VirtualService shop/x: PortIsNotHttp (warning)']);
  });
});

test('a route to a subset that only clients of one namespace know differs by the client', () => {
  const subsets = [{ name: 'v2', labels: { version: 'v2' } }];
  const route = [{ destination: { host: 'pay', subset: 'v2' } }];
  const rules = (host: string) => [
    virtualService('shop/x', 1, { http: [{ route }] }),
    destinationRule('web/pay', 1, { host, subsets }),
  ];
  const services = [service('cart'), service('pay')];
  const worldOfRule = (host: string) => known(...services, ...rules(host));
  const foreign = worldOfRule('pay.shop.svc.cluster.local');
  expect([anyClient, client('web')].map((view) => origins(foreign, view).length)).toEqual([0, 1]);
  expect(dependsOnClient(foreign, 'shop/cart')).toBe(true);
  expect(dependsOnClient(worldOfRule('elsewhere.shop.svc.cluster.local'), 'shop/cart')).toBe(false);
});

describe('routes of Gateway API', () => {
  test('of the clients stand above those of the Service, for these clients', () => {
    const both = known(httpRoute('shop/producer', 1), httpRoute('web/consumer', 1));
    expect(origins(both, client('web'))).toEqual(['HTTPRoute web/consumer']);
    expect(origins(both, client('other'))).toEqual(['HTTPRoute shop/producer']);
    expect(origins(both, client('shop'))).toEqual(['HTTPRoute shop/producer']);
    expect(dependsOnClient(both, 'shop/cart')).toBe(true);
    expect(dependsOnClient(known(httpRoute('shop/producer', 1)), 'shop/cart')).toBe(false);
  });

  test('of one port leave others alone', () => {
    expect(origins(known(httpRoute('shop/x', 1, { port: 81 })))).toEqual([]);
    expect(origins(known(httpRoute('shop/x', 1, { port: 80 })))).toEqual(['HTTPRoute shop/x']);
  });

  test('for a gateway are none of ours', () => {
    expect(origins(known(httpRoute('shop/x', 1, { group: 'gateway.networking.k8s.io', kind: 'Gateway' })))).toEqual([]);
  });

  test('have no effect beside a VirtualService', () => {
    const both = known(httpRoute('shop/route', 9), virtualService('shop/service', 1));
    expect(origins(both)).toEqual(['VirtualService shop/service']);
    expect(codes(both)).toEqual(['HTTPRoute shop/route: VirtualServiceCounts (without-effect)']);
  });
});

describe('a DestinationRule', () => {
  const subset = (name: string): JsonObject => ({ subsets: [{ name, labels: { version: name } }] });
  const subsets = (of: Known, view: View = anyClient): readonly string[] =>
    planTraffic(of, 'shop/cart', view).traffic.subsets.map(({ name }) => name);

  test('of the clients stands above that of the Service, and this above the root namespace', () => {
    const all = known(
      destinationRule('web/x', 1, subset('ofclient')),
      destinationRule('shop/x', 1, subset('ofservice')),
      destinationRule('istio-system/x', 1, subset('ofroot')),
    );
    expect(subsets(all, client('web'))).toEqual(['ofclient']);
    expect(subsets(all, client('other'))).toEqual(['ofservice']);
    const root = known(destinationRule('istio-system/x', 1, subset('ofroot')));
    expect(subsets(root)).toEqual(['ofroot']);
    expect([dependsOnClient(all, 'shop/cart'), dependsOnClient(root, 'shop/cart')]).toEqual([true, false]);
  });

  test('of the root namespace does not count as one of the clients there', () => {
    const both = known(
      destinationRule('istio-system/x', 1, subset('ofroot')),
      destinationRule('shop/x', 1, subset('ofservice')),
    );
    expect(subsets(both, client('istio-system'))).toEqual(['ofservice']);
  });

  test('of another namespace counts for nobody else', () => {
    expect(subsets(known(destinationRule('other/x', 9, subset('a'))), client('web'))).toEqual([]);
  });

  test('that fits best counts alone in its namespace', () => {
    const wild = destinationRule('shop/wild', 9, { host: '*.shop.svc.cluster.local', ...subset('wild') });
    expect(subsets(known(wild, destinationRule('shop/exact', 1, subset('exact'))))).toEqual(['exact']);
  });

  test('shares a host with another: subsets are united, and the oldest policy counts', () => {
    const policy = (simple: string): JsonObject => ({ trafficPolicy: { loadBalancer: { simple } } });
    const both = known(
      destinationRule('shop/new', 1, { ...policy('RANDOM'), subsets: [{ name: 'a' }, { name: 'b' }] }),
      destinationRule('shop/old', 2, { ...policy('ROUND_ROBIN'), ...subset('a') }),
    );
    expect(subsets(both)).toEqual(['a', 'b']);
    expect(codes(both)).toEqual([
      'DestinationRule shop/new: SubsetDefinedTwice (without-effect)',
      'DestinationRule shop/new: OlderPolicyCounts (without-effect)',
    ]);
    expect(planTraffic(both, 'shop/cart').traffic.policies.get(80)?.loadBalancer).toEqual({ type: 'round-robin' });
  });
});
