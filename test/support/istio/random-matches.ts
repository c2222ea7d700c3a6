import * as fc from '../fast-check.ts';
import { few } from './random-members.ts';

/** A match of one text. */
export function textMatch(exact: readonly string[], prefix: readonly string[], regex: readonly string[]) {
  return fc.oneof(
    fc.record({ exact: fc.constantFrom(...exact) }),
    fc.record({ prefix: fc.constantFrom(...prefix) }),
    fc.record({ regex: fc.constantFrom(...regex) }),
  );
}

const uri = textMatch(
  ['/a', '/a/b', '/A', '/'],
  ['/a', '/a/', '/', '/A', '/a/b'],
  ['/a/[0-9]+', '(?i)/a.*', '/a', '.*'],
);
const value = fc.oneof(textMatch(['ann', 'bob', ''], ['a', 'an', 'b'], ['a.*', 'ann|bob', '.*', 'n']), fc.constant({}));
const headerMatches = fc.dictionary(fc.constantFrom('x-user', 'x-beta', 'cookie'), value, { minKeys: 1, maxKeys: 2 });

/** What a route compares: a block of its `match`. */
export const match = few(1, 3, {
  uri,
  method: textMatch(['GET', 'POST'], ['P', 'GE'], ['GET|PUT', 'G.*']),
  authority: textMatch(['reviews', 'reviews.shop.svc.cluster.local'], ['reviews', 'rev'], ['reviews(:80)?', '.*local']),
  scheme: textMatch(['http', 'https'], ['http'], ['https?']),
  headers: headerMatches,
  withoutHeaders: headerMatches,
  queryParams: fc.dictionary(fc.constantFrom('q', 'r'), value, { minKeys: 1, maxKeys: 2 }),
  port: fc.constantFrom(80, 81),
  sourceLabels: fc.constantFrom({ app: 'web' }, { app: 'other' }),
  sourceNamespace: fc.constantFrom('shop', 'shop', 'other'),
  gateways: fc.constantFrom(['mesh'], ['shop/gate']),
  ignoreUriCase: fc.boolean(),
});
