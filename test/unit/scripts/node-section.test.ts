import { expect, test } from '@jest/globals';
import { renderNodeSection } from '../../../scripts/bench/node-section.ts';

const findings = [
  { name: 'replica, idle', figures: { millicores: 3, mebibytes: 90 } },
  { name: 'change-over with a wait', figures: { sent: 10, outcomes: { '200': 9, '503': 1 } } },
];

test('findings become tables, each in the one that fits', () => {
  const section = renderNodeSection(findings, 'a machine');
  expect(section).toMatch(/^## On a node\n/);
  expect(section).toContain('| replica, idle | 3 | 90 |  |  |');
  expect(section).toContain('| change-over with a wait | 10 | 200: 9, 503: 1 |');
  expect(section).toContain('- a machine\n');
  expect(section).not.toContain('### Latency');
});
