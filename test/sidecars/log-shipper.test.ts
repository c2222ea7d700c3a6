import { afterEach, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../src/json/json.ts';
import { injectedPod } from '../support/builders/decisions.ts';
import { createSandbox, standIn, type Sandbox } from '../support/sidecars/sandbox.ts';
import { startAgent } from '../support/network/agent.ts';
import { addresses } from '../support/network/pod-namespace.ts';
import { applicationPod } from '../support/sidecars/sandboxed-application.ts';
import { snapshotWithShipped } from '../support/sidecars/shipped-sidecars.ts';
import { until } from '../support/waiting.ts';

// Neither program is in a package registry: a stand-in reads the same command line, configuration and files.
let sandbox: Sandbox;
afterEach(() => sandbox.remove());

const images = {
  'log-shipper': { entrypoint: standIn('log-shipper.ts') },
  'log-shipper:fluentd': { entrypoint: standIn('log-shipper.ts') },
} as const;

function start(reference: keyof typeof images, annotations: JsonObject = {}) {
  const pod = applicationPod({ 'inject.istio.io/templates': reference, ...annotations });
  sandbox = createSandbox('logs', injectedPod(pod, snapshotWithShipped()));
  return () => sandbox.start('log-shipper', images[reference]);
}

function write(line: string, file = '/var/log/app/web.log'): void {
  expect(sandbox.run('app', ['sh', '-c', `echo '${line}' >> ${file}`])).toMatchObject({ status: 0, stderr: '' });
}

const lines = (output: string) =>
  output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, string>);

describe.each(Object.keys(images) as (keyof typeof images)[])('%s (a stand-in for the program)', (reference) => {
  test('ships what the application writes before and while it runs, with the pod beside it', async () => {
    const startShipper = start(reference);
    write('first');
    const shipper = startShipper();
    await until(
      () => `the first line: ${shipper.output}`,
      () => lines(shipper.output).length > 0 || undefined,
    );
    write('second');
    await until(
      () => `the second line: ${shipper.output}`,
      () => lines(shipper.output).length > 1 || undefined,
    );
    const about = { file: '/var/log/app/web.log', pod: 'web', namespace: 'shop', node: 'node-1' };
    expect(lines(shipper.output)).toEqual([
      { log: 'first', ...about },
      { log: 'second', ...about },
    ]);
  });

  test('reads the folder and the names that the pod gives', async () => {
    const startShipper = start(reference, {
      'log-shipper.sidecar-injector.io/path': '/srv/logs',
      'log-shipper.sidecar-injector.io/files': 'access*.txt',
    });
    write('not this', '/srv/logs/error.txt');
    write('this', '/srv/logs/access-1.txt');
    const shipper = startShipper();
    await until(
      () => `a line: ${shipper.output}`,
      () => lines(shipper.output).length > 0 || undefined,
    );
    expect(lines(shipper.output)).toMatchObject([{ log: 'this', file: '/var/log/app/access-1.txt' }]);
  });

  test('sends to the aggregator that the pod names', async () => {
    const startShipper = start(reference, {
      'log-shipper.sidecar-injector.io/output': 'forward',
      'log-shipper.sidecar-injector.io/host': addresses.cluster.v4,
      'log-shipper.sidecar-injector.io/port': '24999',
    });
    const aggregator = await startAgent(sandbox.namespace.name.cluster);
    try {
      await aggregator.listen({ kind: 'echo', port: 24_999 });
      write('away');
      const shipper = startShipper();
      // An echo server answers with what it has got.
      await until(
        () => `the aggregator's answer: ${shipper.output}`,
        () => shipper.output.includes('away') || undefined,
      );
      const [{ text = '' } = {}] = lines(shipper.output);
      expect(JSON.parse(text)).toMatchObject({ log: 'away', pod: 'web' });
    } finally {
      await aggregator.stop();
    }
  });

  test('may read the files and write its state, and nothing else', () => {
    start(reference);
    write('first');
    const probe = (command: string) => sandbox.run('log-shipper', ['sh', '-c', command]).status === 0;
    expect({
      reads: probe('cat /var/log/app/web.log'),
      changes: probe('echo x >> /var/log/app/web.log'),
      keepsState: probe('echo x > /state/x'),
      writesRoot: probe('echo x > /x'),
      hasToken: probe('ls /var/run/secrets/kubernetes.io/serviceaccount/* 2>/dev/null'),
      isRoot: probe('[ "$(id -u)" = 0 ]'),
    }).toEqual({ reads: true, changes: false, keepsState: true, writesRoot: false, hasToken: false, isRoot: false });
  });
});
