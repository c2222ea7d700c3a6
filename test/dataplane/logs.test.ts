import { copyFile, mkdtemp, chmod, readdir, readFile, rename, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { captureIntent } from '../support/builders/capture-intent.ts';
import { captureTraffic } from '../support/network/capture-script.ts';
import { startEnvoy, type RunningEnvoy } from '../support/network/envoy.ts';
import { eventually } from '../support/waiting.ts';
import { startAgent, type Agent } from '../support/network/agent.ts';
import { addresses, createPodNamespace, type PodNamespace } from '../support/network/pod-namespace.ts';
import { proxyIntent } from '../support/builders/proxy-intent.ts';

let pod: PodNamespace;
let app: Agent;
let outside: Agent;
let folder: string;
let log: string;

beforeAll(async () => {
  pod = createPodNamespace('logs');
  captureTraffic(pod, captureIntent());
  app = await startAgent(pod.name.pod, 1000);
  outside = await startAgent(pod.name.cluster);
  await app.listen({ kind: 'http', port: 8080 });
  await app.listen({ kind: 'banner', port: 3306 });
  folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-logs-'));
  await chmod(folder, 0o777);
  log = path.join(folder, 'access.log');
});

afterAll(async () => {
  await app.stop();
  await outside.stop();
  pod.remove();
  await rm(folder, { recursive: true, force: true });
});

type Line = Readonly<Record<string, unknown>>;

function linesOf(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

function ask(what: string): Promise<unknown> {
  const headers = { 'User-Agent': 'test "1"', 'X-Envoy-Original-Path': '/invented' };
  return outside.ask({ url: `http://${addresses.pod.v4}:8080${what}`, headers });
}

test('one line of JSON a request and a connection, on standard output', async () => {
  const envoy = await startEnvoy(pod, proxyIntent());
  try {
    await ask('/status/418?x=1');
    await outside.dial({ host: addresses.pod.v4, port: 3306 });
    // Metrics have a connection reported when it begins, too; that is no line.
    const lines = await eventually(
      () => Promise.resolve(linesOf(envoy.output.stdout)),
      (found) => found.length >= 2,
    );
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({
      authority: `${addresses.pod.v4}:8080`,
      bytes_received: 0,
      duration: expect.any(Number),
      method: 'GET',
      path: '/status/418?x=1',
      protocol: 'HTTP/1.1',
      requested_server_name: null,
      response_code: 418,
      response_flags: '-',
      route_name: 'inbound',
      upstream_cluster: 'InboundPassthroughCluster',
      upstream_host: `${addresses.pod.v4}:8080`,
      user_agent: 'test "1"',
    });
    expect(lines[1]).toMatchObject({ method: null, response_code: 0, upstream_host: `${addresses.pod.v4}:3306` });
  } finally {
    await envoy.stop();
  }
});

test('a connection that ends while it is inspected, on a port for HTTP, has a line that says so', async () => {
  const envoy = await startEnvoy(pod, proxyIntent());
  try {
    const cut = { host: addresses.pod.v4, port: 8080, send: 'letters without a newline', halfClose: true };
    expect(await outside.dial({ ...cut, untilClosed: true })).toMatchObject({ text: '', ending: 'closed' });
    const [line] = await eventually(
      () => Promise.resolve(linesOf(envoy.output.stdout)),
      (found) => found.length > 0,
    );
    expect(line).toEqual({
      downstream_local_address: `${addresses.pod.v4}:8080`,
      downstream_remote_address: expect.stringMatching(/^10\.77\.0\.1:\d+$/),
      duration: expect.any(Number),
      response_code_details: 'downstream_closed_during_inspection',
      start_time: expect.stringMatching(/Z$/),
    });
  } finally {
    await envoy.stop();
  }
});

test('a client tells neither its address nor how long a line is', async () => {
  const envoy = await startEnvoy(pod, proxyIntent());
  try {
    const headers = { 'X-Forwarded-For': '10.9.8.7', 'User-Agent': 'a'.repeat(50_000) };
    await outside.ask({ url: `http://${addresses.pod.v4}:8080/${'p'.repeat(5_000)}`, headers });
    const [line] = await eventually(
      () => Promise.resolve(linesOf(envoy.output.stdout)),
      (found) => found.length > 0,
    );
    expect(line).toMatchObject({ x_forwarded_for: '10.9.8.7', user_agent: 'a'.repeat(256) });
    expect(String(line?.['downstream_remote_address']).startsWith(`${addresses.cluster.v4}:`)).toBe(true);
    expect(String(line?.['path'])).toHaveLength(2_048);
  } finally {
    await envoy.stop();
  }
});

test('none when it is switched off', async () => {
  const envoy = await startEnvoy(pod, proxyIntent({ accessLog: 'none' }));
  await ask('/');
  await envoy.stop();
  expect(envoy.output.stdout).toBe('');
});

/** Starts a proxy that writes to the volume, which is a folder of the test. */
function startLogging(): Promise<RunningEnvoy> {
  return startEnvoy(pod, proxyIntent({ accessLog: 'file' }), {
    folders: { '/var/log/istio': folder },
    moreArguments: ['--file-flush-interval-msec', '100'],
  });
}

/** Paths of the lines in a file, once the last one is there. */
async function paths(file: string, last: string): Promise<unknown[]> {
  const read = async (): Promise<unknown[]> =>
    linesOf(await readFile(file, 'utf8').catch(() => '')).map((line) => line['path']);
  return eventually(read, (found) => found.at(-1) === last);
}

test('a file of the volume, which other users can read, and which can be rotated', async () => {
  const envoy = await startLogging();
  try {
    await ask('/first');
    expect(await paths(log, '/first')).toEqual(['/first']);
    expect(envoy.output.stdout).toBe('');

    // Copied and emptied: what follows begins at the front, without a hole.
    await copyFile(log, `${log}.1`);
    await truncate(log);
    await ask('/second');
    expect(await paths(log, '/second')).toEqual(['/second']);

    // Moved: the proxy writes on to the moved file until it is told.
    await rename(log, `${log}.2`);
    await ask('/third');
    expect(await paths(`${log}.2`, '/third')).toEqual(['/second', '/third']);
    const reopen = pod.run('pod', ['curl', '-sf', '-X', 'POST', 'http://127.0.0.1:15000/reopen_logs']);
    expect(reopen.status).toBe(0);
    await ask('/fourth');
    expect(await paths(log, '/fourth')).toEqual(['/fourth']);
    expect((await readdir(folder)).toSorted((one, other) => one.localeCompare(other))).toEqual([
      'access.log',
      'access.log.1',
      'access.log.2',
    ]);
  } finally {
    await envoy.stop();
  }
});

test('a restart goes on where the file ends', async () => {
  const envoy = await startLogging();
  await ask('/fifth');
  await envoy.stop();
  expect(await paths(log, '/fifth')).toEqual(['/fourth', '/fifth']);
});
