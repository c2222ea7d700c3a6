import { expect, test } from '@jest/globals';
import type { PodRecord } from '../../../src/audit/pod-record.ts';
import { createNotices } from '../../../src/audit/notices.ts';
import { noteOf } from '../../../src/audit/note.ts';
import { podRecord, rosterOf } from '../../support/builders/pod-records.ts';

const policy = { repeatMs: 1_000, burst: 2, everyMs: 100 };
const groupsOf = (...records: readonly PodRecord[]) => rosterOf(...records).groups();

function play() {
  const notices = createNotices(policy);
  return (nowMs: number, ...records: readonly PodRecord[]) =>
    notices.next(groupsOf(...records), nowMs).map(({ owner, finding }) => `${owner.name} ${finding}`);
}

test('an owner is told once of a finding, and again when the Event has gone', () => {
  const next = play();
  expect([0, 500, 999, 1_000, 1_500].map((nowMs) => next(nowMs, podRecord('a'), podRecord('b')))).toEqual([
    ['web missed'],
    [],
    [],
    ['web missed'],
    [],
  ]);
});

test('a finding that comes and goes is one', () => {
  const next = play();
  expect([
    next(0, podRecord('a')),
    next(10),
    next(20, podRecord('b')),
    next(2_000),
    next(2_010, podRecord('c')),
  ]).toEqual([['web missed'], [], [], [], ['web missed']]);
});

test('what is outdated is not repeated', () => {
  const next = play();
  const old = podRecord('a', 'web', { finding: 'outdated' });
  expect([next(0, old), next(5_000, old)]).toEqual([['web outdated'], []]);
});

test('there is room for so many at once, the gravest first, and what is left follows', () => {
  const next = play();
  const all = [
    podRecord('a', 'one', { finding: 'outdated' }),
    podRecord('b', 'two', { finding: 'denied' }),
    podRecord('c', 'three'),
    podRecord('d', 'four', { finding: 'uncaptured' }),
  ];
  expect([0, 99, 100, 250].map((nowMs) => next(nowMs, ...all))).toEqual([
    ['three missed', 'four uncaptured'],
    [],
    ['two denied'],
    ['one outdated'],
  ]);
});

test.each<[string, readonly PodRecord[]]>([
  [
    'pod web-a is without the sidecar that a new one would get. To do: create them anew, such as with kubectl rollout restart',
    [podRecord('a')],
  ],
  [
    '2 pods are not injected as a new one would be: settings 1, version 2. To do: create them anew when it suits, such as with sidecar-injector rollout restart --outdated',
    ['a', 'b'].map((uid) => podRecord(uid, 'web', { finding: 'outdated', detail: 'settings 1, version 2' })),
  ],
  [
    '5 pods are such that a new one would be denied: a; b; c, and others. To do: correct this before the pods are created anew, such as when a node is drained',
    ['a', 'b', 'c', 'd', 'e'].map((uid) => podRecord(uid, 'web', { finding: 'denied', detail: uid })),
  ],
])('%s', (note, records) => {
  expect(groupsOf(...records).map(noteOf)).toEqual([note]);
});
