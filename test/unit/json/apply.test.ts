import { describe, expect, test } from '@jest/globals';
import { applyToValue } from '../../../src/json/apply.ts';
import type { Operation } from '../../../src/json/operation.ts';
import type { Json } from '../../../src/json/json.ts';

describe('applyToValue', () => {
  test.each<[string, Json, Operation, Json]>([
    ['adds to a map', { a: 1 }, { op: 'add', path: '/b', value: 2 }, { a: 1, b: 2 }],
    ['adds over a member', { a: 1 }, { op: 'add', path: '/a', value: 2 }, { a: 2 }],
    ['inserts into a list', { a: [1, 3] }, { op: 'add', path: '/a/1', value: 2 }, { a: [1, 2, 3] }],
    ['appends by index', { a: [1] }, { op: 'add', path: '/a/1', value: 2 }, { a: [1, 2] }],
    ['appends by dash', { a: [1] }, { op: 'add', path: '/a/-', value: 2 }, { a: [1, 2] }],
    ['replaces an item', { a: [1] }, { op: 'replace', path: '/a/0', value: 2 }, { a: [2] }],
    ['removes an item', { a: [1, 2] }, { op: 'remove', path: '/a/0' }, { a: [2] }],
    ['removes a member', { a: 1, b: 2 }, { op: 'remove', path: '/a' }, { b: 2 }],
    ['makes parents that are absent', {}, { op: 'add', path: '/a/b/c', value: 1 }, { a: { b: { c: 1 } } }],
    ['makes parents that are null', { a: null }, { op: 'add', path: '/a/b', value: 1 }, { a: { b: 1 } }],
    ['makes a list for an item', {}, { op: 'add', path: '/a/-', value: 1 }, { a: [1] }],
    ['unescapes', { 'a/b~': 1 }, { op: 'replace', path: '/a~1b~0', value: 2 }, { 'a/b~': 2 }],
  ])('%s', (_what, value, operation, expected) => {
    const before = structuredClone(value);
    expect(applyToValue(value, [operation])).toEqual(expected);
    expect(value).toEqual(before);
  });

  test.each<[string, Json, Operation]>([
    ['the root', {}, { op: 'remove', path: '' }],
    ['an absent member', {}, { op: 'remove', path: '/a' }],
    ['an item behind the end', { a: [] }, { op: 'remove', path: '/a/0' }],
    ['an index behind the end', { a: [] }, { op: 'add', path: '/a/1', value: 1 }],
    ['a member of a text', { a: 'x' }, { op: 'add', path: '/a/b', value: 1 }],
    ['no index', { a: [1] }, { op: 'replace', path: '/a/x', value: 1 }],
    ['below an absent parent', {}, { op: 'remove', path: '/a/b' }],
  ])('refuses %s', (_what, value, operation) => {
    expect(() => applyToValue(value, [operation])).toThrow(/does not fit/);
  });

  test('sets __proto__ as an own member', () => {
    const result = applyToValue({}, [{ op: 'add', path: '/__proto__', value: { polluted: true } }]);
    expect(JSON.stringify(result)).toBe('{"__proto__":{"polluted":true}}');
    expect({}).not.toHaveProperty('polluted');
  });
});
