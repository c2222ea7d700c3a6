import { expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { routeObject, translated } from '../../support/mesh/route-objects.ts';

/*
 * The order in which routes are found makes no difference, and of two rules that both take a request, the one that says more comes first.
 */

const path = fc.record({
  type: fc.constantFrom('Exact', 'PathPrefix', 'RegularExpression'),
  value: fc.constantFrom('/', '/a', '/a/b', '/b/'),
});
const named = fc
  .uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 })
  .map((names) => names.map((name) => ({ name, value: '1' })));
const httpMatch = fc.record(
  { path, method: fc.constantFrom('GET', 'POST'), headers: named, queryParams: named },
  { requiredKeys: [] },
);
const grpcMatch = fc.record(
  {
    method: fc.record({ service: fc.constantFrom('a', 'a.b'), method: fc.constantFrom('', 'Get', 'Put') }),
    headers: named,
  },
  { requiredKeys: [] },
);

const routes = fc.uniqueArray(
  fc.record({
    kind: fc.constantFrom('HTTPRoute' as const, 'GRPCRoute' as const),
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    age: fc.constantFrom(1, 2),
    http: fc.array(fc.array(httpMatch, { maxLength: 3 }), { minLength: 1, maxLength: 3 }),
    grpc: fc.array(fc.array(grpcMatch, { maxLength: 3 }), { minLength: 1, maxLength: 3 }),
  }),
  { selector: ({ kind, name }) => `${kind} ${name}`, maxLength: 6 },
);

test('routes in any order give the same rules', () => {
  fc.assert(
    fc.property(
      routes.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
      (orders) => {
        const [first, second] = orders.map((all) =>
          translated(
            all.map(({ kind, name, age, http, grpc }) =>
              routeObject(
                kind,
                (kind === 'HTTPRoute' ? http : grpc).map((matches) => ({
                  matches: [...matches],
                  backendRefs: [{ name: 'cart', port: 80 }],
                })),
                { name, creationTimestamp: `2026-01-0${age}T00:00:00Z` },
              ),
            ),
          ),
        );
        expect(first?.rules).toEqual(second?.rules);
        const paths = (first?.rules ?? []).filter(({ match }) => match.isGrpc !== true).map(({ match }) => match.path);
        const kinds = paths.map((one) => ['exact', 'segments', 'regex'].indexOf(one?.type ?? ''));
        expect(kinds).toEqual(kinds.toSorted((one, other) => one - other));
        const lengths = paths.flatMap((one) => (one?.type === 'segments' ? [one.value.length] : []));
        expect(lengths).toEqual(lengths.toSorted((one, other) => other - one));
      },
    ),
  );
});
