import { expect, test } from '@jest/globals';
import { renderNodeSection } from '../../../scripts/bench/node-section.ts';

const findings = [
  { name: 'both replicas, idle', figures: { millicores: 3, mebibytes: 90 } },
  { name: 'change-over with a wait', figures: { sent: 10, outcomes: { '200': 9, '503': 1 } } },
  { name: 'crash, native-killed, inbound', figures: { throughProxy: 9, past: 0, failed: 3, last: 'throughProxy' } },
];

test('findings become tables, each in the one that fits', () => {
  const section = renderNodeSection(findings, 'a machine');
  expect(section).toMatch(/^## On a node\n/);
  expect(section).toContain('| both replicas, idle | 3 | 90 |  |  |');
  expect(section).toContain('| change-over with a wait | 10 | 200: 9, 503: 1 |');
  expect(section).toContain('| crash, native-killed, inbound | 9 | 0 | 3 |');
  expect(section).not.toContain('### Time to recover');
  expect(section).toContain('- a machine\n');
  expect(section).not.toContain('### Latency');
});
