import { describe, expect, test } from '@jest/globals';
import { writeAnswer } from '../../../src/admission/answer.ts';
import type { Decision } from '../../../src/injection/decision.ts';
import { reason, type Reason } from '../../../src/injection/policy/reason.ts';

const base: Decision = {
  outcome: 'skip',
  reasons: [reason('OptedOut')],
  warnings: [],
  operations: [],
  patch: [],
  added: undefined,
  capture: undefined,
  settingsHash: 'abc',
};

function answer(decision: Partial<Decision>, uid = 'u') {
  const { before, patch, after } = writeAnswer(uid, { ...base, ...decision });
  // Where the server puts the base64.
  const written: { response: Record<string, unknown> } = JSON.parse(
    [before, patch.length > 0 ? patch.length : '', after].join(''),
  );
  return written;
}

const many = (count: number, message: string): [Reason, ...Reason[]] => [
  reason('PortConflict', message),
  ...Array.from({ length: count - 1 }, () => reason('PortConflict', message)),
];

test('whatever was decided, version, kind and uid are there', () => {
  for (const outcome of ['inject', 'skip', 'deny'] as const) {
    expect(answer({ outcome }, '"\n\ud800')).toMatchObject({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: '"\n\ud800', allowed: outcome !== 'deny' },
    });
  }
});

test('without operations there is neither patch nor patch type, which the API server refuses alone', () => {
  const { response } = answer({});
  expect(Object.keys(response)).toEqual(['uid', 'allowed', 'auditAnnotations']);
});

test('the patch has its place beside its type', () => {
  const patch = ['[', { text: '{"op":"add","path":"/a","value":1}' }, ']'];
  const { response } = answer({ outcome: 'inject', patch });
  expect(response).toMatchObject({ patchType: 'JSONPatch', patch: '3' });
});

test('the audit annotations hold outcome, codes and settings, each code once', () => {
  const reasons = [reason('PortConflict', 'a'), reason('UserConflict', 'b'), reason('PortConflict', 'c')] as const;
  expect(answer({ outcome: 'deny', reasons: [...reasons] }).response['auditAnnotations']).toEqual({
    decision: 'deny',
    reasons: 'PortConflict,UserConflict',
    'settings-hash': 'abc',
  });
});

describe('a denial', () => {
  const message = (reasons: Decision['reasons']): string => {
    const { status } = answer({ outcome: 'deny', reasons }).response as { status: { message: string } };
    return status.message;
  };

  test('has code 400, reason Invalid and all sentences', () => {
    const reasons = [reason('PortConflict', 'first'), reason('UserConflict', 'second')] as const;
    expect(answer({ outcome: 'deny', reasons: [...reasons] }).response['status']).toEqual({
      status: 'Failure',
      code: 400,
      reason: 'Invalid',
      message: 'first (PortConflict); second (UserConflict)',
    });
  });

  test.each([
    [1, 8_177, 0],
    [2, 4_081, 0],
    [3, 4_081, 1],
    [100_000, 100, 100_000 - 71],
  ])('of %d sentences of %d characters leaves out %d', (count, length, left) => {
    const text = message(many(count, 'x'.repeat(length)));
    expect(text.length).toBeLessThan(8_500);
    expect(/; and (\d+) more$/.exec(text)?.[1] ?? '0').toBe(String(left));
  });

  test('of one endless sentence is cut', () => {
    const text = message(many(2, 'x'.repeat(1_000_000)));
    expect(text).toMatch(/^x{8176}… \(PortConflict\); and 1 more$/);
  });
});

describe('warnings', () => {
  const warnings = (given: readonly string[]) => answer({ warnings: given }).response['warnings'];

  test('are passed on whole', () => {
    expect(warnings(['a', 'é'])).toEqual(['a', 'é']);
  });

  test('stay within what the API server passes on, and say how many are missing', () => {
    const given = Array.from({ length: 100 }, (_, index) => String(index).padEnd(256, 'x'));
    const kept = warnings(given) as string[];
    expect(kept).toEqual([...given.slice(0, 12), 'sidecar-injector: 88 more warnings were left out']);
    expect(kept.join('').length).toBeLessThan(4_096);
  });
});
