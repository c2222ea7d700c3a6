import { beforeEach, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { kinds, type Kind } from '../../../src/mesh/resources/kinds.ts';
import { noPeers } from '../../../src/mesh/serve/mode-reports.ts';
import { createCatalog, type Catalog, type Member } from '../../../src/mesh/serve/catalog.ts';
import { createEncoder } from '../../../src/mesh/wire/encoder.ts';
import { loadEnvoyTypes } from '../../../src/mesh/wire/envoy-types.ts';
import { proxyIntent } from '../../support/builders/proxy-intent.ts';
import { injectedParts } from '../../support/mesh/injected-parts.ts';
import { eventOf } from '../../support/mesh/world-events.ts';

/*
 * What proxies are told when rules come, change and go: which part all of them share, what only some get, and what stays while a rule
 * names what does not exist.
 */

const encoder = createEncoder(loadEnvoyTypes());

/** A proxy that accepts what it is sent, when it is its turn. */
interface Client {
  readonly member: Member;
  readonly told: string[];
  readonly held: Map<string, string>;
}

let catalog: Catalog;
let clients: Client[];
let nowMs: number;

beforeEach(() => {
  nowMs = 0;
  clients = [];
  catalog = createCatalog({
    encoder,
    domains: { cluster: 'cluster.local', trust: 'cluster.local', rootNamespace: 'istio-system' },
    nowMs: () => nowMs,
    after: () => () => undefined,
    refused: (resource) => {
      throw new Error(JSON.stringify(resource));
    },
    converged: () => undefined,
    noticed: () => undefined,
    peerReports: () => noPeers,
    stepped: () => undefined,
  });
});

function set(...objects: readonly JsonObject[]): void {
  catalog.apply(objects.map((object) => eventOf(object, true)));
}

function remove(...objects: readonly JsonObject[]): void {
  catalog.apply(objects.map((object) => eventOf(object, false)));
}

let uids = 0;

function rule(kind: string, namespace: string, name: string, spec: JsonObject): JsonObject {
  uids += 1;
  return { kind, metadata: { namespace, name, uid: String(uids), generation: 1 }, spec };
}

function service(namespace: string, name: string, last: number): JsonObject {
  return {
    kind: 'Service',
    metadata: { namespace, name },
    spec: { clusterIP: `10.96.0.${last}`, ports: [{ name: 'http', port: 80 }] },
  };
}

function pod(namespace: string, name: string, labels: JsonObject = {}): JsonObject {
  return { kind: 'Pod', metadata: { namespace, name, uid: name, labels }, spec: { containers: [] }, status: {} };
}

function join(namespace: string, name: string): Client {
  const told: string[] = [];
  const held = new Map<string, string>();
  const wanted = (kind: Kind, of: string): string | undefined => member.target[kind].get(of)?.version;
  const owes = (kind: Kind, of: string): boolean => held.get(`${kind} ${of}`) !== wanted(kind, of);
  const isInSync = (): boolean =>
    kinds.every((kind) => [...member.target[kind].keys()].every((one) => !owes(kind, one)));
  const traffic = { ...proxyIntent(), self: { name, namespace, address: '10.0.0.1' } };
  const member: Member = catalog.join(traffic, '1.40', {
    party: namespace,
    changed: (changes) =>
      told.push(...Object.entries(changes).flatMap(([kind, names]) => [...names].map((one) => `${kind} ${one}`))),
    holds: (kind, of) => held.get(`${kind} ${of}`),
    owes,
    isInSync,
    holdsAll: isInSync,
    isReady: isInSync,
  });
  const client = { member, told, held };
  clients.push(client);
  settle();
  return client;
}

/** Returns how many names a client has accepted that it had not before. */
function accept({ member, held }: Client): number {
  let count = 0;
  for (const kind of kinds) {
    for (const name of member.target[kind].keys()) {
      const version = member.target[kind].get(name)?.version;
      if (version === undefined || held.get(`${kind} ${name}`) === version) continue;
      held.set(`${kind} ${name}`, version);
      member.accepted(kind, name, version);
      count += 1;
    }
    for (const id of held.keys())
      if (id.startsWith(`${kind} `) && !member.target[kind].has(id.slice(kind.length + 1))) held.delete(id);
  }
  member.moved();
  return count;
}

function settle(): void {
  while (clients.some((client) => accept(client) > 0));
}

const routesOf = (host: string): string => `outbound|80||${host}.shop.svc.cluster.local`;

/** Where requests to a Service of `shop` go. Its routes also name themselves. */
function destinations({ member }: Client, host = 'web'): string {
  settle();
  const text = textOf(member, 'routes', routesOf(host));
  const names = new Set(text.match(/outbound\|80\|[a-z0-9]*\|[a-z.0-9]*cluster\.local/g));
  if (names.size > 1) names.delete(routesOf(host));
  return [...names].join();
}

function textOf(member: Member, kind: Kind, name: string): string {
  return Buffer.from(member.target[kind].get(name)?.bytes ?? new Uint8Array()).toString('latin1');
}

const toSubset = (subset: string): JsonObject => ({ destination: { host: 'web', subset } });

const canary = (match: JsonObject = {}): JsonObject =>
  rule('VirtualService', 'shop', 'web', {
    hosts: ['web'],
    http: [
      ...(Object.keys(match).length === 0 ? [] : [{ match: [match], route: [toSubset('v2')] }]),
      { route: [toSubset('v1')] },
    ],
  });

const subsets = (...names: readonly string[]): JsonObject =>
  rule('DestinationRule', 'shop', 'web', {
    host: 'web',
    subsets: names.map((name) => ({ name, labels: { version: name } })),
  });

const cluster = (subset: string): string => `outbound|80|${subset}|web.shop.svc.cluster.local`;

describe('a rule for all clients', () => {
  test('reaches them, also those that come later, and goes with the object', () => {
    set(service('shop', 'web', 1));
    const first = join('shop', 'a');
    expect(destinations(first)).toBe(cluster(''));
    const [routes, policy] = [canary(), subsets('v1')];
    set(routes, policy);
    expect([destinations(first), destinations(join('other', 'b'))]).toEqual([cluster('v1'), cluster('v1')]);
    expect(first.member.target.cluster.has(cluster('v1'))).toBe(true);
    remove(routes);
    expect(destinations(first)).toBe(cluster(''));
  });

  test('is tried by one proxy first', () => {
    set(service('shop', 'web', 1), subsets('v1'));
    const [first, second] = [join('shop', 'a'), join('shop', 'b')];
    for (const { told } of [first, second]) told.length = 0;
    set(canary());
    expect([first.told, second.told]).toEqual([[`routes ${routesOf('web')}`], []]);
    settle();
    expect(second.told).toEqual([`routes ${routesOf('web')}`]);
  });
});

describe('what differs between clients', () => {
  test('by their namespace', () => {
    set(service('shop', 'web', 1), service('shop', 'other', 2));
    const [own, foreign] = [join('shop', 'a'), join('pay', 'b')];
    const route = rule('HTTPRoute', 'pay', 'mine', {
      parentRefs: [{ group: '', kind: 'Service', namespace: 'shop', name: 'web', port: 80 }],
      rules: [{ backendRefs: [{ namespace: 'shop', name: 'other', port: 80 }] }],
    });
    const grant = rule('ReferenceGrant', 'shop', 'pay', {
      from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'pay' }],
      to: [{ group: '', kind: 'Service' }],
    });
    set(route, grant);
    const other = routesOf('other');
    expect([destinations(own), destinations(foreign), destinations(join('pay', 'c'))]).toEqual([
      cluster(''),
      other,
      other,
    ]);
    own.told.length = 0;
    remove(route);
    expect([destinations(own), destinations(foreign)]).toEqual([cluster(''), cluster('')]);
    // Others were never disturbed.
    expect(own.told).toEqual([]);
  });

  test('by the labels of their pods, also when these or the rules change', () => {
    set(service('shop', 'web', 1), subsets('v1', 'v2'), pod('shop', 'a', { tier: 'x' }), pod('shop', 'b'));
    const [chosen, plain] = [join('shop', 'a'), join('shop', 'b')];
    const routes = canary({ sourceLabels: { tier: 'x' } });
    set(routes);
    expect([destinations(chosen), destinations(plain)]).toEqual([cluster('v2'), cluster('v1')]);
    set(pod('shop', 'a'), pod('shop', 'b', { tier: 'x' }));
    expect([destinations(chosen), destinations(plain)]).toEqual([cluster('v1'), cluster('v2')]);
    // What goes on without its pod keeps its view.
    remove(pod('shop', 'b'));
    expect(destinations(plain)).toBe(cluster('v2'));
    remove(routes);
    expect([destinations(chosen), destinations(plain)]).toEqual([cluster(''), cluster('')]);
  });

  test('is tried by a proxy of the view', () => {
    set(
      service('shop', 'web', 1),
      subsets('v1', 'v2'),
      pod('shop', 'a'),
      pod('shop', 'b', { tier: 'x' }),
      pod('shop', 'c', { tier: 'x' }),
    );
    set(canary({ sourceLabels: { tier: 'x' } }));
    const [plain, one, two] = [join('shop', 'a'), join('shop', 'b'), join('shop', 'c')];
    for (const { told } of clients) told.length = 0;
    set(canary({ sourceLabels: { tier: 'x' }, uri: { prefix: '/y' } }));
    expect([plain.told, one.told, two.told]).toEqual([[], [`routes ${routesOf('web')}`], []]);
    expect(textOf(two.member, 'routes', routesOf('web'))).not.toContain('/y');
    settle();
    expect(textOf(two.member, 'routes', routesOf('web'))).toContain('/y');
    expect(plain.told).toEqual([]);
  });

  test('has the endpoints of a cluster that differs', () => {
    set(
      service('shop', 'web', 1),
      rule('DestinationRule', 'pay', 'web', {
        host: 'web.shop.svc.cluster.local',
        trafficPolicy: { loadBalancer: { simple: 'RANDOM' } },
      }),
    );
    const [own, foreign] = [join('shop', 'a'), join('pay', 'b')];
    const versionOf = ({ member }: Client, kind: Kind) => member.target[kind].get(cluster(''))?.version;
    expect(versionOf(own, 'cluster')).not.toBe(versionOf(foreign, 'cluster'));
    expect(versionOf(own, 'endpoints')).toBe(versionOf(foreign, 'endpoints'));
    expect(versionOf(own, 'endpoints')).toBeDefined();
  });
});

