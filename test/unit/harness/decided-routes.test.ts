import { expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { decidedByHeaders } from '../../support/istio/decided-routes.ts';

const never = { numerator: 0, denominator: 'HUNDRED' };
const always = { numerator: 100, denominator: 'HUNDRED' };

test('a route is there once for each outcome of its draws, and what happens comes first', () => {
  const fault = (delay: JsonObject, abort: JsonObject): JsonObject => ({
    delay: { fixed_delay: '1s', percentage: delay },
    abort: { percentage: abort },
  });
  const route = (name: string, percentages: readonly [JsonObject, JsonObject], headers: JsonObject[]): JsonObject => ({
    match: { prefix: '/', headers },
    name,
    typed_per_filter_config: { fault: fault(...percentages) },
  });
  const given = {
    routes: [
      route('drawn', [{ numerator: 5, denominator: 'TEN_THOUSAND' }, { numerator: 25 }], []),
      route('sure', [always, never], [{ name: 'x-user' }]),
    ],
  };
  const delayed = { name: 'x-draw-delay', range_match: { start: '0', end: '500' } };
  const aborted = { name: 'x-draw-abort', range_match: { start: '0', end: '250000' } };
  expect(decidedByHeaders(given)).toEqual({
    routes: [
      route('drawn', [always, always], [delayed, aborted]),
      route('drawn', [always, never], [delayed]),
      route('drawn', [never, always], [aborted]),
      route('drawn', [never, never], []),
      route('sure', [always, never], [{ name: 'x-user' }]),
    ],
  });
});

test('copies are drawn one by one, and weights are decided by a header', () => {
  const copy = (cluster: string, share: JsonObject): JsonObject => ({
    cluster,
    runtime_fraction: { default_value: share },
  });
  const route = (copies: JsonObject[], match: JsonObject): JsonObject => ({
    match,
    route: { request_mirror_policies: copies, weighted_clusters: { clusters: [] } },
  });
  const decided = (copies: JsonObject[], match: JsonObject): JsonObject => ({
    match,
    route: { request_mirror_policies: copies, weighted_clusters: { clusters: [], header_name: 'x-share' } },
  });
  const below = (end: string) => ({ name: 'x-draw-mirror', range_match: { start: '0', end } });
  const one = (numerator: number) => ({ numerator, denominator: 'MILLION' });
  expect(decidedByHeaders({ routes: [route([copy('a', one(1)), copy('b', one(2))], {})] })).toEqual({
    routes: [
      decided([copy('a', always), copy('b', always)], { headers: [below('1'), below('2')] }),
      decided([copy('a', always), copy('b', never)], { headers: [below('1')] }),
      decided([copy('a', never), copy('b', always)], { headers: [below('2')] }),
      decided([copy('a', never), copy('b', never)], {}),
    ],
  });
});

test('anything else that is left to luck is an error', () => {
  const routes = [{ match: { runtime_fraction: { default_value: { numerator: 5 } } } }];
  expect(() => decidedByHeaders({ routes })).toThrow('match.runtime_fraction.default_value is left to luck');
});
