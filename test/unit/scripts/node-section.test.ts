import { expect, test } from '@jest/globals';
import { keepNodeSection, replaceNodeSection } from '../../../scripts/bench/node-section.ts';

const findings = [
  { name: 'replica, idle', figures: { millicores: 3, mebibytes: 90 } },
  { name: 'change-over with a wait', figures: { sent: 10, outcomes: { '200': 9, '503': 1 } } },
];

test('findings become tables, each in the one that fits', () => {
  const page = replaceNodeSection('# Benchmarks\n', findings, 'a machine');
  expect(page).toContain('| replica, idle | 3 | 90 |  |  |');
  expect(page).toContain('| change-over with a wait | 10 | 200: 9, 503: 1 |');
  expect(page).toContain('- a machine\n');
  expect(page).not.toContain('### Latency');
});

test('the section is replaced by new findings and kept by a page that is written anew', () => {
  const old = replaceNodeSection('# Benchmarks\n\nold text\n', findings, 'a machine');
  const replaced = replaceNodeSection(old, findings.slice(0, 1), 'another machine');
  expect(replaced).toMatch(/^# Benchmarks\n\nold text\n\n<!-- .* -->\n## On a node\n/);
  expect(replaced).not.toContain('change-over');
  expect(keepNodeSection(replaced, '# Benchmarks\n\nnew text\n')).toBe(replaced.replace('old text', 'new text'));
  expect(keepNodeSection('# Benchmarks\n', 'new\n')).toBe('new\n');
});
