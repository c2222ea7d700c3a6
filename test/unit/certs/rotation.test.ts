import { describe, expect, test } from '@jest/globals';
import { dayMs, hourMs, minuteMs } from '../../../src/certs/durations.ts';
import {
  defaultPolicy,
  needsLeaf,
  nextStep,
  type RotationAction,
  type RotationState,
} from '../../../src/certs/rotation.ts';

const born = Date.UTC(2030, 0, 1);
const current = { notBeforeMs: born, notAfterMs: born + 360 * dayMs };
const next = { notBeforeMs: born + 180 * dayMs, notAfterMs: born + 540 * dayMs };
const stable: RotationState = { phase: 'stable', phaseSinceMs: born, generation: 1, current };
const overlap: RotationState = { ...stable, phase: 'overlap', phaseSinceMs: born + 180 * dayMs, next };
const retiring: RotationState = { phase: 'retiring', phaseSinceMs: born + 180 * dayMs, generation: 2, current: next };

describe('the next step of the CA', () => {
  test.each<[string, RotationState | undefined, number, boolean, RotationAction, string]>([
    ['an empty Secret', undefined, 0, false, 'generate', 'holds no CA'],
    ['a new CA', stable, 0, true, 'none', 'due for rotation on 2030-06-30'],
    ['a CA just before half of its life', stable, 180 * dayMs - 1, true, 'none', 'due for rotation on'],
    ['a CA at half of its life', stable, 180 * dayMs, true, 'publish-overlap', 'due for rotation since 2030-06-30'],
    ['a CA long after half of its life', stable, 359 * dayMs, true, 'publish-overlap', 'since'],
    ['a CA at its end', stable, 360 * dayMs, true, 'generate', 'expired on 2030-12-27'],
    ['a CA of tomorrow (the clock went back)', stable, -dayMs, true, 'none', 'due for rotation on'],

    ['a fresh overlap', overlap, 180 * dayMs, true, 'none', 'both CAs are published until'],
    ['an overlap just before its end', overlap, 180 * dayMs + 10 * minuteMs - 1, true, 'none', 'until'],
    ['an overlap at its end', overlap, 180 * dayMs + 10 * minuteMs, true, 'switch', 'trusted since'],
    ['an overlap that is not live', overlap, 200 * dayMs, false, 'none', 'does not trust the next CA yet'],
    ['an overlap from the future', overlap, 100 * dayMs, true, 'none', 'until'],
    ['an overlap whose current CA expired', overlap, 360 * dayMs, false, 'switch', 'the next one is ready'],
    ['an overlap where both expired', overlap, 540 * dayMs, true, 'generate', 'expired'],
    [
      'an overlap whose next CA expired',
      { ...overlap, next: { notBeforeMs: born, notAfterMs: born + 190 * dayMs } },
      190 * dayMs,
      true,
      'publish-overlap',
      'expired before it was used',
    ],

    ['a fresh retirement', retiring, 180 * dayMs, true, 'none', 'stays published until'],
    ['a retirement just before its end', retiring, 187 * dayMs + hourMs - 1, true, 'none', 'until'],
    ['a retirement at its end', retiring, 187 * dayMs + hourMs, true, 'drop-old', 'no leaf of the old CA'],
    ['a retirement whose CA expired', retiring, 540 * dayMs, true, 'generate', 'expired'],
  ])('of %s', (_, state, ageMs, nextIsLive, action, reason) => {
    const step = nextStep(state, { nowMs: born + ageMs, nextIsLive });
    expect(step.action).toBe(action);
    expect(step.reason).toContain(reason);
  });

  test('takes its times from the policy', () => {
    const impatient = { ...defaultPolicy, caRotateAt: 0.1, overlapMs: 0, retireMs: 0 };
    const at = (state: RotationState, ageMs: number): RotationAction =>
      nextStep(state, { nowMs: born + ageMs, nextIsLive: true }, impatient).action;
    expect(at(stable, 36 * dayMs)).toBe('publish-overlap');
    expect(at(overlap, 180 * dayMs)).toBe('switch');
    expect(at(retiring, 180 * dayMs)).toBe('drop-old');
  });
});

describe('the default policy', () => {
  test('keeps the old CA for longer than the leaves that it signed', () => {
    expect(defaultPolicy.retireMs).toBeGreaterThan(defaultPolicy.leafLifetimeMs);
  });

  test('rotates while many lives of a leaf are left', () => {
    const leftMs = defaultPolicy.caLifetimeMs * (1 - defaultPolicy.caRotateAt);
    expect(leftMs).toBeGreaterThan(10 * (defaultPolicy.retireMs + defaultPolicy.overlapMs));
  });
});

describe('a new leaf', () => {
  const leaf = { notBeforeMs: born, notAfterMs: born + 9 * dayMs };
  const signedByCurrent = true;
  test.each<[string, Parameters<typeof needsLeaf>[0], Parameters<typeof needsLeaf>[1], boolean, string]>([
    ['when there is none', undefined, { nowMs: born, jitter: 0, signedByCurrent: false }, true, 'no leaf yet'],
    ['not while it is young', leaf, { nowMs: born, jitter: 0, signedByCurrent }, false, 'on 2030-01-07'],
    ['not just before 2/3', leaf, { nowMs: born + 6 * dayMs - 1, jitter: 0, signedByCurrent }, false, 'on'],
    ['at 2/3', leaf, { nowMs: born + 6 * dayMs, jitter: 0, signedByCurrent }, true, 'since'],
    ['earlier by jitter', leaf, { nowMs: born + 5.2 * dayMs, jitter: 1, signedByCurrent }, true, 'since'],
    ['but not too early', leaf, { nowMs: born + 5 * dayMs, jitter: 1, signedByCurrent }, false, 'on'],
    ['when expired', leaf, { nowMs: born + 10 * dayMs, jitter: 0, signedByCurrent }, true, 'since'],
    ['when the CA changed', leaf, { nowMs: born, jitter: 0, signedByCurrent: false }, true, 'CA has changed'],
    ['when the clock went back', leaf, { nowMs: born - 1, jitter: 0, signedByCurrent }, true, 'clock went back'],
  ])('%s', (_, validity, facts, due, reason) => {
    const verdict = needsLeaf(validity, facts);
    expect(verdict.due).toBe(due);
    expect(verdict.reason).toContain(reason);
  });
});