describe('while a rule names what does not exist', () => {
  test('a port without earlier routes behaves as without rules', () => {
    set(service('shop', 'web', 1), canary());
    expect(destinations(join('shop', 'a'))).toBe(cluster(''));
    set(subsets('v1'));
    expect(destinations(join('shop', 'b'))).toBe(cluster('v1'));
  });

  test('the last good routes stay, with the subsets that they need', () => {
    const routes = canary();
    set(service('shop', 'web', 1), routes, subsets('v1'));
    const client = join('shop', 'a');
    expect(destinations(client)).toBe(cluster('v1'));
    set(subsets('v3'));
    expect([destinations(client), destinations(join('shop', 'b'))]).toEqual([cluster('v1'), cluster('v1')]);
    expect(client.member.target.cluster.has(cluster('v1'))).toBe(true);
    remove(routes);
    expect(destinations(client)).toBe(cluster(''));
    expect(client.member.target.cluster.has(cluster('v1'))).toBe(false);
  });

  test('they stay in a view as well', () => {
    set(
      service('shop', 'web', 1),
      canary({ sourceLabels: { tier: 'x' } }),
      subsets('v1', 'v2'),
      pod('shop', 'a', { tier: 'x' }),
    );
    const client = join('shop', 'a');
    set(subsets('v1'));
    expect(destinations(client)).toBe(cluster('v2'));
    expect(client.member.target.cluster.has(cluster('v2'))).toBe(true);
  });

  test('an object that becomes unreadable stays as it was', () => {
    const routes = canary();
    set(service('shop', 'web', 1), routes, subsets('v1'));
    const client = join('shop', 'a');
    client.told.length = 0;
    set({ ...routes, spec: { hosts: ['web'], nonsense: true } });
    expect(destinations(client)).toBe(cluster('v1'));
    expect(client.told).toEqual([]);
  });

  test('other Services are not disturbed, and follow their own rules on', () => {
    const other = (subset: string) => ({
      ...rule('VirtualService', 'shop', 'other', { hosts: ['other'], http: [{ route: [toSubset(subset)] }] }),
    });
    const routes = canary();
    set(service('shop', 'web', 1), service('shop', 'other', 2), routes, other('v1'), subsets('v1', 'v2'));
    const client = join('shop', 'a');
    client.told.length = 0;
    set({ ...routes, spec: { hosts: ['web'], nonsense: true } });
    expect(client.told).toEqual([]);
    set(other('v2'));
    expect([destinations(client), destinations(client, 'other')]).toEqual([cluster('v1'), cluster('v2')]);
    expect(client.told).toEqual([`routes ${routesOf('other')}`]);
  });
});

