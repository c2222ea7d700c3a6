import { describe, expect, test } from '@jest/globals';
import { applyShared, applyToValue } from '../../../src/json/apply.ts';
import type { Operation } from '../../../src/json/operation.ts';
import type { Json } from '../../../src/json/json.ts';

describe.each([
  ['of a copy', applyToValue],
  ['that shares what does not change', applyShared],
])('a result %s', (_, apply) => {
  test.each<[string, Json, Operation, Json]>([
    ['adds to a map', { a: 1 }, { op: 'add', path: '/b', value: 2 }, { a: 1, b: 2 }],
    ['adds over a member', { a: 1 }, { op: 'add', path: '/a', value: 2 }, { a: 2 }],
    ['inserts into a list', { a: [1, 3] }, { op: 'add', path: '/a/1', value: 2 }, { a: [1, 2, 3] }],
    ['appends by index', { a: [1] }, { op: 'add', path: '/a/1', value: 2 }, { a: [1, 2] }],
    ['appends by dash', { a: [1] }, { op: 'add', path: '/a/-', value: 2 }, { a: [1, 2] }],
    ['replaces an item', { a: [1] }, { op: 'replace', path: '/a/0', value: 2 }, { a: [2] }],
    ['removes an item', { a: [1, 2] }, { op: 'remove', path: '/a/0' }, { a: [2] }],
    ['removes a member', { a: 1, b: 2 }, { op: 'remove', path: '/a' }, { b: 2 }],
    ['unescapes', { 'a/b~': 1 }, { op: 'replace', path: '/a~1b~0', value: 2 }, { 'a/b~': 2 }],
  ])('%s', (_what, value, operation, expected) => {
    const before = structuredClone(value);
    expect(apply(value, [operation])).toEqual(expected);
    expect(value).toEqual(before);
  });

  test.each<[string, Json, Operation]>([
    ['an absent member', {}, { op: 'remove', path: '/a' }],
    ['an item behind the end', { a: [] }, { op: 'remove', path: '/a/0' }],
    ['an index behind the end', { a: [] }, { op: 'add', path: '/a/1', value: 1 }],
    ['a member of a text', { a: 'x' }, { op: 'add', path: '/a/b', value: 1 }],
    ['no index', { a: [1] }, { op: 'replace', path: '/a/x', value: 1 }],
    ['a removal below an absent parent', {}, { op: 'remove', path: '/a/b' }],
    ['an addition below an absent parent', {}, { op: 'add', path: '/a/b', value: 1 }],
    ['an addition below null', { a: null }, { op: 'add', path: '/a/b', value: 1 }],
    ['a path through the prototype', {}, { op: 'add', path: '/__proto__/polluted', value: true }],
  ])('refuses %s', (_what, value, operation) => {
    expect(() => apply(value, [operation])).toThrow(/does not fit/);
  });

  test('leaves the operations as they are, also where one changes what another added', () => {
    const operations: readonly Operation[] = [
      { op: 'add', path: '/a', value: { b: [] } },
      { op: 'add', path: '/a/b/0', value: 1 },
    ];
    const before = structuredClone(operations);
    expect(apply({}, operations)).toEqual({ a: { b: [1] } });
    expect(operations).toEqual(before);
  });
});

test('what no operation changes is shared, and what lies beside a change is not copied', () => {
  const value = { spec: { containers: [{ name: 'a', ports: [1] }, { name: 'b' }] }, metadata: { labels: {} } };
  const before = structuredClone(value);
  const result = applyShared(value, [
    { op: 'add', path: '/spec/containers/0/ports/-', value: 2 },
    { op: 'add', path: '/spec/containers/0/ports/-', value: 3 },
    { op: 'remove', path: '/spec/containers/1' },
  ]) as typeof value;
  expect(result).toEqual({ spec: { containers: [{ name: 'a', ports: [1, 2, 3] }] }, metadata: { labels: {} } });
  expect(value).toEqual(before);
  expect(result.metadata).toBe(value.metadata);
});

test('what is copied shares nothing', () => {
  const value = { a: {}, b: 1 };
  const result = applyToValue(value, [{ op: 'remove', path: '/b' }]) as typeof value;
  expect(result.a).toEqual({});
  expect(result.a).not.toBe(value.a);
});
