import { beforeEach, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { indexRules } from '../../../src/mesh/plan/rule-index.ts';
import type { ModesOf } from '../../../src/mesh/plan/peer-modes.ts';
import type { Resource } from '../../../src/mesh/resources/resource.ts';
import { createInboundLayer, type InboundLayer } from '../../../src/mesh/serve/inbound-layer.ts';
import type { ShelvedResource } from '../../../src/mesh/serve/shelf.ts';
import { emptyTarget, type Target } from '../../../src/mesh/stream/target.ts';
import type { Pod } from '../../../src/mesh/world/pod.ts';
import { applyEvents, emptyWorld, type World } from '../../../src/mesh/world/world.ts';
import { proxyIntent } from '../../support/builders/proxy-intent.ts';
import { injectedParts } from '../../support/mesh/injected-parts.ts';
import { eventOf } from '../../support/mesh/world-events.ts';

/*
 * What arrives at a pod is decided by what is said, and by nothing else: where that cannot be enforced, nobody gets in.
 */

const domains = { cluster: 'cluster.local', trust: 'cluster.local', rootNamespace: 'istio-system' };

let world: World;
/** Names of resources that Envoy would reject. */
let unusable: string[];
let shared: (readonly Resource[])[];

beforeEach(() => {
  [world, unusable, shared] = [emptyWorld, [], []];
});

function set(...objects: readonly JsonObject[]): void {
  world = applyEvents(
    world,
    objects.map((object) => eventOf(object, true)),
  ).world;
}

const pod: JsonObject = {
  kind: 'Pod',
  metadata: {
    namespace: 'shop',
    name: 'cart',
    uid: '1',
    labels: { app: 'cart', 'security.istio.io/tlsMode': 'istio' },
  },
  spec: { ...injectedParts() },
};

const policy = (name: string, spec: JsonObject): JsonObject => ({
  kind: 'AuthorizationPolicy',
  metadata: { namespace: 'shop', name, uid: name, generation: 1 },
  spec,
});

function share(resources: readonly Resource[]): Target<ShelvedResource> {
  shared.push(resources);
  const usable = resources.filter((one) => !unusable.includes(one.name) || shared.length > 1);
  const of = (kind: Resource['kind']) =>
    new Map(
      usable
        .filter((one) => one.kind === kind)
        .map((one) => [one.name, { kind, name: one.name, version: JSON.stringify(one.json) } as ShelvedResource]),
    );
  return { ...emptyTarget, listener: of('listener'), routes: of('routes') };
}

function open(): InboundLayer {
  const known = () => ({ world, domains, index: indexRules(world.rules, domains) });
  const servedBy: ModesOf<Pod> = (one) => known().index.peers.modesOf(one);
  const traffic = { ...proxyIntent(), self: { name: 'cart', namespace: 'shop', address: '10.0.0.1' } };
  return createInboundLayer('shop/cart', traffic, { known, servedBy, share });
}

/** The versions of the listener and the routes. */
function textOf(layer: InboundLayer): string {
  const target = layer.target();
  return [target.listener.get('virtualInbound'), target.routes.get('inbound')].map((one) => one?.version).join(' ');
}

const deniesAll = '"closed":{"permissions":[{"any":true}],"principals":[{"any":true}]}';
const takesPlainText = '"name":"inbound-http"';

test('a pod of which nothing is said lets everybody in; a policy for it is looked at, and none for others', () => {
  set(pod);
  const layer = open();
  expect(textOf(layer)).not.toContain('RBACPerRoute');
  expect(textOf(layer)).toContain(takesPlainText);
  set(policy('pay', { selector: { matchLabels: { app: 'pay' } } }));
  expect(layer.look()).toBeUndefined();
  set(policy('cart', { selector: { matchLabels: { app: 'cart' } }, action: 'DENY', rules: [{}] }));
  expect(layer.look()).toEqual({ listener: ['virtualInbound'], routes: ['inbound'] });
  expect(textOf(layer)).toContain('ns[shop]-policy[cart]-rule[0]');
});

test('a policy that is not understood denies everything', () => {
  set(pod, policy('cart', { action: 'ALLOW', rules: [{ when: [{ key: 'nobody.knows', values: ['x'] }] }] }));
  expect(textOf(open())).toContain(
    '"ns[shop]-policy[cart]-rule[0]":{"permissions":[{"any":true}],"principals":[{"any":true}]}',
  );
});

test('a pod that is not known lets nobody in until it is', () => {
  const layer = open();
  expect(textOf(layer)).toContain(deniesAll);
  expect(textOf(layer)).not.toContain(takesPlainText);
  set(pod);
  expect(layer.look()).toBeDefined();
  expect(textOf(layer)).not.toContain(deniesAll);
});

test('a pod that is gone, but whose proxy goes on, is as it was', () => {
  set(pod, policy('cart', { action: 'DENY', rules: [{}] }));
  const layer = open();
  const before = textOf(layer);
  world = emptyWorld;
  expect(layer.look()).toBeUndefined();
  expect(textOf(layer)).toBe(before);
});

test('what Envoy would reject closes the pod', () => {
  set(pod);
  unusable.push('inbound');
  const layer = open();
  expect(textOf(layer)).toContain(deniesAll);
  expect(textOf(layer)).not.toContain(takesPlainText);
});

test('what the proxy has rejected closes the pod, until something else is meant', () => {
  set(pod, policy('cart', { action: 'DENY', rules: [{ to: [{ operation: { paths: ['/a'] } }] }] }));
  const layer = open();
  const rejected = {
    kind: 'routes',
    name: 'inbound',
    version: layer.target().routes.get('inbound')?.version ?? '',
  } as const;
  expect(layer.rejected({ ...rejected, name: 'others' })).toBeUndefined();
  expect(layer.rejected({ ...rejected, version: 'of before' })).toBeUndefined();
  expect(layer.rejected(rejected)).toEqual({ listener: ['virtualInbound'], routes: ['inbound'] });
  expect(textOf(layer)).toContain(deniesAll);
  expect(layer.look()).toBeUndefined();
  set(policy('cart', { action: 'DENY', rules: [{ to: [{ operation: { paths: ['/b'] } }] }] }));
  expect(layer.look()).toBeDefined();
  expect(textOf(layer)).not.toContain(deniesAll);
});
