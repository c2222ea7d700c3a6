import { expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { isObject, type Json, type JsonObject } from '../../../src/json/json.ts';
import { pointerTokens } from '../../../src/json/pointer.ts';
import { policyOf } from '../../../src/mesh/plan/destination-policy.ts';
import { translateVirtualService } from '../../../src/mesh/plan/virtual-service-routes.ts';
import { readDestinationRule } from '../../../src/mesh/rules/destination-rule.ts';
import type { Finding } from '../../../src/mesh/rules/finding.ts';
import { readVirtualService } from '../../../src/mesh/rules/virtual-service.ts';
import { destinationRule, told, virtualService } from '../../support/mesh/istio-objects.ts';
import { destinationRules, routes } from '../../support/mesh/random-istio.ts';
import { contextOf, serviceWith } from '../../support/mesh/route-contexts.ts';

/** What stands at a pointer; undefined if nothing does. */
function at(object: Json, pointer: string): Json | undefined {
  return pointerTokens(pointer).reduce<Json | undefined>((value, token) => {
    if (Array.isArray(value)) return (value as readonly Json[])[Number(token)];
    return isObject(value) && Object.hasOwn(value, token) ? value[token] : undefined;
  }, object);
}

/** Pointers to everything in a value. */
function pointers(value: Json, pointer = ''): readonly string[] {
  if (typeof value !== 'object' || value === null) return [pointer];
  return [
    pointer,
    ...Object.entries(value).flatMap(([key, one]) =>
      pointers(one as Json, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`),
    ),
  ];
}

/** The object with another value at one place, or with a member more there. */
function damaged(object: JsonObject, choice: number, value: Json, name: string | undefined): JsonObject {
  const copy = structuredClone(object) as Record<string, Json>;
  const places = pointers(copy).filter((pointer) => pointer.startsWith('/spec/'));
  const tokens = pointerTokens(places[choice % Math.max(places.length, 1)] ?? '/spec');
  const last = tokens.at(-1) ?? '';
  const parent = at(copy, `/${tokens.slice(0, -1).join('/')}`) as Record<string, Json>;
  const place = parent[last];
  const [target, key] = name !== undefined && isObject(place) ? [place, name] : [parent, last];
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  return copy;
}

const harm = fc.tuple(
  fc.nat({ max: 1000 }),
  fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom<Json>(null, '', '*', -1, 1.5, {}, [], 1e300)),
  fc.option(fc.constantFrom('timeout', 'prefix', 'hosts', 'other', '__proto__', 'a/b~c'), { nil: undefined }),
);

/** Fields that findings name, and that the object does not have. */
function misplaced(object: JsonObject, findings: readonly Finding[]): readonly string[] {
  return findings.map(({ field }) => field).filter((field) => at(object, field) === undefined);
}

test('what is said of an object is said of a field that it has, whatever is in it', () => {
  fc.assert(
    fc.property(routes, destinationRules, harm, (http, spec, [choice, value, name]) => {
      for (const [object, read] of [
        [damaged(virtualService(http), choice, value, name), readVirtualService],
        [damaged(destinationRule(spec), choice, value, name), readDestinationRule],
      ] as const) {
        const { findings, spec: understood } = read(object);
        expect(misplaced(object, findings)).toEqual([]);
        expect(understood === undefined).toBe(findings.some(({ effect }) => effect === 'refused'));
      }
    }),
  );
});

const services = [serviceWith('shop', 'reviews', [80]), serviceWith('shop', 'ratings', [80, 81])];
const subsets = { 'shop/reviews': ['v1', 'v2'], 'shop/ratings': ['v1', 'v2'] };
const view = fc.record({
  namespace: fc.constantFrom('shop', 'other'),
  labels: fc.constantFrom<Readonly<Record<string, string>>>({}, { app: 'web' }),
});

test('rules are in the order of routes and blocks, and lead to what is there or are held back', () => {
  fc.assert(
    fc.property(routes, view, (http, client) => {
      const { spec, ref, findings: ofReading } = readVirtualService(virtualService(http));
      fc.pre(spec !== undefined);
      expect(told(ofReading).filter((one) => one.startsWith('refused'))).toEqual([]);
      const { rules, findings } = translateVirtualService(spec, ref, contextOf({ services, subsets, view: client }));
      expect(rules === undefined).toBe(findings.length > 0);
      const places = (rules ?? []).map(({ name }) => name.split('.').map((part) => Number(part.slice(1))));
      const inOrder = places.toSorted(([a = 0, b = 0], [c = 0, d = 0]) => a - c || b - d);
      expect(places).toEqual(inOrder);
      const destinations = (rules ?? []).flatMap(({ action }) =>
        action.type === 'forward' ? action.destinations : [],
      );
      expect(destinations.filter(({ backend }) => backend === undefined)).toEqual([]);
    }),
  );
});

test('subsets have the policy of the rule, where they say nothing else', () => {
  fc.assert(
    fc.property(destinationRules, fc.constantFrom(80, 81), (spec, number) => {
      const { spec: rule } = readDestinationRule(destinationRule(spec));
      if (rule === undefined) throw new Error('a random rule is refused');
      const bare = { ...rule, subsets: [{ name: 'bare', labels: {} }] };
      expect(policyOf(bare, { number }, 'bare')).toEqual(policyOf(rule, { number }));
      for (const { name, trafficPolicy } of rule.subsets ?? []) {
        // Its own policy comes first, and its balancer is always given.
        const alone = policyOf({ trafficPolicy }, { number });
        expect(policyOf(rule, { number }, name)).toMatchObject(alone);
      }
    }),
  );
});
