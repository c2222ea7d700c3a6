import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readCaptureConfiguration } from '../../../src/capture/configuration.ts';
import type { CaptureIntent } from '../../../src/capture/intent.ts';
import { renderIptables } from '../../../src/capture/iptables.ts';
import { describeProblem } from '../../../src/grammar/problem.ts';

/*
 * Istio's own capture tests, compared line by line: tables, new chains, rules and their order. Only the lines that say
 * when Istio looks at the tables (`iptables-save`) are left out. Deliberate differences, none of which a case shows:
 *  - with a captured loopback address in one family only, the other family keeps its rules that let the application
 *    talk to itself; Istio takes them from both;
 *  - groups to leave out count together with listed groups; Istio then ignores them;
 *  - lists are checked; Istio passes a bad address by and hands a bad port to iptables;
 *  - our own default replaces the tables instead of adding to them (last test).
 */
const folder = resolve(
  import.meta.dirname,
  '../../..',
  process.env['ISTIO_GOLDENS'] ?? '../shared/istio-goldens',
  'capture',
);

interface Cases {
  readonly count: number;
  readonly base: object;
  readonly cases: readonly { readonly name: string; readonly settings: object; readonly expected: string }[];
}

function intentOf(settings: object): CaptureIntent {
  const read = readCaptureConfiguration(settings);
  if ('problems' in read) throw new Error(read.problems.map(describeProblem).join('\n'));
  return read.value;
}

function linesOf(intent: CaptureIntent): string[] {
  return intent.families.flatMap((family) => renderIptables(intent, family).trimEnd().split('\n'));
}

if (!existsSync(resolve(folder, 'cases.json'))) {
  process.stderr.write(
    `NOT RUN: no Istio capture goldens in ${folder}; set ISTIO_GOLDENS to the folder that has them\n`,
  );
  test.skip('Istio capture goldens (folder absent)', () => undefined);
} else {
  const { base, cases, count } = JSON.parse(readFileSync(resolve(folder, 'cases.json'), 'utf8')) as Cases;
  const expectedOf = (name: string): string[] =>
    readFileSync(resolve(folder, name), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !/^ip6?tables-save$/.test(line));

  describe(`Istio capture goldens, all ${count}`, () => {
    test('there are as many cases as the file says', () => expect(cases).toHaveLength(count));

    test.each(cases)('$name', ({ settings, expected }) => {
      expect(linesOf(intentOf({ ...base, ...settings }))).toEqual(expectedOf(expected));
    });

    test.each(cases)('$name, without the base: the defaults are those of istio-iptables', ({ settings, expected }) => {
      expect(linesOf(intentOf(settings))).toEqual(expectedOf(expected));
    });

    test.each(cases)('$name, replacing the tables: the same rules', ({ settings, expected }) => {
      const rules = (lines: readonly string[]): string[] => lines.filter((line) => /^-[AI] /.test(line));
      const intent = intentOf({ ...base, ...settings, loading: 'replace' });
      expect(rules(linesOf(intent))).toEqual(rules(expectedOf(expected)));
    });
  });
}
