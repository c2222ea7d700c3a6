import { expect, test } from '@jest/globals';
import type { AuditorRun, Look, Period } from '../../../scripts/bench/auditor/figures.ts';
import { auditorNotRun, writeAuditorSection } from '../../../scripts/bench/auditor/section.ts';

const mebibyte = 2 ** 20;
const look = (cpuMs: number, peak = 100): Look => ({ ms: cpuMs, cpuMs, peakBytes: peak * mebibyte });
const period = (cpuMs: number, events: number): Period => ({
  ms: 60_000,
  cpuMs,
  events,
  requests: new Map([
    ['list pods', 3],
    ['update leases', 30],
    ['create events', events],
  ]),
});

const sound: AuditorRun = {
  pods: 10_000,
  listBytes: 400 * mebibyte,
  plain: [look(1_000), look(2_000)],
  first: [look(2_000), look(3_000)],
  start: period(3_000, 20),
  labelled: [period(100, 10)],
  unlabelled: [period(120, 0)],
  rest: period(100, 0),
  anew: period(4_000, 20),
  peakBytes: 200 * mebibyte,
};

const effort = {
  labelled: 90,
  unlabelled: 10,
  owners: 10,
  pods: 10,
  missed: 20,
  rounds: 2,
  changes: 1,
  restSeconds: 60,
};

const summaryOf = (more: Partial<AuditorRun>): string =>
  writeAuditorSection({
    effort,
    run: { ...sound, ...more },
    machine: { processor: 'of the test', cores: 2, date: '2026-01-01', load: 0 },
  }).summary;

test('shares compare the runs of one round', () => {
  expect(summaryOf({})).toMatch(
    /^processor time, ms +3,000 \(2,000 to 3,000\) +2,000 \(1,000 to 2,000\) +2\.00 \(1\.50 to 2\.00\)$/m,
  );
});

test('requests of the election do not count', () => {
  expect(summaryOf({})).toMatch(/^a namespace gets the label +60,000 +100 +13 +10$/m);
});

test('all targets are met', () => {
  expect(summaryOf({})).not.toContain('NOT MET');
});

test.each<[what: string, more: Partial<AuditorRun>, line: RegExp]>([
  ['memory', { peakBytes: 600 * mebibyte }, /^less than 512 MiB.* 600 MiB +NOT MET$/m],
  ['a first look', { first: [look(4_000), look(8_000)] }, /^first look:.*× 4\.00 +NOT MET$/m],
  ['one namespace', { unlabelled: [period(1_500, 0)] }, /^one namespace of 100 changes:.*× 0\.50 +NOT MET$/m],
  ['rest', { rest: period(1_500, 0) }, /^at rest:.* 2\.50 % +NOT MET$/m],
  ['Events', { anew: period(4_000, 900) }, /^Events at once.* 900 +NOT MET$/m],
])('a target of %s that is missed is said', (_, more, line) => {
  expect(summaryOf(more)).toMatch(line);
});

test('a machine that cannot measure it says what it lacks', () => {
  expect(auditorNotRun('Go')).toEqual({
    markdown: '## Auditor\n\nNot run: it needs Go.\n',
    summary: 'auditor: not run, it needs Go',
  });
});
