import { expect, jest, test } from '@jest/globals';
import { clusterKubeconfig, createClusterNamespace } from '../../support/cluster/cluster-namespace.ts';
import { runCheck } from '../../support/processes/check-command.ts';
import { injected } from '../../support/processes/test-cluster.ts';
import { servingTemplate } from '../../support/cluster/workbench.ts';

jest.setTimeout(150_000);

test('check finds a sound installation sound, and what is wrong with namespaces and pods', async () => {
  const strict = await createClusterNamespace({ ...injected, 'pod-security.kubernetes.io/enforce': 'baseline' });
  const late = await createClusterNamespace();
  const template = servingTemplate('late');
  await late.apply({ ...template, apiVersion: 'v1', kind: 'Pod', metadata: { name: 'late' } });
  await late.untilPod('late');
  await late.kubectl('label', 'namespace', late.name, 'istio-injection=enabled');

  const { results, stdout, stderr } = await runCheck(clusterKubeconfig(), '--wait', '60s');
  const sound = [
    'api-server',
    'registration',
    'selectors',
    'other-injectors',
    'rights',
    'deployment',
    'endpoints',
    'settings',
    'versions',
    'ca-bundle',
    'replica-certificates',
    'dry-run',
  ];
  const bad = sound.map((id) => results.get(id)).filter((one) => one?.status !== 'good');
  expect([bad, stderr]).toEqual([[], '']);
  expect(results.get('replica-certificates')?.found).toEqual(['2 replicas']);
  expect(results.get('pod-security')?.found.join('\n')).toMatch(
    new RegExp(
      `namespace ${strict.name} enforces baseline, which refuses container "istio-init": capability NET_ADMIN`,
    ),
  );
  expect(results.get('missed-pods')?.found).toContain(`${late.name} Pod/late: 1 pod`);
  expect(stdout).not.toMatch(/PRIVATE KEY|eyJ/);
  await Promise.all([strict.remove(), late.remove()]);
});
