import { Buffer } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { stripManagedFields } from '../../../src/server/strip-managed-fields.ts';

function read(value: unknown): unknown {
  return JSON.parse(stripManagedFields(Buffer.from(JSON.stringify(value))) ?? 'null');
}

const someJson = fc.jsonValue({ maxDepth: 4 });

describe('a review is read without the items of its managed fields', () => {
  test('and is the same otherwise, whatever they hold', () => {
    fc.assert(
      fc.property(fc.array(someJson), someJson, someJson, (managedFields, before, after) => {
        const review = { before, metadata: { name: 'web', managedFields, after }, spec: after };
        fc.pre(!JSON.stringify(before).includes('"managedFields":['));
        expect(read(review)).toEqual(
          JSON.parse(JSON.stringify({ ...review, metadata: { ...review.metadata, managedFields: [] } })),
        );
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['brackets and quotes in strings', [{ 'k:{"name":"]}\\"[{"}': { '.': {} } }]],
    ['a string that ends in backslashes', ['\\', '\\\\', ']']],
    ['nested lists', [[[[]]], [{}]]],
    ['nothing', []],
  ])('%s', (_what, managedFields) => {
    expect(read({ metadata: { managedFields }, spec: { a: ']' } })).toEqual({
      metadata: { managedFields: [] },
      spec: { a: ']' },
    });
  });

  test('the first of them, which is the object that is created', () => {
    const review = { object: { managedFields: [1] }, oldObject: { managedFields: [2] } };
    expect(read(review)).toEqual({ object: { managedFields: [] }, oldObject: { managedFields: [2] } });
  });
});

describe('nothing else is mistaken for them', () => {
  test.each([
    ['the words in a text', { note: ',"managedFields":[1]', list: ['{"managedFields":[1]}'] }],
    ['a longer key', { 'x"managedFields': [1], ',"managedFields': [2] }],
    ['managed fields that are no list', { managedFields: { a: [1] } }],
    ['no managed fields', { a: [1] }],
  ])('%s', (_what, value) => {
    expect(read(value)).toEqual(value);
  });

  test('blanks between the tokens, which an API server never writes', () => {
    const text = '{"managedFields" : [1]}';
    expect(stripManagedFields(Buffer.from(text))).toBe(text);
  });
});

test('a body that is cut off stays what it is, so that it is refused', () => {
  const whole = JSON.stringify({ metadata: { managedFields: [{ 'a"': ['\\"'] }, 'b\\'] }, spec: {} });
  const end = whole.indexOf('},"spec"');
  for (let length = 0; length < end; length++) {
    expect(() => JSON.parse(stripManagedFields(Buffer.from(whole.slice(0, length))) ?? '')).toThrow(SyntaxError);
  }
});

test('other text than UTF-8 is none', () => {
  expect(stripManagedFields(Buffer.from([0x22, 0xff, 0x22]))).toBeUndefined();
});

test('characters of several bytes around them come through', () => {
  const review = { a: 'é😀', metadata: { managedFields: ['ü'] }, z: '€' };
  expect(read(review)).toEqual({ a: 'é😀', metadata: { managedFields: [] }, z: '€' });
});
