import { isObject, member, parseJson, stringMember } from '../../json/json.ts';
import { securityRules } from '../rules/rule-kinds.ts';
import type { World } from '../world/world.ts';
import { hashOfRules, type PeerReports } from './mode-reports.ts';

/** Where the objects that protect pods are not in force yet. */
export interface GuardReport {
  /** Hash of the objects that the replica has read. */
  readonly guards: string;
  /** Uids of the objects that not all of its proxies hold. */
  readonly unheld: readonly string[];
}

/** Returns a hash of the objects of a world that protect pods. */
export function hashOfGuards({ rules }: Pick<World, 'rules'>): string {
  return hashOfRules(securityRules(rules));
}

/** Returns whether all proxies of the others hold an object. One that has not answered since, or has read other objects, may have some that do not. */
export function doOthersHold(
  { reports, askedMs }: PeerReports<GuardReport>,
  guards: string,
  uid: string,
  sinceMs: number,
): boolean {
  const isHeld = (one: GuardReport | undefined): boolean => one?.guards === guards && !one.unheld.includes(uid);
  return askedMs >= sinceMs && reports.every(isHeld);
}

/** Reads what a replica said; undefined if it is anything else. */
export function readGuardReport(text: string): GuardReport | undefined {
  const body = parseJson(text);
  if (!isObject(body)) return undefined;
  const [guards, unheld] = [stringMember(body, 'guards'), member(body, 'unheld')];
  const isList = Array.isArray(unheld) && unheld.every((one) => typeof one === 'string');
  return guards === undefined || !isList ? undefined : { guards, unheld };
}