describe('a control plane that starts knows no earlier versions', () => {
  const unreadable = { ...canary(), spec: { hosts: ['web'], nonsense: true } };
  const other = rule('VirtualService', 'shop', 'other', {
    hosts: ['other'],
    http: [{ route: [{ destination: { host: 'web', subset: 'v1' } }] }],
  });

  test.each([
    ['is unreadable', unreadable, 'refused'],
    ['names a subset that does not exist', canary({ uri: { prefix: '/' } }), 'without-effect'],
  ])('of an object that %s: calls go as without it, and others keep theirs', (_, bad, verdict) => {
    set(bad, other, subsets('v1'), service('shop', 'web', 1), service('shop', 'other', 2));
    const client = join('shop', 'a');
    expect([destinations(client), destinations(client, 'other')]).toEqual([cluster(''), cluster('v1')]);
    expect(catalog.standings().get('VirtualService shop/web')?.verdict).toBe(verdict);
    expect(catalog.standings().get('VirtualService shop/other')?.verdict).toBe('in-force');
    set(canary());
    expect(destinations(client)).toBe(cluster('v1'));
  });

  test('then the next object for the same host decides', () => {
    const younger = { ...canary(), metadata: { namespace: 'shop', name: 'younger', uid: 'y', generation: 1 } };
    set(unreadable, younger, subsets('v1'), service('shop', 'web', 1));
    expect(destinations(join('shop', 'a'))).toBe(cluster('v1'));
  });
});

