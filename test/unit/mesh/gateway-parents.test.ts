import { expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { isParent, parentStatuses, type StatusContext } from '../../../src/mesh/plan/gateway-parents.ts';
import { parentRef } from '../../../src/mesh/rules/gateway-fields.ts';
import { readHttpRoute } from '../../../src/mesh/rules/gateway-route.ts';
import { grantsOf, routeContext } from '../../support/mesh/route-objects.ts';

const service = { group: '', kind: 'Service', name: 'cart' };
const context: StatusContext = { ...routeContext, grants: grantsOf([]), overridden: () => undefined };

test.each<[JsonObject, boolean]>([
  [{}, true],
  [{ port: 80 }, true],
  [{ port: 8080 }, false],
  [{ sectionName: 'http' }, true],
  [{ sectionName: 'admin' }, false],
  [{ sectionName: 'admin', port: 80 }, false],
  [{ namespace: 'shop' }, true],
  [{ namespace: 'other' }, false],
  [{ name: 'cart-v2' }, false],
  [{ group: 'gateway.networking.k8s.io' }, false],
  [{ kind: 'Gateway' }, false],
])('a parent with %j is port 80 of the Service: %s', (more, expected) => {
  const parent = parentRef.parse({ ...service, ...more });
  expect(isParent(parent, { namespace: 'shop' }, routeContext.service, 80)).toBe(expected);
});

function conditionsOf(spec: JsonObject, parent: JsonObject = {}, more: Partial<StatusContext> = {}) {
  const parents = [{ name: 'edge' }, { ...service, ...parent }];
  const route = readHttpRoute({
    metadata: { namespace: 'shop', name: 'route', generation: 3 },
    spec: { parentRefs: parents, ...spec },
  });
  const statuses = parentStatuses(
    route,
    parents.map((one) => parentRef.parse(one)),
    { ...context, ...more },
  );
  expect(statuses).toHaveLength(1);
  expect(statuses[0]).toEqual(
    expect.objectContaining({ parentRef: { ...service, ...parent }, controllerName: 'sidecar-injector.io/mesh' }),
  );
  for (const { observedGeneration } of statuses[0]?.conditions ?? []) expect(observedGeneration).toBe(3);
  return statuses[0]?.conditions.map(({ type, status, reason, message }) => `${type} ${status} ${reason}: ${message}`);
}

const fine = { rules: [{ backendRefs: [{ name: 'cart', port: 80 }] }] };
const accepted = 'Accepted True Accepted: the route is understood';
const resolved = 'ResolvedRefs True ResolvedRefs: all backends are there';

test('a route that counts', () => {
  expect(conditionsOf(fine)).toEqual([accepted, resolved]);
});

test('a route that is refused', () => {
  expect(conditionsOf({ rules: [{ timeout: '1s' }] })).toEqual([
    'Accepted False UnsupportedValue: /spec/rules/0/timeout: there is no such field, did you mean "timeouts"?',
  ]);
});

test.each([
  [{ name: 'nobody' }, 'there is no Service shop/nobody with a port that can be called through the mesh'],
  [{ port: 81 }, 'Service shop/cart has no port 81'],
  [{ sectionName: 'metrics' }, 'Service shop/cart has no port metrics'],
])('a parent that is not there: %j', (parent, message) => {
  expect(conditionsOf(fine, parent)).toEqual([`Accepted False NoMatchingParent: ${message}`, resolved]);
});

test('a route that something else stands above', () => {
  expect(conditionsOf(fine, {}, { overridden: () => 'VirtualService shop/cart counts' })).toEqual([
    'Accepted False Overridden: VirtualService shop/cart counts',
    resolved,
  ]);
});

test('backends that cannot be used', () => {
  const backendRefs = [
    { name: 'cart', port: 81 },
    { name: 'cart', port: 80, namespace: 'other' },
  ];
  const mirror = { type: 'RequestMirror', requestMirror: { backendRef: { name: 'cart', port: 81 } } };
  expect(conditionsOf({ rules: [{ backendRefs, filters: [mirror] }] })).toEqual([
    accepted,
    'ResolvedRefs False BackendNotFound: Service shop/cart has no port 81; it has 80, 8080; Service other/cart is of another namespace: a ReferenceGrant in other must let HTTPRoute of shop name it',
  ]);
});
