import { expect, test } from '@jest/globals';
import { readRegularExpression } from '../../../../src/mesh/rules/regular-expression.ts';

test.each([
  ['.*', 0],
  ['/api/v[12]/.*', 0],
  ['^(a|b)+?$', 1],
  [String.raw`(?i)x(?P<name>\d{2,3})(?:[^\]a-z[:alpha:]-])`, 1],
  [String.raw`\p{Greek}\pL\P{^Lu}\x{1F600}\x41\012\Qa*b\E*`, 0],
  [String.raw`[]a][^]]\.\-\/`, 0],
  ['a{,3}b{x}', 0],
  ['(?s-m:.)', 0],
  ['a{1000}', 0],
  ['', undefined],
])('%p has %p groups', (text, groups) => {
  const read = readRegularExpression(text);
  expect('groups' in read ? read.groups : undefined).toBe(groups);
});

test.each([
  ['', 'must not be empty'],
  ['a'.repeat(1025), 'is longer than 1024 characters'],
  ['a(?=b)', 'a look at what is before or behind, which RE2 does not have'],
  ['(?<!b)a', 'a look at what is before or behind, which RE2 does not have'],
  [String.raw`(a)\1`, 'a reference to a group, which RE2 does not have'],
  ['(?>a)', 'an atomic group, which RE2 does not have'],
  ['a**', 'a repetition of a repetition, which RE2 does not have'],
  ['a*+', 'a repetition of a repetition, which RE2 does not have'],
  ['*', 'a repetition of nothing'],
  ['a|+', 'a repetition of nothing'],
  ['(?i)*', 'a repetition of nothing'],
  ['a{1001}', 'the repetition {1001}; allowed: counts up to 1000, the smaller one first'],
  ['a{3,2}', 'the repetition {3,2}; allowed: counts up to 1000, the smaller one first'],
  ['(a{100}){11}', 'repetitions within each other that make more than 1000'],
  [`(${'[a-z]'.repeat(100)}){900}`, 'its repetitions make it too large'],
  ['(a', 'a closing parenthesis is missing'],
  ['a)', 'a closing parenthesis without an opening one'],
  ['[a', 'a closing bracket is missing'],
  ['[a-', 'a closing bracket is missing'],
  ['[z-a]', 'a range whose end is before its start'],
  ['[[:letter:]]', 'a class of characters that RE2 does not have: letter'],
  [String.raw`\p{Klingon}`, 'a class of characters that RE2 does not have: Klingon'],
  [String.raw`\h`, 'a backslash before something that RE2 does not escape'],
  ['a\\', 'a backslash before something that RE2 does not escape'],
  [String.raw`\x{110000}`, 'a character above 10FFFF'],
  ['(?<n>a)(?P<n>b)', 'the name n a second time'],
  ['(?x)a', 'a kind of group that RE2 does not have'],
  ['('.repeat(300), 'too many groups within each other'],
])('%p: %s', (text, problem) => {
  const read = readRegularExpression(text);
  expect(
    'problem' in read ? read.problem.replace(/^is not a regular expression of RE2: |, at character \d+$/g, '') : '',
  ).toBe(problem);
});
