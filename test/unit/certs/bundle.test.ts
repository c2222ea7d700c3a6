import { beforeAll, describe, expect, test } from '@jest/globals';
import { createAuthority } from '../../../src/certs/authority.ts';
import { holdsCertificates, joinBundle, parseBundle, sameCertificates } from '../../../src/certs/bundle.ts';
import { dayMs } from '../../../src/certs/durations.ts';

let a = '';
let b = '';
let c = '';

beforeAll(async () => {
  const pems = [1, 2, 3].map(async () => (await createAuthority({ now: new Date(), lifetimeMs: dayMs })).certificate);
  [a = '', b = '', c = ''] = await Promise.all(pems);
});

describe('two bundles', () => {
  test.each<[string, () => string | undefined, () => string | undefined, boolean]>([
    ['the same text', () => a + b, () => a + b, true],
    ['another order', () => a + b, () => b + a, true],
    ['one of them twice', () => a + b + a, () => a + b, true],
    ['Windows line ends', () => a + b, () => (a + b).replaceAll('\n', '\r\n'), true],
    ['blank lines and comments', () => a + b, () => `# first\n${a}\n\nsecond:\n${b}\n`, true],
    ['one more', () => a + b + c, () => a + b, false],
    ['one less', () => a, () => a + b, false],
    ['another one', () => a + b, () => a + c, false],
    ['one absent', () => a, () => undefined, false],
    ['both absent', () => undefined, () => undefined, false],
    ['both empty', () => '', () => '\n', false],
    ['both the same garbage', () => 'garbage', () => 'garbage', false],
    ['one cut off', () => a + b, () => a + b.slice(0, -40), false],
  ])('%s', (_, left, right, same) => {
    expect(sameCertificates(left(), right())).toBe(same);
    expect(sameCertificates(right(), left())).toBe(same);
  });
});

test.each<[string, () => string | undefined, () => string, boolean]>([
  ['a member', () => a + b, () => b, true],
  ['several members', () => a + b + c, () => c + a, true],
  ['a stranger', () => a + b, () => c, false],
  ['nothing', () => a, () => '', false],
  ['a member of no bundle', () => undefined, () => a, false],
])('a bundle holds: %s', (_, bundle, wanted, holds) => {
  expect(holdsCertificates(bundle(), wanted())).toBe(holds);
});

test('joining keeps each certificate once, in order of appearance', () => {
  expect(joinBundle([a, `${b}\n${a}`, `comment\n${c}`])).toBe(a + b + c);
});

test('joining refuses what is no bundle', () => {
  expect(() => joinBundle([a, 'nothing'])).toThrow('bundle part 2 of 2: no PEM certificate found');
});

test.each<[string, () => string, string]>([
  ['an empty text', () => '', 'no PEM certificate found'],
  ['a cut-off end', () => a + b.slice(0, -40), 'a PEM certificate block is unfinished'],
  ['a cut-off beginning', () => a.slice(0, 300) + b, 'a PEM certificate block is unfinished'],
  [
    'base64 of something else',
    () => `${a}-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n`,
    'certificate 2 of 2 does not decode as X.509',
  ],
])('no bundle: %s', (_, pem, problem) => {
  expect(parseBundle(pem()).problem).toContain(problem);
});
