import { describe, expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import {
  member,
  objectAt,
  objectMember,
  objectsMember,
  stringMember,
  type JsonObject,
} from '../../../src/json/json.ts';
import { escapeToken } from '../../../src/json/operation.ts';
import { pointerTokens } from '../../../src/json/pointer.ts';

const inherited = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'];

describe.each(inherited)('a member named %s', (name) => {
  const empty: JsonObject = {};

  test('is absent when the object has none of its own', () => {
    expect([member(empty, name), objectMember(empty, name), stringMember(empty, name)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([objectAt(empty, [name]), objectsMember(empty, name)]).toEqual([undefined, []]);
  });

  test('is the value when the object has it', () => {
    const own = (value: string): JsonObject => JSON.parse(`{"${name}":${value}}`) as JsonObject;
    expect(member(own('1'), name)).toBe(1);
    expect(stringMember(own('"x"'), name)).toBe('x');
    expect(objectMember(own('{"a":1}'), name)).toEqual({ a: 1 });
    expect(objectsMember(own('[{"a":1}]'), name)).toEqual([{ a: 1 }]);
  });
});

describe('a token of a JSON Pointer', () => {
  test.each([
    ['a/b', 'a~1b'],
    ['a~b', 'a~0b'],
    ['~1', '~01'],
    ['~0/', '~00~1'],
    ['', ''],
  ])('%j is escaped as %j', (token, escaped) => {
    expect(escapeToken(token)).toBe(escaped);
  });

  test('comes back, whatever is in it', () => {
    const text = fc.oneof(fc.string({ unit: fc.constantFrom('~', '/', '0', '1', 'x') }), fc.string());
    fc.assert(
      fc.property(fc.array(text, { minLength: 1 }), (tokens) => {
        expect(pointerTokens(tokens.map((token) => `/${escapeToken(token)}`).join(''))).toEqual(tokens);
      }),
    );
  });
});
