import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { envoyArguments } from '../../../src/envoy/arguments.ts';
import { drainCommand } from '../../../src/envoy/listener-drain.ts';
import { readyCommand } from '../../../src/envoy/ready.ts';

const port = { admin: 'port', drainSeconds: undefined } as const;

const launch = {
  bootstrap: '{a: "$$"}',
  concurrency: 2,
  drainSeconds: 15,
  logLevel: 'warning',
  componentLogLevel: 'misc:error',
};

test('arguments of the proxy', () => {
  expect(envoyArguments(launch)).toEqual(
    [
      ['--config-yaml', '{a: "$$"}', '--drain-time-s', '15', '--drain-strategy', 'immediate', '--disable-hot-restart'],
      ['--concurrency', '2', '--log-level', 'warning', '--component-log-level', 'misc:error'],
    ].flat(),
  );
});

test.each([
  ['one thread a core', { concurrency: 0 }, '--concurrency'],
  ['no component levels', { componentLogLevel: '' }, '--component-log-level'],
])('%s', (_, changes, absent) => {
  expect(envoyArguments({ ...launch, ...changes })).not.toContain(absent);
});

test('levels are not expanded', () => {
  expect(envoyArguments({ ...launch, logLevel: '$(X)' })).toContain('$$(X)');
});

describe.each([
  ['drain', drainCommand(port)],
  ['drain for a time', drainCommand({ ...port, drainSeconds: 5 })],
  ['drain by the hook', drainCommand({ admin: 'socket', drainSeconds: undefined })],
  ['drain and hold', drainCommand(port, { seconds: 20 })],
  ['drain and hold while there is need', drainCommand(port, { least: 15, most: 25 })],
  ['ready', readyCommand('port')],
  ['ready by the hook', readyCommand('socket')],
])('%s', (_, command) => {
  test('is valid bash in which Kubernetes finds nothing to replace', () => {
    const [bash, option, script] = command;
    expect([bash, option]).toEqual(['/bin/bash', '-c']);
    expect(script).not.toMatch(/\$\(|\$\$/);
    expect(spawnSync('/bin/bash', ['-n', '-c', script ?? '']).stderr.toString()).toBe('');
  });
});

test('drain asks for inbound alone, and holds only when told', () => {
  expect(drainCommand(port).join(' ')).toContain('POST /drain_listeners?graceful&inboundonly&skip_exit HTTP/1.1');
  expect(drainCommand(port).join(' ')).not.toContain('sleep');
  expect(drainCommand(port, { seconds: 20.9 }).join(' ')).toContain('sleep 20');
  expect(drainCommand(port, { least: 0, most: 0 }).join(' ')).not.toContain('sleep');
});

test('with a drain time of its own the proxy refuses connections after it', () => {
  expect(drainCommand({ admin: 'port', drainSeconds: 5 }).join(' ')).toContain('graceful&inboundonly HTTP/1.1');
});
