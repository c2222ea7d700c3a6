import { expect, test } from '@jest/globals';
import { meshReports } from '../../../src/runtime/mesh-reports.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { createMeshMetrics } from '../../../src/telemetry/mesh-metrics.ts';

const caller = { namespace: 'shop', serviceAccount: 'cart', podName: 'cart-1', podUid: 'p' };

test('a proxy cannot fill the log by a long text, or by asking for much and answering nothing', () => {
  const lines: string[] = [];
  const log = createLog('trace', { write: (line) => void lines.push(line) });
  const { report } = meshReports(log, createMeshMetrics('1'));
  const rejected = {
    type: 'rejected',
    kind: 'cluster',
    name: 'c',
    version: '1',
    owner: 'o',
    isWithheld: true,
  } as const;
  report({ ...rejected, text: 'x'.repeat(4_000_000) }, caller);
  const names = Array.from({ length: 100_000 }, (_, index) => `listener-${index}`);
  report({ type: 'unanswered', kind: 'listener', names }, caller);
  expect(lines).toHaveLength(2);
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(3_000);
  expect(lines[0]).toContain('xxx');
  expect(lines[1]).toContain('"count":100000');
});
