import { apiServerVersions, prepareApiServer } from '../tools/kubernetes-versions.ts';
import { say } from '../tools/tool.ts';
import { runJest } from './jest.ts';
import type { Environment, Outcome } from './tier.ts';

/**
 * What may depend on the version of the API server: installation, selection and match conditions, injection, refusals, certificates and their
 * rotation, permissions, other admission plug-ins.
 */
const scenarios = [
  'lifecycle',
  'selection',
  'injection',
  'platform',
  'second-webhook',
  'permissions',
  'certificates',
  'rotation',
];

/**
 * Runs the same scenarios with each version of the API server, or with those of `MATRIX_VERSIONS`, comma separated. etcd,
 * kube-controller-manager and kubectl stay the pinned ones.
 */
export async function runMatrix(_tier: string, environment: Environment): Promise<Outcome> {
  const versions = process.env['MATRIX_VERSIONS']?.split(',') ?? apiServerVersions;
  let [passed, failed] = [0, 0];
  const failures: string[] = [];
  for (const version of versions) {
    const tool = await prepareApiServer(version);
    if (tool.state !== 'ready') {
      failed++;
      failures.push(`${version}: ${tool.state === 'broken' ? tool.problem : `needs ${tool.needs}`}`);
      continue;
    }
    say(`API server ${version}`);
    const outcome = await runJest('apiserver', {
      ...environment,
      env: { ...environment.env, ...tool.env },
      arguments: [...environment.arguments, ...scenarios.map((name) => `test/apiserver/${name}.test.ts`)],
    });
    passed += outcome.passed;
    failed += outcome.failed;
    failures.push(...(outcome.failures ?? []).map((name) => `${version}: ${name}`));
    say(`API server ${version}: ${outcome.passed} passed, ${outcome.failed} failed`);
  }
  return { passed, failed, failures };
}
