import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { ruleKinds } from '../../../src/mesh/rules/rule-kinds.ts';
import { told } from '../../support/mesh/istio-objects.ts';

/*
 * What schemas take no notice of refuses an object all the same: of a condition whose name is lost, everything would be left that it was to narrow.
 */

/** Parsed, not written: a literal `__proto__` would set the prototype. */
function parsed(spec: string): JsonObject {
  return { metadata: { name: 'a', namespace: 'shop' }, spec: JSON.parse(spec) as JsonObject };
}

const http = (more: string): string => `{"hosts":["b"],"http":[{${more},"route":[{"destination":{"host":"b"}}]}]}`;

const named = '"__proto__" cannot be a name here; take it out';

describe('a name that objects of the language have', () => {
  test.each([
    ['VirtualService', http('"match":[{"headers":{"__proto__":{"exact":"a"}}}]'), '/http/0/match/0/headers'],
    ['VirtualService', http('"match":[{"queryParams":{"__proto__":{"exact":"a"}}}]'), '/http/0/match/0/queryParams'],
    ['VirtualService', http('"match":[{"sourceLabels":{"__proto__":"a"}}]'), '/http/0/match/0/sourceLabels'],
    ['VirtualService', http('"headers":{"request":{"set":{"__proto__":"a"}}}'), '/http/0/headers/request/set'],
    ['DestinationRule', '{"host":"b","subsets":[{"name":"v1","labels":{"__proto__":"a"}}]}', '/subsets/0/labels'],
    [
      'RateLimit',
      '{"limits":[{"match":{"headers":{"__proto__":"a"}},"requests":1,"per":"Second"}]}',
      '/limits/0/match/headers',
    ],
    ['PeerAuthentication', '{"selector":{"matchLabels":{"__proto__":"a"}}}', '/selector/matchLabels'],
    ['AuthorizationPolicy', '{"selector":{"matchLabels":{"__proto__":"a"}}}', '/selector/matchLabels'],
  ] as const)('%s %s', (kind, spec, at) => {
    const { findings } = ruleKinds[kind].read(parsed(spec));
    expect(told(findings)).toContain(`refused /spec${at}/__proto__: ${named}`);
  });

  test('any other one of them is a name like all others', () => {
    const spec = http('"match":[{"headers":{"constructor":{"exact":"a"},"toString":{"exact":"b"}}}]');
    const read = ruleKinds.VirtualService.read(parsed(spec));
    expect(read.findings).toEqual([]);
    expect(Object.keys(read.spec?.http[0]?.match?.[0]?.headers ?? {})).toEqual(['constructor', 'toString']);
  });
});

test.each([
  ['"name":"\\ud800"', '/http/0/name'],
  ['"match":[{"headers":{"\\udc00":{}}}]', '/http/0/match/0/headers/\udc00'],
])('half of a character: %s', (more, at) => {
  const { spec, findings } = ruleKinds.VirtualService.read(parsed(http(more)));
  expect(spec).toBeUndefined();
  expect(told(findings)).toContain(`refused /spec${at}: has half of a character; write whole ones`);
});

test('what stands beside the spec', () => {
  const { spec, findings } = ruleKinds.PeerAuthentication.read({ ...parsed('{}'), spce: { mtls: { mode: 'STRICT' } } });
  expect(told(findings)[0]).toBe('refused /spce: there is no such field, did you mean "spec"?');
  // It is not understood, and so the strictest counts.
  expect(spec).toMatchObject({ mtls: { mode: 'STRICT' } });
});