describe('what has become of an object', () => {
  const standingOf = (key: string) => {
    const standing = catalog.standings().get(key);
    return [standing?.verdict, ...(standing?.findings ?? []).map(({ code }) => code)];
  };

  test('is told, with how many proxies have it', () => {
    set(service('shop', 'web', 1), canary(), subsets('v1'));
    expect(standingOf('VirtualService shop/web')).toEqual(['in-force']);
    expect(catalog.progressOf('VirtualService shop/web')).toEqual({ proxies: 0, holding: 0 });
    const [first] = [join('shop', 'a'), join('pay', 'b')];
    expect(catalog.progressOf('VirtualService shop/web')).toEqual({ proxies: 2, holding: 2 });
    set(canary({ uri: { prefix: '/y' } }), subsets('v1', 'v2'));
    expect(catalog.progressOf('VirtualService shop/web')).toEqual({ proxies: 2, holding: 0 });
    accept(first);
    accept(first);
    expect(catalog.progressOf('VirtualService shop/web')).toEqual({ proxies: 2, holding: 1 });
    settle();
    expect(catalog.progressOf('VirtualService shop/web')).toEqual({ proxies: 2, holding: 2 });
    expect(catalog.progressOf('DestinationRule shop/web')).toEqual({ proxies: 2, holding: 2 });
  });

  test('is told of one that protects pods, also to the other replicas', () => {
    const metadata = { namespace: 'shop', name: 'a', uid: 'a' };
    set({ kind: 'Pod', metadata, spec: { containers: [] }, status: {} });
    const client = join('shop', 'a');
    const policies = [
      rule('AuthorizationPolicy', 'shop', 'none', {}),
      rule('AuthorizationPolicy', 'pay', 'none', {}),
    ] as const;
    set(...policies);
    expect(catalog.progressOf('AuthorizationPolicy shop/none')).toEqual({ proxies: 1, holding: 0 });
    const unheld = [(policies[0]['metadata'] as JsonObject)['uid']];
    expect(catalog.guardReport()).toEqual({ guards: expect.stringMatching(/^\w{16}$/), unheld });
    accept(client);
    expect(catalog.progressOf('AuthorizationPolicy shop/none')).toEqual({ proxies: 1, holding: 1 });
    expect(catalog.guardReport().unheld).toEqual([]);
    const limit = rule('RateLimit', 'shop', 'a', { limits: [{ requests: 1, per: 'Second' }] });
    set(limit);
    expect(catalog.guardReport().unheld).toContain((limit['metadata'] as JsonObject)['uid']);
  });

  test('a replica that has just started says of no object that it is in force before connections may be gone that its predecessor ended', () => {
    const metadata = (name: string) => ({ namespace: 'shop', name, uid: name });
    const { containers, volumes } = injectedParts();
    const spec = { containers: containers.map((one) => ({ ...one, args: ['--drain-time-s', '30'] })), volumes };
    set(...['early', 'late'].map((name) => ({ kind: 'Pod', metadata: metadata(name), spec, status: {} })));
    set(rule('PeerAuthentication', 'shop', 'default', { mtls: { mode: 'STRICT' } }));
    nowMs = 10_000;
    join('shop', 'early');
    const progress = () => catalog.progressOf('PeerAuthentication shop/default');
    nowMs = 39_999;
    expect(progress()).toEqual({ proxies: 1, holding: 0 });
    nowMs = 40_000;
    expect(progress()).toEqual({ proxies: 1, holding: 1 });
    // One that comes later has been told by replicas that are there.
    nowMs = 60_000;
    join('shop', 'late');
    expect(progress()).toEqual({ proxies: 2, holding: 2 });
  });

  test('is told of one that only some get', () => {
    set(
      service('shop', 'web', 1),
      rule('DestinationRule', 'pay', 'web', {
        host: 'web.shop.svc.cluster.local',
        trafficPolicy: { loadBalancer: { simple: 'RANDOM' } },
      }),
    );
    join('shop', 'a');
    join('pay', 'b');
    expect(standingOf('DestinationRule pay/web')).toEqual(['in-force', 'OwnNamespaceOnly']);
    expect(catalog.progressOf('DestinationRule pay/web')).toEqual({ proxies: 1, holding: 1 });
  });

  test('is told of one that has no effect, is refused, or stays as it was', () => {
    const routes = canary();
    set(service('shop', 'web', 1), subsets('v1'), routes);
    set(rule('VirtualService', 'shop', 'nobody', { hosts: ['nobody'], http: [{ route: [toSubset('v1')] }] }));
    set(rule('VirtualService', 'shop', 'wrong', { hosts: ['web'], nonsense: 1 }));
    expect(standingOf('VirtualService shop/nobody')).toEqual(['without-effect', 'NoSuchHost']);
    expect(standingOf('VirtualService shop/wrong')).toEqual(['refused', 'UnknownField']);
    set({ ...routes, spec: { hosts: ['web'], nonsense: 1 } });
    expect(standingOf('VirtualService shop/web')).toEqual(['earlier-in-force', 'UnknownField']);
  });

  test('is told of both of two for one host', () => {
    const age = (name: string, day: number) => {
      const creationTimestamp = `2026-01-0${day}T00:00:00Z`;
      return { ...canary(), metadata: { namespace: 'shop', name, uid: name, generation: 1, creationTimestamp } };
    };
    set(service('shop', 'web', 1), subsets('v1'), age('younger', 2), age('older', 1));
    expect(standingOf('VirtualService shop/older')).toEqual(['in-force', 'HostNamedTwice']);
    expect(standingOf('VirtualService shop/younger')).toEqual(['without-effect', 'OlderObjectCounts']);
  });

  test('is told of one that names what is missing, while its earlier routes stay', () => {
    const routes = canary();
    set(service('shop', 'web', 1), subsets('v1'), routes);
    set({
      ...routes,
      metadata: { ...(routes['metadata'] as JsonObject), generation: 2 },
      spec: canary({ uri: { prefix: '/' } })['spec'],
    });
    const [verdict, ...codes] = standingOf('VirtualService shop/web');
    expect(verdict).toBe('earlier-in-force');
    expect(codes).not.toEqual([]);
  });
});
