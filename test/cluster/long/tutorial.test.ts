import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { root } from '../../../scripts/checkout.ts';
import { findProgram } from '../../harness/tools/kubernetes.ts';
import { clusterKubeconfig } from '../../support/cluster/cluster-namespace.ts';
import { kubectl } from '../../support/cluster/kubectl.ts';
import { system } from '../../support/cluster/system-namespace.ts';
import { readTutorial } from '../../support/cluster/tutorial.ts';

jest.setTimeout(180_000);

const steps = await readTutorial();
/** The first ones make a cluster and images with Docker; this cluster and its images stand in for them. */
const withDocker = 3;

const uninstall = async () => {
  await kubectl(clusterKubeconfig(), [
    'delete',
    'mutatingwebhookconfiguration',
    'sidecar-injector',
    '--ignore-not-found',
  ]);
  await kubectl(clusterKubeconfig(), ['delete', '--ignore-not-found', '-f', path.join(root, 'deploy/install.yaml')]);
};

beforeAll(uninstall);
afterAll(async () => {
  await kubectl(clusterKubeconfig(), [
    'delete',
    '--ignore-not-found',
    '-f',
    path.join(root, 'examples/httpd/httpd.yaml'),
  ]);
  await kubectl(clusterKubeconfig(), ['label', 'namespace', 'default', 'istio-injection-']);
  await system.untilSettled();
});

test('the tutorial has ten steps, the first with Docker', () => {
  expect(steps).toHaveLength(10);
  for (const { command } of steps.slice(0, withDocker)) expect(command).toMatch(/^(kind|make images)/);
});

describe('the tutorial’s own commands say what it promises', () => {
  test.each(steps.slice(withDocker).map(({ title, ...step }) => [title, step] as const))('%s', (_title, step) => {
    const programs = path.dirname(findProgram('kubectl', process.env));
    const env = { ...process.env, KUBECONFIG: clusterKubeconfig(), PATH: `${programs}:${process.env['PATH']}` };
    const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', step.command], { cwd: root, env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${step.command} ended with ${status}: ${stderr}`);
    const printed = neutral(stdout);
    for (const line of step.expected) expect(printed).toContain(neutral(line));
  });
});

/** The same text with what differs from run to run made equal: random letters of pods, ages, widths of columns. */
function neutral(text: string): string {
  return text
    .replaceAll(/\bhttpd-[a-z0-9]+-[a-z0-9]{5}\b/g, 'httpd-RANDOM')
    .replaceAll(/\b\d+m?\d*s\b/g, 'AGE')
    .replaceAll(/ +/g, ' ');
}
