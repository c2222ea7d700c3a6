import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';
import { injectedPod } from '../support/builders/decisions.ts';
import { addresses, inNamespace } from '../support/network/pod-namespace.ts';
import { answerOf, createSandbox, type Sandbox } from '../support/sidecars/sandbox.ts';
import { applicationPod, applicationUser } from '../support/sidecars/sandboxed-application.ts';
import { snapshotWithShipped } from '../support/sidecars/shipped-sidecars.ts';
import { until } from '../support/waiting.ts';

let sandbox: Sandbox;
afterEach(() => sandbox.remove());

function prepare(reference: string, annotations: Readonly<Record<string, string>> = {}): void {
  const pod = applicationPod({ 'inject.istio.io/templates': reference, ...annotations });
  sandbox = createSandbox('metrics', injectedPod(pod, snapshotWithShipped()));
}

test("real node exporter shows the pod's network and the application's own metrics", async () => {
  prepare('metrics-exporter');
  const exporter = sandbox.start('metrics-exporter', { entrypoint: ['prometheus-node-exporter'] });
  const metrics = `http://${addresses.pod.v4}:9100/metrics`;
  await answerOf(sandbox, exporter, metrics);
  const write = 'echo "orders_total 42" > /var/lib/metrics/a.tmp && mv /var/lib/metrics/a.tmp /var/lib/metrics/a.prom';
  expect(sandbox.run('app', ['sh', '-c', write])).toMatchObject({ status: 0, stderr: '' });
  const text = await until(
    () => `the application's metric:\n${exporter.output}`,
    () => {
      const { stdout } = sandbox.curl(metrics);
      return stdout.includes('orders_total') ? stdout : undefined;
    },
  );
  expect(text).toMatch(/^orders_total 42$/m);
  expect(text).toMatch(/^node_network_receive_bytes_total\{device="eth0"\} /m);
  expect(text).toMatch(/^node_memory_MemTotal_bytes /m);
  // Host-wide collectors are off.
  expect(text).not.toMatch(/^node_(?:filesystem|disk|systemd)_/m);
  expect(sandbox.run('metrics-exporter', ['sh', '-c', 'echo x > /var/lib/metrics/x']).status).not.toBe(0);
});

test('real Apache exporter shows what a real Apache HTTPD has done', async () => {
  prepare('metrics-exporter:apache', { 'metrics-exporter.sidecar-injector.io/port': '8080' });
  const folder = mkdtempSync('/tmp/httpd-');
  const configuration = path.join(folder, 'httpd.conf');
  const modules = ['mpm_event', 'authz_core', 'authz_host', 'status'];
  writeFileSync(
    configuration,
    [
      `ServerRoot ${folder}`,
      'ServerName web',
      'Listen 8080',
      `PidFile ${folder}/pid`,
      'ErrorLog /dev/stderr',
      `User #${applicationUser}`,
      `Group #${applicationUser}`,
      ...modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
      '<Location "/server-status">',
      'SetHandler server-status',
      'Require ip 127.0.0.1 ::1',
      '</Location>',
      'ExtendedStatus On',
    ].join('\n'),
  );
  const [command, ...words] = inNamespace(sandbox.namespace.name.pod);
  const httpd = spawn(command, [...words, 'apache2', '-f', configuration, '-D', 'FOREGROUND'], { stdio: 'ignore' });
  try {
    const exporter = sandbox.start('metrics-exporter', { entrypoint: ['prometheus-apache-exporter'] });
    const metrics = `http://${addresses.pod.v4}:9117/metrics`;
    const total = async () => {
      const text = await answerOf(sandbox, exporter, metrics);
      return /^apache_up 1$/m.test(text) ? Number(/^apache_accesses_total (\S+)$/m.exec(text)?.[1]) : undefined;
    };
    const before = await until(() => `apache_up 1:\n${exporter.output}`, total);
    for (let request = 0; request < 5; request++) sandbox.curl(`http://${addresses.pod.v4}:8080/`);
    expect(await total()).toBeGreaterThanOrEqual(before + 5);
  } finally {
    httpd.kill();
    await once(httpd, 'exit');
    rmSync(folder, { recursive: true });
  }
});
