import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { analyze } from '../../../src/mesh/report/analysis.ts';
import { knownOf } from '../../support/mesh/explained.ts';
import { told } from '../../support/mesh/istio-objects.ts';
import { clusterObjects } from '../../support/istio/proxies.ts';
import { services } from '../../support/istio/called-services.ts';

function rule(kind: string, name: string, spec: JsonObject, namespace = 'shop'): JsonObject {
  return { kind, metadata: { namespace, name, uid: `${namespace}/${name}`, generation: 1 }, spec };
}

const destinationRule = (spec: JsonObject, name = 'a', namespace = 'shop'): JsonObject =>
  rule('DestinationRule', name, { host: 'reviews', ...spec }, namespace);

function virtualService(match: JsonObject, hosts: string[] = ['reviews'], destination: JsonObject = {}): JsonObject {
  const route = [{ destination: { host: 'reviews', port: { number: 80 }, ...destination } }];
  return rule('VirtualService', 'a', { hosts, http: [{ match: [match], route }] });
}

function httpRoute(...parents: readonly JsonObject[]): JsonObject {
  const parentRefs = parents.map((parent) => ({ group: '', kind: 'Service', name: 'reviews', ...parent }));
  return rule('HTTPRoute', 'a', { parentRefs, rules: [{ backendRefs: [{ name: 'reviews', port: 80 }] }] });
}

/** What is said of the rules in a cluster with `reviews`, whose ports are 80 and 81, and `ratings`. */
function saidOf(...rules: readonly JsonObject[]): readonly string[] {
  const { world, domains } = knownOf([...clusterObjects(services), ...rules]);
  return analyze(world, domains).flatMap(({ ref, findings }) => told(findings).map((one) => `${ref.name}: ${one}`));
}

describe('ports that no Service has', () => {
  const random = { loadBalancer: { simple: 'RANDOM' } };
  const ofPort = (number: number): JsonObject => ({ portLevelSettings: [{ port: { number }, ...random }] });
  const advice = 'write a port of the Service, not of its pods: 80, 81';

  test('of a policy, also of a subset', () => {
    expect(saidOf(destinationRule({ trafficPolicy: ofPort(81) }))).toEqual([]);
    expect(
      saidOf(destinationRule({ trafficPolicy: ofPort(9080), subsets: [{ name: 'v1', trafficPolicy: ofPort(9081) }] })),
    ).toEqual([
      `a: warning /spec/trafficPolicy/portLevelSettings/0/port/number: Service shop/reviews has no port 9080; ${advice}`,
      `a: warning /spec/subsets/0/trafficPolicy/portLevelSettings/0/port/number: Service shop/reviews has no port 9081; ${advice}`,
    ]);
  });

  test('of a comparison, for all Services that are meant', () => {
    const all = '*.shop.svc.cluster.local';
    expect(saidOf(virtualService({ port: 81 }))).toEqual([]);
    expect(saidOf(virtualService({ port: 81 }, [all]))).toEqual([]);
    expect(saidOf(virtualService({ port: 9080 }, [all]))).toEqual([
      `a: warning /spec/http/0/match/0/port: none of the Services has a port 9080; ${advice}`,
    ]);
    // That there is no such Service is said, and nothing about its ports.
    expect(saidOf(virtualService({ port: 9080 }, ['nowhere']))).toEqual([
      expect.stringContaining('/spec/hosts/0: there is no Service nowhere.shop.svc.cluster.local'),
    ]);
  });

  test('of a parent, and Services that are none', () => {
    expect(saidOf(httpRoute({}, { port: 81 }, { sectionName: 'http-80' }))).toEqual([]);
    expect(saidOf(httpRoute({ port: 9080 }, { sectionName: 'web' }, { name: 'nowhere' }))).toEqual([
      'a: without-effect /spec/parentRefs/0: Service shop/reviews has no port 9080',
      'a: without-effect /spec/parentRefs/1: Service shop/reviews has no port web',
      'a: without-effect /spec/parentRefs/2: there is no Service shop/nowhere with a port that can be called through the mesh',
    ]);
    expect(saidOf(httpRoute({ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'g' }))).toEqual([]);
  });
});

describe('subsets', () => {
  const subset = (version: string): JsonObject => ({ subsets: [{ name: 'next', labels: { version } }] });

  test('that no pod is in', () => {
    expect(saidOf(destinationRule(subset('v2')))).toEqual([]);
    expect(saidOf(destinationRule(subset('V2')))).toEqual([
      'a: warning /spec/subsets/0/labels: no pod behind reviews has the labels version=V2: requests that are sent to the subset "next" fail with 503',
    ]);
    expect(saidOf(destinationRule({ ...subset('V2'), host: 'nowhere' }))).toEqual([
      expect.stringContaining('/spec/host: there is no Service nowhere.shop'),
    ]);
  });

  test('that are there for some clients only', () => {
    const host = 'reviews.shop.svc.cluster.local';
    const route = virtualService({}, ['reviews'], { subset: 'next' });
    const all = destinationRule(subset('v2'));
    expect(saidOf(route, all)).toEqual([]);
    expect(saidOf(route, all, destinationRule({ host }, 'b', 'other'))).toEqual([
      'a: warning /spec/http/0/route/0/destination/subset: for clients in namespace other, DestinationRule other/b counts, which has no subset "next"; add it there; the last good routes stay, if there are any',
      expect.stringContaining('b: warning /metadata/namespace: counts only for clients in namespace other'),
    ]);
  });
});

test('a DestinationRule that counts for no call, because others fit better', () => {
  const all = destinationRule({ host: '*.shop.svc.cluster.local' }, 'all');
  const each = services.map(({ name }) => destinationRule({ host: name }, name));
  expect(saidOf(all)).toEqual([]);
  expect(saidOf(all, ...each.slice(1))).toEqual([]);
  expect(saidOf(all, ...each)).toEqual([
    'all: without-effect /spec/host: nothing that exists is called by it; "mesh explain" says for a call which objects count instead',
  ]);
});
