import { describe, expect, test } from '@jest/globals';
import type { MeshAuthority } from '../../../src/mesh/identity/mesh-authority.ts';
import {
  defaultRootPolicy,
  isSuccessor,
  nextStep,
  trustedRoots,
  type RootFacts,
  type RootState,
} from '../../../src/mesh/identity/root-rotation.ts';

const hour = 60 * 60 * 1000;
const day = 24 * hour;
const start = Date.parse('2026-06-01T12:00:00Z');

/** An authority; the root stands for itself. */
function authority(name: string, root = name, days = 365, from = start): MeshAuthority {
  return {
    certificate: name,
    privateKey: `key of ${name}`,
    chain: name === root ? [] : [name],
    roots: [root],
    anchor: root,
    notBeforeMs: from,
    notAfterMs: from + days * day,
  };
}

const stable: RootState = {
  current: authority('a'),
  previous: [],
  phase: 'stable',
  generation: 1,
  since: new Date(start),
  request: '',
  isUrgent: false,
};
const trust: RootState = { ...stable, phase: 'trust', next: authority('b') };
const sign: RootState = { ...stable, current: authority('b'), previous: ['a'], phase: 'sign', generation: 2 };
const done = { proxies: 3, holding: 3, silentReplicas: 0 };

function step(state: RootState, facts: Partial<RootFacts> & { readonly at?: number } = {}) {
  const { at = start + hour, ...more } = facts;
  return nextStep(state, {
    earliestMs: at,
    latestMs: at,
    ageMs: 26 * hour,
    answers: done,
    isGiven: more.given !== undefined,
    given: undefined,
    request: '',
    create: () => authority('new', 'new', 365, at),
    ...more,
  });
}

/** A state in a few words. */
const told = (state: RootState | undefined) =>
  state &&
  [state.phase, state.current.certificate, state.next?.certificate, ...state.previous].filter(Boolean).join(' ');

describe('a root of our own', () => {
  test.each<[string, RootState, Parameters<typeof step>[1], string | undefined]>([
    ['rests for two thirds of its life', stable, { at: start + 243 * day }, undefined],
    ['is replaced after that', stable, { at: start + 244 * day }, 'trust a new'],
    ['is replaced when somebody asks', stable, { request: 'June' }, 'trust a new'],
    ['is not replaced again for the same request', { ...stable, request: 'June' }, { request: 'June' }, undefined],
    ['signs when all proxies know it', trust, {}, 'sign b a'],
    ['does not sign for a day, wherever proxies are', trust, { ageMs: 24 * hour }, undefined],
    ['does not sign while one proxy has not answered', trust, { answers: { ...done, holding: 2 } }, undefined],
    ['does not sign while a replica does not say', trust, { answers: { ...done, silentReplicas: 1 } }, undefined],
    [
      'signs without a few of them in the end',
      trust,
      { answers: { ...done, holding: 2 }, ageMs: 51 * hour },
      'sign b a',
    ],
    [
      'never signs where most proxies do not take it',
      trust,
      { answers: { ...done, holding: 1 }, ageMs: 99 * day },
      undefined,
    ],
    [
      'signs without a replica that never says',
      trust,
      { answers: { ...done, silentReplicas: 1 }, ageMs: 51 * hour },
      'sign b a',
    ],
    ['goes when nothing that it signed is in use', sign, {}, 'stable b'],
    ['stays for a day, wherever proxies are', sign, { ageMs: 24 * hour }, undefined],
    ['stays while one proxy has its old certificate', sign, { answers: { ...done, holding: 2 } }, undefined],
    ['is made anew if it has expired', stable, { at: start + 366 * day }, 'sign new a'],
    [
      'is the prepared one if the first has expired',
      { ...trust, current: authority('a', 'a', 1) },
      { at: start + 2 * day, ageMs: 0 },
      'sign b a',
    ],
    [
      'is prepared anew if that one has expired',
      { ...trust, next: authority('b', 'b', 1) },
      { at: start + 2 * day },
      'trust a new',
    ],
  ])('%s', (_, state, facts, expected) => {
    expect(told(step(state, facts).state)).toBe(expected);
  });

  test('is not waited for by proxies that are away if the request begins with "now"', () => {
    const asked = step(stable, { request: 'now, the key is known' }).state;
    expect(asked).toMatchObject({ phase: 'trust', isUrgent: true });
    expect(step(asked ?? stable, { ageMs: 59_000, request: 'now, the key is known' }).state).toBeUndefined();
    const signing = step(asked ?? stable, { ageMs: 61_000, request: 'now, the key is known' }).state;
    expect(signing).toMatchObject({ phase: 'sign', isUrgent: true });
    const waiting = { ageMs: 61_000, answers: { ...done, holding: 2 }, request: 'now, the key is known' };
    expect(step(signing ?? stable, waiting).state).toBeUndefined();
    expect(step(signing ?? stable, { ...waiting, ageMs: 601_000 }).state).toMatchObject({
      phase: 'stable',
      isUrgent: false,
    });
  });

  test('is not replaced twice for a request that comes while it is being replaced, which then hurries', () => {
    const hurried = step(trust, { request: 'now' });
    expect(hurried.state).toEqual({ ...trust, request: 'now', isUrgent: true });
    expect(step(trust, { request: 'nowhere near' }).state).toMatchObject({ isUrgent: false });
  });
});

