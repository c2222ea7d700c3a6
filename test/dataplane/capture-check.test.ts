import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { CaptureIntent } from '../../src/capture/intent.ts';
import { proxyUser } from '../../src/pod/conventions.ts';
import { checkArguments, checkSecurity } from '../../src/sidecars/standalone/check-container.ts';
import { captureProbes } from '../../src/sidecars/standalone/init-container.ts';
import { captureIntent, port } from '../support/builders/capture-intent.ts';
import { captureScript, captureTraffic } from '../support/network/capture-script.ts';
import { createPodNamespace, type Finished, type PodNamespace } from '../support/network/pod-namespace.ts';

/* The container that tells whether an agent of the node captures a pod, as it runs: without any right, and not as root. */

let pod: PodNamespace;
let folder: string;
beforeEach(() => {
  pod = createPodNamespace('check');
  folder = mkdtempSync(path.join(tmpdir(), 'sidecar-injector-check-'));
  chmodSync(folder, 0o755);
  for (const name of ['capture.sh', 'try-connection.pl']) {
    cpSync(path.join(path.dirname(captureScript), name), path.join(folder, name));
    chmodSync(path.join(folder, name), 0o755);
  }
});
afterEach(() => {
  pod.remove();
  rmSync(folder, { recursive: true });
});

function check(intent: CaptureIntent, env?: Readonly<Record<string, string>>): Finished {
  const { runAsUser, runAsGroup } = checkSecurity(proxyUser);
  const user = [`--reuid=${runAsUser}`, `--regid=${runAsGroup}`, '--clear-groups'];
  const rights = ['--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'];
  const probes = Object.fromEntries(captureProbes(intent).map(({ name, value }) => [name, value]));
  const script = path.join(folder, 'capture.sh');
  return pod.run('pod', ['setpriv', ...user, ...rights, '--', script, ...checkArguments], { env: env ?? probes });
}

const everything = captureIntent();
const ports = captureIntent({ outbound: { cidrs: [], ports: [port(443)] } });

describe.each([
  ['everything', everything, '15002'],
  ['one port', ports, '443'],
])('%s', (_, intent, number) => {
  test('the agent has captured it', () => {
    captureTraffic(pod, intent);
    expect(check(intent)).toMatchObject({
      status: 0,
      stdout: `capture: IPv4: a connection to 192.0.2.1 port ${number} arrives at port 15001; IPv6: a connection to 2001:db8::1 port ${number} arrives at port 15001\n`,
      stderr: '',
    });
  });

  test('the agent was not there: the exit code is the one by which it knows such pods', () => {
    const { status, stdout, stderr } = check(intent);
    expect([status, stdout]).toEqual([126, '']);
    expect(stderr).toMatch(/^capture: error: IPv4 traffic is not captured: .* the agent of this node has not loaded/);
  });
});

test('one family alone is not enough', () => {
  captureTraffic(pod, captureIntent({ families: ['v4'] }));
  const { status, stderr } = check(everything);
  expect(status).toBe(126);
  expect(stderr).toContain('IPv6 traffic is not captured');
});

test('a pod without IPv6 is captured by the rules of the other family', () => {
  captureTraffic(pod, captureIntent({ families: ['v4'] }));
  pod.run('pod', ['sysctl', '-w', 'net.ipv6.conf.all.disable_ipv6=1']);
  expect(check(everything)).toMatchObject({ status: 0, stdout: expect.stringContaining('there is no IPv6') });
});

test('nothing to try is an error, not a success', () => {
  expect(check(everything, {})).toMatchObject({ status: 1, stdout: '' });
});
