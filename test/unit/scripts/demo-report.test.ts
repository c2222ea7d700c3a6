import { expect, test } from '@jest/globals';
import { describeAnswer } from '../../../scripts/demo/report.ts';

test('the report of the demo names every label and annotation that the pod did not have', () => {
  const before = { metadata: { labels: { app: 'web' } }, spec: {} };
  const after = {
    metadata: {
      labels: { app: 'web', 'sidecar-injector.io/sidecar': 'native' },
      annotations: { 'kubectl.kubernetes.io/default-container': 'web', 'sidecar.istio.io/status': '{}' },
    },
    spec: {},
  };
  const answered = { decision: 'inject', reasons: '', why: '', warnings: [], operations: 2, patchBytes: 9 };
  const lines = describeAnswer({ before, after, ...answered, firstMs: 1, laterMs: 1 });
  expect(lines.filter((line) => /label|annotation/.test(line))).toEqual([
    '  label sidecar-injector.io/sidecar: native',
    '  annotation kubectl.kubernetes.io/default-container: web',
    '  annotation sidecar.istio.io/status, 2 characters (how to undo it, for `uninject`)',
  ]);
});
