import { expect } from '@jest/globals';
import jsonPatch from 'fast-json-patch';
import { review, type Reviewed } from '../../../src/admission/handler.ts';
import { createInjector, type Injector } from '../../../src/injection/injector.ts';
import type { Decision } from '../../../src/injection/decision.ts';
import { joinPatch } from '../../../src/injection/patch/patch-text.ts';
import { parseStatus } from '../../../src/injection/patch/status.ts';
import { undo } from '../../../src/injection/patch/undo.ts';
import { applyAndVerify } from '../../../src/injection/patch/verify.ts';
import type { Snapshot } from '../../../src/injection/snapshot.ts';
import { canonicalText, isObject, objectMember, stringMember, type JsonObject } from '../../../src/json/json.ts';
import { statusAnnotation } from '../../../src/pod/conventions.ts';
import { describeReview } from '../../../src/server/review-log.ts';
import { stripManagedFields } from '../../../src/server/strip-managed-fields.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { expectUntouchedPrototypes } from './prototypes.ts';
import { isWellFormed } from './well-formed.ts';

/** Stands in places of a pod that are nobody's business: values of its environment, its commands, other annotations. */
export const secret = 'hunter2-Zm9vYmFy';

/** Whether the text says what only the pod should know; a part of it counts as well. */
function tells(text: string): boolean {
  return text.includes('hunter2');
}

function statusOf(pod: JsonObject): string | undefined {
  return stringMember(objectMember(objectMember(pod, 'metadata'), 'annotations'), statusAnnotation);
}

/** By way of the text: a structured clone takes much more of the stack for a deep value. */
function copied(pod: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(pod)) as JsonObject;
}

function applied(pod: JsonObject, operations: string): JsonObject {
  return jsonPatch.applyPatch(copied(pod), JSON.parse(operations) as jsonPatch.Operation[], true).newDocument;
}

/** The pod as the injector gave it out: its patch applies, its verification holds, and it can be taken back. */
function expectSoundPatch(pod: JsonObject, decision: Decision, injector: Injector): void {
  const after = applied(pod, joinPatch(decision.patch));
  const record = parseStatus(statusOf(after) ?? '');
  if (record === undefined) throw new Error('an injected pod without a status of ours');
  const allowed = injector.flavour.allowed(injector.snapshot.settings);
  expect(applyAndVerify(copied(after), [], record, allowed)).toEqual([]);
  if (statusOf(pod) !== undefined || !isWellFormed(pod)) return;
  const undone = undo(after);
  expect(undone?.problems).toEqual([]);
  expect(canonicalText(applied(after, JSON.stringify(undone?.operations)))).toBe(canonicalText(pod));
}

function expectNothingTold(reviewed: Reviewed & { readonly status: 200 }): void {
  const lines: string[] = [];
  const log = createLog('trace', { write: (line) => void lines.push(line) });
  log.info(describeReview(reviewed, 1, 1), 'review');
  const { reasons, warnings } = reviewed.decision;
  expect(lines.filter(tells)).toEqual([]);
  expect([...reasons.map(({ message }) => message), ...warnings].filter(tells)).toEqual([]);
}

/**
 * Answers bodies as the server does and looks at what comes out: no failure of ours, an answer that is JSON, nothing told
 * of what is the pod's alone, prototypes as they were, and whatever is injected is sound.
 */
export function bodyChecker(snapshot: Snapshot): (body: Buffer) => Promise<void> {
  const injector = createInjector(snapshot);
  return async (body) => {
    // The pod as the API server has it; the injector consumes its own.
    const given = parsed(stripManagedFields(Buffer.from(body)));
    const text = stripManagedFields(Buffer.from(body));
    if (text === undefined) return;
    const reviewed = review(text, injector);
    expectUntouchedPrototypes();
    if (reviewed.status === 400) {
      expect(tells(reviewed.problem)).toBe(false);
      return;
    }
    if (reviewed.failure !== undefined) throw reviewed.failure;
    const { decision, answer } = reviewed;
    expect(decision.reasons.map(({ code }) => code)).not.toContain('InvalidPatch');
    expect(isObject(JSON.parse(`${answer.before}${answer.after}`))).toBe(true);
    expectNothingTold(reviewed);
    if (decision.outcome === 'inject') expectSoundPatch(podOf(given), decision, injector);
  };
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
}

/** The pod of a review; an empty one where there is none. */
function podOf(body: unknown): JsonObject {
  return objectMember(isObject(body) ? objectMember(body, 'request') : undefined, 'object') ?? {};
}
