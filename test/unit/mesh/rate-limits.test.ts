import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { indexLimits } from '../../../src/mesh/plan/limit-plan.ts';
import { httpLimits } from '../../../src/mesh/resources/limits.ts';
import { inboundResources } from '../../../src/mesh/resources/proxy-resources.ts';
import { describeFinding } from '../../../src/mesh/rules/finding.ts';
import { readRateLimit } from '../../../src/mesh/rules/security/rate-limit.ts';
import { createEncoder } from '../../../src/mesh/wire/encoder.ts';
import { loadEnvoyTypes } from '../../../src/mesh/wire/envoy-types.ts';
import { proxyIntent } from '../../support/builders/proxy-intent.ts';
import { openInbound } from '../../support/mesh/inbound.ts';

function read(spec: JsonObject, namespace = 'shop', name = 'cart') {
  return readRateLimit({ metadata: { name, namespace, creationTimestamp: '2026-01-01T00:00:00Z' }, spec });
}

const all = { requests: 10, per: 'Second' };

describe('a RateLimit is refused', () => {
  test.each<[string, JsonObject, string]>([
    ['without limits', {}, '/spec: "limits" is missing'],
    ['with none', { limits: [] }, '/spec/limits: must have at least one item'],
    ['without a number', { limits: [{ per: 'Second' }] }, '/spec/limits/0: "requests" is missing'],
    [
      'with zero',
      { limits: [{ ...all, requests: 0 }] },
      '/spec/limits/0/requests: allowed: a whole number from 1 to 1000000',
    ],
    ['with another time', { limits: [{ ...all, per: 'Day' }] }, '/spec/limits/0/per: "Day"'],
    ['with a burst of nothing', { limits: [{ ...all, burst: 0 }] }, '/spec/limits/0/burst: allowed'],
    ['with an unknown field', { limits: [{ ...all, unit: 'x' }] }, '/spec/limits/0/unit: there is no such field'],
    ['with an empty path', { limits: [{ ...all, match: { paths: [''] } }] }, '/spec/limits/0/match/paths/0'],
    [
      'with a list of nothing, by which nothing would count',
      { limits: [{ ...all, match: { paths: [] } }] },
      '/spec/limits/0/match/paths: must not be empty: leave it out for any request',
    ],
    [
      'with an empty list of methods',
      { limits: [{ ...all, match: { methods: [] } }] },
      '/spec/limits/0/match/methods: must not be empty',
    ],
    [
      'with more than one expression of Envoy takes',
      { limits: [{ ...all, match: { paths: ['a', 'b', 'c'].map((one) => `/${one.repeat(700)}`) } }] },
      '/spec/limits/0/match/paths: allowed: at most 2000 characters in all',
    ],
    [
      'with no name of a header',
      { limits: [{ ...all, match: { headers: { 'a b': 'x' } } }] },
      '/spec/limits/0/match/headers',
    ],
  ])('%s', (_, spec, sentence) => {
    const { spec: understood, findings } = read(spec);
    expect(understood).toBeUndefined();
    expect(findings.map(describeFinding).join('\n')).toContain(sentence);
  });
});

test('values by which nothing counts are told', () => {
  const match = { paths: ['api/*', '/a?b', '/a'], methods: ['get', 'GET'], headers: { 'x-user': ' ann', other: 'x' } };
  const { spec, findings } = read({ limits: [{ ...all, match }] });
  expect(spec).toBeDefined();
  expect(findings.map(({ effect, code, field }) => `${effect} ${code} ${field}`)).toEqual([
    'warning NeverMatches /spec/limits/0/match/paths/0',
    'warning NeverMatches /spec/limits/0/match/paths/1',
    'warning NeverMatches /spec/limits/0/match/methods/0',
    'warning NeverMatches /spec/limits/0/match/headers/x-user',
  ]);
});

test('which limits a pod has: those of its namespace and of the root namespace that select it, each with its burst', () => {
  const rules = [
    read({ selector: { matchLabels: { app: 'cart' } }, limits: [all, { requests: 5, per: 'Minute', burst: 7 }] }),
    read({ selector: { matchLabels: { app: 'pay' } }, limits: [all] }, 'shop', 'pay'),
    read({ limits: [{ requests: 1, per: 'Hour' }] }, 'istio-system', 'mesh'),
    read({ limits: [all] }, 'other', 'other'),
    read({ limits: [] }, 'shop', 'refused'),
  ];
  const byKey = new Map(rules.map((rule) => [`${rule.ref.namespace}/${rule.ref.name}`, rule]));
  const limits = indexLimits({ RateLimit: byKey }, 'istio-system')({ namespace: 'shop', labels: { app: 'cart' } });
  expect(limits.map(({ name, requests, seconds, burst }) => [name, requests, seconds, burst])).toEqual([
    ['istio-system/mesh/0', 1, 3600, 1],
    ['shop/cart/0', 10, 1, 10],
    ['shop/cart/1', 5, 60, 7],
  ]);
});

test('nothing is said to Envoy where there are none, and what is said is valid', () => {
  expect(httpLimits([])).toEqual({});
  const match = {
    paths: ['/a', '/b/*', '*.png', '/c/{*}/d', '/e/{**}', '*'],
    methods: ['GET', 'P*', '*H', '*'],
    headers: { 'x-user': '*', 'x-group': 'a*', 'x-other': 'b' },
  };
  const { ref, spec } = read({ limits: [{ ...all, match }, all] });
  const rule = { ref, spec, findings: [] };
  const limits = indexLimits({ RateLimit: new Map([['shop/cart', rule]]) }, 'root')({ namespace: 'shop', labels: {} });
  const traffic = { ...proxyIntent(), self: { name: 'cart', namespace: 'shop', address: '10.0.0.1' } };
  const encoder = createEncoder(loadEnvoyTypes());
  for (const resource of inboundResources(traffic, { ...openInbound, limits }, 'cluster.local')) {
    expect(encoder.encode(resource)).not.toHaveProperty('violations');
  }
  const text = JSON.stringify(httpLimits(limits));
  expect(text).toContain('"value":"shop/cart/1"');
  expect(text).toContain('{"key":"retry-after","value":"1"}');
});
