import { expect, test } from '@jest/globals';
import { createAuditMetrics } from '../../../src/telemetry/audit-metrics.ts';

const still = { isLeader: () => true, pods: () => 3, isBreakerOpen: () => false };

test('series by owner are bounded: the owners with the most pods, and the rest as one', async () => {
  const metrics = createAuditMetrics('1');
  const found = Array.from({ length: 600 }, (_, index) => ({
    finding: 'missed',
    owner_namespace: 'shop',
    owner_kind: 'Deployment',
    owner_name: `web-${index}`,
    pods: index + 1,
  }));
  metrics.observe({ ...still, found: () => found });
  const lines = (await metrics.expose()).text
    .split('\n')
    .filter((line) => line.startsWith('sidecar_injector_audit_pods{'));
  expect(lines).toHaveLength(501);
  expect(lines).toContain(
    'sidecar_injector_audit_pods{finding="missed",owner_namespace="shop",owner_kind="Deployment",owner_name="web-100"} 101',
  );
  expect(lines).toContain(
    'sidecar_injector_audit_pods{finding="missed",owner_namespace="",owner_kind="",owner_name=""} 5050',
  );
});

test('what is not found any more has no series', async () => {
  const metrics = createAuditMetrics('1');
  let found = [{ finding: 'missed', owner_namespace: 'shop', owner_kind: 'Deployment', owner_name: 'web', pods: 1 }];
  metrics.observe({ ...still, found: () => found });
  expect((await metrics.expose()).text).toContain('owner_name="web"');
  found = [];
  expect((await metrics.expose()).text).not.toContain('owner_name="web"');
});