describe('an authority that is given', () => {
  const other = authority('m', 'company');
  const again = authority('n', 'company');
  test.each<[string, RootState, Parameters<typeof step>[1], string | undefined]>([
    ['is trusted first', stable, { given: other }, 'trust a m'],
    ['signs then', { ...trust, next: other }, { given: other }, 'sign m a'],
    ['signs at once if its root is known', { ...stable, current: other }, { given: again }, 'stable n'],
    ['signs at once if its root is still known', sign, { given: authority('a') }, 'sign a b'],
    [
      'takes the place of the next one with the same root',
      { ...trust, next: other },
      { given: again, ageMs: 0 },
      'trust a n',
    ],
    ['takes the place of the next one with another root', trust, { given: other }, 'trust a m'],
    ['waits until another rotation is over', sign, { given: other, ageMs: 0 }, undefined],
    ['and is the current one ends a rotation', trust, { given: authority('a') }, 'stable a'],
    [
      'is nobody’s to replace',
      { ...stable, current: other },
      { given: other, at: start + 300 * day, request: 'June' },
      undefined,
    ],
    ['of no use changes nothing', stable, { isGiven: true, at: start + 300 * day }, undefined],
    [
      'is not replaced by us when it has expired',
      { ...stable, current: authority('m', 'company', 1) },
      { isGiven: true, at: start + 2 * day },
      undefined,
    ],
    [
      'signs at once when the other has expired',
      { ...stable, current: authority('m', 'company', 1) },
      { given: authority('x', 'y'), at: start + 2 * day },
      'sign x company',
    ],
    [
      'is replaced by us when nobody gives it any more',
      { ...stable, current: other },
      { at: start + 300 * day },
      'trust m new',
    ],
  ])('%s', (_, state, facts, expected) => {
    expect(told(step(state, facts).state)).toBe(expected);
  });

  test('with one root more is trusted with both, and with one less, not without it at once', () => {
    const both = { ...other, roots: ['company', 'more'] };
    const wider = step({ ...stable, current: other }, { given: both }).state ?? stable;
    expect([wider.phase, trustedRoots(wider)]).toEqual(['stable', ['company', 'more']]);
    const narrower = step(wider, { given: other }).state ?? stable;
    expect([narrower.phase, trustedRoots(narrower)]).toEqual(['sign', ['company', 'more']]);
  });
});

describe('one wrong clock', () => {
  test('that is ahead by years ends no authority, and begins nothing', () => {
    expect(step(stable, { earliestMs: start + hour, latestMs: start + 900 * day }).state).toBeUndefined();
  });

  test('that is behind by years ends no authority either', () => {
    expect(step(stable, { earliestMs: start - 900 * day, latestMs: start + hour }).state).toBeUndefined();
  });

  test('if all clocks say that it is not valid yet, another one is made, because nobody can use it', () => {
    expect(told(step(stable, { at: start - hour }).state)).toBe('sign new a');
  });
});

test('no more than four old roots are kept, however often authorities expire', () => {
  let state = stable;
  for (let year = 1; year < 9; year += 1) {
    const at = start + year * 400 * day;
    const create = () => authority(`r${year}`, `r${year}`, 365, at);
    state = step(state, { at, ageMs: 0, create }).state ?? state;
  }
  expect([state.phase, state.generation, state.previous]).toEqual(['sign', 9, ['r4', 'r5', 'r6', 'r7']]);
});

test('what a Secret holds is followed only if it has come by steps', () => {
  expect(isSuccessor(trust, stable)).toBe(true);
  expect(isSuccessor(sign, trust)).toBe(true);
  expect(isSuccessor({ ...stable, generation: 9, current: authority('z') }, stable)).toBe(true);
  expect(isSuccessor({ ...stable, current: authority('z') }, stable)).toBe(false);
  expect(isSuccessor(stable, sign)).toBe(false);
  expect(isSuccessor(trust, sign)).toBe(false);
});

test('times are longer than a certificate lives', () => {
  expect(defaultRootPolicy.usual.leastMs).toBeGreaterThan(day);
});
