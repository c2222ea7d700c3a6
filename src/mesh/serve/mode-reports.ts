import { createHash } from 'node:crypto';
import { isObject, member, objectMember, parseJson, stringMember } from '../../json/json.ts';
import { modeSteps, type ModeStep } from '../plan/mode-change.ts';
import type { Rule } from '../rules/rule.ts';
import type { World } from '../world/world.ts';

/** How many pods are at each step. */
export type StepCounts = Readonly<Record<ModeStep, number>>;

/** How far a replica is with the pods that change. */
export interface ModeReport {
  /** Hash of the objects that it has read. */
  readonly objects: string;
  readonly at: StepCounts;
  /** Those of its proxies have not all acknowledged the step. */
  readonly unacknowledged: StepCounts;
}

/** What the other replicas said the last time; undefined for one that has not answered. */
export interface PeerReports<R = ModeReport> {
  /** When they were asked. */
  readonly askedMs: number;
  readonly reports: readonly (R | undefined)[];
}

/** Without other replicas. */
export const noPeers: PeerReports<never> = { askedMs: Number.POSITIVE_INFINITY, reports: [] };

/** Returns a hash by which replicas tell whether they have read the same objects. */
export function hashOfRules(rules: Iterable<Rule<unknown>>): string {
  const texts = [...rules].map(({ ref: { uid, generation } }) => `${uid} ${generation}`);
  return createHash('sha256').update(texts.toSorted().join()).digest('hex').slice(0, 16);
}

/** Returns a hash of the PeerAuthentications of a world. */
export function hashOfObjects({ rules: { PeerAuthentication } }: Pick<World, 'rules'>): string {
  return hashOfRules(PeerAuthentication.values());
}

/**
 * Returns whether the others are as far as a step: they have read the same objects, none of their pods is at a step before, and all their proxies have
 * acknowledged this one. What they wait for themselves does not count, so that replicas never wait for each other.
 */
export function haveAcknowledged(
  { reports, askedMs }: PeerReports,
  objects: string,
  step: ModeStep,
  sinceMs: number,
): boolean {
  if (reports.length === 0) return true;
  const before = modeSteps.slice(0, modeSteps.indexOf(step));
  return (
    askedMs >= sinceMs &&
    reports.every(
      (one) =>
        one !== undefined &&
        one.objects === objects &&
        one.unacknowledged[step] === 0 &&
        before.every((earlier) => one.at[earlier] === 0),
    )
  );
}

function readCounts(value: unknown): StepCounts | undefined {
  const counts = modeSteps.map((step) => [step, isObject(value) ? member(value, step) : undefined] as const);
  return counts.every(([, count]) => typeof count === 'number')
    ? (Object.fromEntries(counts) as StepCounts)
    : undefined;
}

/** Reads what a replica said; undefined if it is anything else. */
export function readModeReport(text: string): ModeReport | undefined {
  const body = parseJson(text);
  if (!isObject(body)) return undefined;
  const objects = stringMember(body, 'objects');
  const [at, unacknowledged] = [objectMember(body, 'at'), objectMember(body, 'unacknowledged')].map(readCounts);
  return objects === undefined || at === undefined || unacknowledged === undefined
    ? undefined
    : { objects, at, unacknowledged };
}
