import { describe, expect, test } from '@jest/globals';
import { figuresOf, type Situation, type Trial } from '../../../scripts/bench/overload/figures.ts';
import { writeSection } from '../../../scripts/bench/overload/section.ts';
import type { Attempt } from '../../../scripts/bench/overload/steady-load.ts';

const mebibyte = 1_024 ** 2;
const decided = (durationMs: number): Attempt => ({ outcome: 'decided', problem: '', durationMs });
const shed: Attempt = { outcome: 'shed', problem: '', durationMs: 900 };
const failed = (problem: string): Attempt => ({ outcome: 'failed', problem, durationMs: 6_000 });
const trial = (attempts: readonly Attempt[], mebibytes: number, met: Trial['met'] = {}): Trial => ({
  attempts,
  peakRssBytes: mebibytes * mebibyte,
  met,
});

const reference: Situation = {
  name: 'no attack',
  trials: [trial([1, 2, 3, 4].map(decided), 100), trial([2, 4, 6, 8].map(decided), 110)],
};
const attack: Situation = {
  name: 'an attack',
  trials: [
    trial([decided(2), decided(4), decided(6), shed], 200, { 'answered 503': 1, opened: 5 }),
    trial([decided(20), failed('too late'), failed('answered 400'), failed('too late')], 330, { opened: 7 }),
  ],
};

describe('the figures of a situation', () => {
  const figures = figuresOf(attack, reference);

  test('count what became of the reviews of all rounds', () => {
    expect(figures).toMatchObject({ sent: 8, decided: 4, shed: 1, failed: 3 });
    expect(figures.problems).toEqual({ 'answered 400': 1, 'too late': 2 });
    expect(figures.met).toEqual({ 'answered 503': 1, opened: 12 });
  });

  test('have the latency of the decided ones alone, and the most memory', () => {
    expect(figures).toMatchObject({ p50Ms: 6, p99Ms: 20, worstMs: 20, peakRssBytes: 330 * mebibyte });
  });

  test('compare each round with the reference of the same round', () => {
    expect(figures.ratios.p50).toEqual({ median: 20 / 6, least: 4 / 3, most: 20 / 6 });
    expect(figures.ratios.worst).toEqual({ median: 20 / 8, least: 6 / 4, most: 20 / 8 });
    expect(figures.ratios.memory).toEqual({ median: 3, least: 2, most: 3 });
  });

  test('have no latency when nothing was decided', () => {
    const none = figuresOf({ name: 'x', trials: [trial([shed], 100)] }, reference);
    expect([none.decided, none.p50Ms, none.worstMs, none.ratios.p99.median]).toEqual([0, NaN, NaN, NaN]);
  });
});

describe('the part of the page', () => {
  const results = {
    pace: { perSecond: 100, seconds: 12 },
    reference,
    attacked: [attack],
    machine: { processor: 'a processor', cores: 2, date: '2026-03-02', load: 0.5 },
  };
  /** The cells of the row that begins so. */
  const row = (text: string, first: string): string[] | undefined =>
    text
      .split('\n')
      .find((line) => line.startsWith(`| ${first} `))
      ?.split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());

  test('has a row of each situation, the reference first', () => {
    const { markdown } = writeSection(results);
    expect(markdown).toMatch(/^## Overload\n/);
    const found = [row(markdown, 'no attack'), row(markdown, 'an attack')];
    expect(found).toEqual([
      ['no attack', '8', '8', '0', '0', '4.0 ms', '8.0 ms', '8.0 ms', '110 MiB'],
      ['an attack', '8', '4', '1', '3', '6.0 ms', '20 ms', '20 ms', '330 MiB'],
    ]);
    expect(markdown).toContain('| 3.3 (1.3 to 3.3) |');
    expect(markdown).toContain('answered 400: 1, too late: 2');
  });

  test('says which targets are missed', () => {
    const { markdown } = writeSection(results);
    const decidedTarget = 'every usual review beside every attack is decided';
    expect(row(markdown, decidedTarget)).toEqual([decidedTarget, '4 of 8', 'NOT MET']);
    expect(row(markdown, 'less than 512 MiB')?.slice(1)).toEqual(['330 MiB', 'met']);
    const good = writeSection({ ...results, attacked: [{ ...attack, trials: reference.trials }] }).markdown;
    expect(row(good, decidedTarget)?.slice(1)).toEqual(['8 of 8', 'met']);
  });

  test('a latency that is unknown because nothing was decided misses its target', () => {
    const { markdown } = writeSection({ ...results, attacked: [{ name: 'x', trials: [trial([shed], 600)] }] });
    expect(row(markdown, 'worst latency below 5 s')?.slice(1)).toEqual(['-', 'NOT MET']);
    expect(row(markdown, 'less than 512 MiB')?.slice(1)).toEqual(['600 MiB', 'NOT MET']);
  });
});
