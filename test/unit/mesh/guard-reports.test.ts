import { expect, test } from '@jest/globals';
import {
  doOthersHold,
  hashOfGuards,
  readGuardReport,
  type GuardReport,
} from '../../../src/mesh/serve/guard-reports.ts';
import { noPeers } from '../../../src/mesh/serve/mode-reports.ts';
import { worldOf } from '../../support/mesh/world-events.ts';

const report: GuardReport = { guards: 'same', unheld: ['2'] };
const answered = (...reports: readonly (GuardReport | undefined)[]) => ({ askedMs: 100, reports });

test('others hold an object if each of them has said so since, and has read the same objects', () => {
  const hold = (uid: string, sinceMs: number, ...reports: readonly (GuardReport | undefined)[]) =>
    doOthersHold(answered(...reports), 'same', uid, sinceMs);
  expect([hold('1', 100, report), hold('1', 100, report, report), hold('1', 100)]).toEqual([true, true, true]);
  expect(hold('2', 100, report)).toBe(false);
  expect(hold('1', 101, report)).toBe(false);
  expect(hold('1', 101)).toBe(false);
  expect(hold('1', 100, report, undefined)).toBe(false);
  expect(hold('1', 100, report, { ...report, guards: 'other' })).toBe(false);
  expect(doOthersHold(noPeers, 'same', '1', 1e15)).toBe(true);
});

test('what is said is read again, and anything else is nothing', () => {
  expect(readGuardReport(JSON.stringify({ replica: 'one', ...report }))).toEqual(report);
  for (const text of ['', '[]', '{"guards":"same"}', '{"guards":1,"unheld":[]}', '{"guards":"same","unheld":[1]}'])
    expect(readGuardReport(text)).toBeUndefined();
});

test('objects of both kinds and their versions make the hash', () => {
  const object = (kind: string, generation: number) => ({
    kind,
    metadata: { namespace: 'shop', name: 'one', uid: '1', generation },
    spec: {},
  });
  const worlds = [
    [],
    [object('PeerAuthentication', 1)],
    [object('PeerAuthentication', 2)],
    [object('AuthorizationPolicy', 3)],
    [object('PeerAuthentication', 1), { ...object('AuthorizationPolicy', 3) }],
  ];
  const hashes = worlds.map((objects) => hashOfGuards(worldOf(objects)));
  expect(new Set(hashes).size).toBe(worlds.length);
  expect(hashOfGuards(worldOf([]))).toBe(hashes[0]);
});
