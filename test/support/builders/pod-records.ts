import type { PodRecord } from '../../../src/audit/pod-record.ts';
import { createRoster, type Roster } from '../../../src/audit/roster.ts';

/** A pod `uid` of the Deployment `owner` that runs, was missed and would be replaced; `more` replaces members. */
export function podRecord(uid: string, owner = 'web', more: Partial<PodRecord> = {}): PodRecord {
  return {
    name: `${owner}-${uid}`,
    uid,
    owner: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: owner, uid: undefined },
    finding: 'missed',
    detail: '',
    isRunning: true,
    isReplaced: true,
    ...more,
  };
}

/** A roster of these pods. */
export function rosterOf(...records: readonly PodRecord[]): Roster {
  const roster = createRoster();
  for (const record of records) roster.take(record.uid, record);
  return roster;
}
