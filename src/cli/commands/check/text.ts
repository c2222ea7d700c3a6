import { separated } from '../../io.ts';
import type { Finding } from './finding.ts';
import { anchorOf } from './anchor.ts';
import type { Checked } from './walk.ts';
import { plural } from '../../plural.ts';

const marks: Readonly<Record<Finding['status'], string>> = {
  good: '√',
  warning: '‼',
  failed: '×',
  unknown: '?',
  skipped: '-',
};

function checkLines({ check, finding: { status, lines, hint } }: Checked): string[] {
  const [only = '', ...more] = lines;
  const isShort = (status === 'good' || status === 'skipped') && more.length === 0 && only !== '';
  const link = status === 'good' || status === 'skipped' ? [] : [`    see ${anchorOf(check)}`];
  return [
    `${marks[status]} ${check.title}${isShort ? `: ${only}` : ''}`,
    ...(isShort ? [] : lines.map((line) => `    ${line}`)),
    ...(hint === undefined ? [] : [`    hint: ${hint}`]),
    ...link,
  ];
}

/** The results as lines for people: sections, a mark for each check, what to do about it, and a sum. */
export function resultLines(results: readonly Checked[]): string[] {
  const names = [...new Set(results.map(({ section }) => section))];
  const blocks = names.map((name) => [
    name,
    '-'.repeat(name.length),
    ...results.filter(({ section }) => section === name).flatMap(checkLines),
  ]);
  const count = (status: Finding['status']): number =>
    results.filter(({ finding }) => finding.status === status).length;
  const sum = [
    plural(results.length, 'check', 'checks'),
    `${count('good')} good`,
    plural(count('warning'), 'warning'),
    `${count('failed')} failed`,
    `${count('unknown')} could not be asked`,
    `${count('skipped')} skipped`,
  ].join(', ');
  return separated([...blocks, [sum]]);
}

/** The results for programs. */
export function resultView(results: readonly Checked[]): unknown {
  return results.map(({ section, check, finding: { status, lines, hint } }) => ({
    section,
    id: check.id,
    title: check.title,
    status,
    found: lines,
    ...(hint === undefined ? {} : { hint }),
    see: anchorOf(check),
  }));
}
