import { afterEach, expect, test } from '@jest/globals';
import type { JsonObject } from '../../src/json/json.ts';
import { injectedPod } from '../support/builders/decisions.ts';
import { createSandbox, standIn, type RunningContainer, type Sandbox } from '../support/sidecars/sandbox.ts';
import { applicationPod } from '../support/sidecars/sandboxed-application.ts';
import { snapshotWithShipped } from '../support/sidecars/shipped-sidecars.ts';
import { until } from '../support/waiting.ts';

// osquery is in no package registry: a stand-in reads the same command line, configuration and files.
let sandbox: Sandbox;
afterEach(() => sandbox.remove());

function start(container: JsonObject = {}, spec: JsonObject = {}): RunningContainer {
  const pod = applicationPod({ 'inject.istio.io/templates': 'security-agent' }, container, spec);
  sandbox = createSandbox('agent', injectedPod(pod, snapshotWithShipped()), { config: { 'web.conf': 'a = 1\n' } });
  return sandbox.start('security-agent', { programs: { osqueryd: standIn('security-agent.ts') } });
}

const says = (agent: RunningContainer, text: string) =>
  until(
    () => `${text} in: ${agent.output}`,
    () => agent.output.includes(text) || undefined,
  );

const config: [JsonObject, JsonObject] = [
  { volumeMounts: [{ name: 'config', mountPath: '/etc/config' }] },
  { volumes: [{ name: 'config', emptyDir: {} }] },
];

test("a stand-in for the program sees changes of the application's files, which it cannot change itself", async () => {
  const agent = start(...config);
  await says(agent, '"files":["web.conf"]');
  expect(agent.output).toContain('"queries":["files","listeners","processes"]');
  expect(sandbox.run('app', ['sh', '-c', 'echo b > /etc/config/other.conf'])).toMatchObject({ status: 0, stderr: '' });
  await says(agent, '"target_path":"/watched/other.conf"');
  const probe = (command: string) => sandbox.run('security-agent', ['sh', '-c', command]).status === 0;
  expect({
    reads: probe('cat /watched/web.conf'),
    changes: probe('echo x > /watched/web.conf'),
    writesRoot: probe('echo x > /x'),
    isRoot: probe('[ "$(id -u)" = 0 ]'),
  }).toEqual({ reads: true, changes: false, writesRoot: false, isRoot: false });
});

test('goes on without files to watch', async () => {
  const agent = start();
  await says(agent, '"missing":"/watched"');
  expect(await agent.stop('SIGTERM')).toBe(null);
});
