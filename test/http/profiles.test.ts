import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request, type ClientRequest } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { root } from '../../scripts/checkout.ts';
import { podOf, reviewOf } from '../support/builders/reviews.ts';
import { findFreePort } from '../support/http/free-port.ts';
import { postReview } from '../support/http/https-client.ts';
import { askMetrics } from '../support/http/metrics-client.ts';
import { startProgram, type BackgroundProgram } from '../support/processes/background-program.ts';
import { runProgram, startServing, type ServedProgram } from '../support/processes/served-program.ts';
import { until } from '../support/waiting.ts';

jest.setTimeout(60_000);

interface CpuProfile {
  readonly nodes: readonly { readonly callFrame: { readonly functionName: string } }[];
  readonly samples: readonly number[];
}

interface HeapNode {
  readonly callFrame: { readonly functionName: string };
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
}

const [cpu, heap] = ['/debug/profile/cpu', '/debug/profile/heap'];

let folder: string;
let program: ServedProgram;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'profiles-'));
  program = await startServing({ folder, arguments: ['--profiling'] });
});
afterAll(async () => {
  await program.stop('SIGKILL');
  await rm(folder, { recursive: true });
});

/** Asks for a profile, and reviews pods until it is there. */
async function takeUnderLoad(where: string): Promise<string> {
  let isOver = false;
  const asked = askMetrics(program.metricsPort, where).finally(() => (isOver = true));
  while (!isOver) {
    const env = [{ name: 'PASSWORD', value: 'correct-horse-battery' }];
    const pod = podOf({ name: `web-${Math.random()}` }, { containers: [{ name: 'app', image: 'app:1', env }] });
    expect((await postReview(program, reviewOf(pod))).status).toBe(200);
  }
  const { status, headers, text } = await asked;
  expect([status, headers['content-type']]).toEqual([200, 'application/json']);
  return text;
}

function functionsOf(node: HeapNode): readonly string[] {
  return [node.callFrame.functionName, ...node.children.flatMap(functionsOf)];
}

const sizeOf = (node: HeapNode): number => node.children.reduce((sum, child) => sum + sizeOf(child), node.selfSize);

/** What must not be read off a profile, which whoever reaches the port may have. */
const secrets = /correct-horse-battery|PASSWORD|PRIVATE KEY/;

test('a CPU profile names the functions that reviews have taken time in, while reviews are answered', async () => {
  const text = await takeUnderLoad(`${cpu}?seconds=1`);
  const { nodes, samples } = JSON.parse(text) as CpuProfile;
  expect(samples.length).toBeGreaterThan(10);
  expect(nodes.map(({ callFrame }) => callFrame.functionName)).toContain('decideInPlace');
  expect(text).not.toMatch(secrets);
});

test('a heap profile names functions and sizes, and has nothing of what the memory holds', async () => {
  const text = await takeUnderLoad(`${heap}?seconds=2`);
  const { head } = JSON.parse(text) as { readonly head: HeapNode };
  expect(functionsOf(head).length).toBeGreaterThan(3);
  expect(sizeOf(head)).toBeGreaterThan(0);
  expect(text).not.toMatch(secrets);
});

describe('what is not a number of seconds is refused, and what is allowed is said', () => {
  test.each([
    ['seconds=0', 'seconds: "0" is not a whole number from 1 to 60.'],
    ['seconds=61', 'seconds: "61" is not a whole number from 1 to 60.'],
    ['seconds=1.5', 'seconds: "1.5" is not a whole number from 1 to 60.'],
    ['seconds=', 'seconds: "" is not a whole number from 1 to 60.'],
    ['seconds=1&seconds=2', 'seconds is given more than once; give it once.'],
    ['second=1', '"second" is not known here; allowed: seconds.'],
  ])('%s', async (query, sentence) => {
    expect(await askMetrics(program.metricsPort, `${cpu}?${query}`)).toMatchObject({
      status: 400,
      text: `${sentence}\n`,
    });
  });
});

/** Asks for a long profile and waits until it is being taken, as a second one is told. */
async function occupy(where: string): Promise<ClientRequest> {
  const call = request({ host: '127.0.0.1', port: program.metricsPort, path: `${where}?seconds=60`, agent: false });
  call.on('error', () => undefined).end();
  await until('a profile under way', async () => {
    const { status, text } = await askMetrics(program.metricsPort, `${heap}?seconds=1`);
    if (status !== 409) return undefined;
    expect(text).toBe('A profile is being taken; ask again when it has ended.\n');
    return true;
  });
  return call;
}

test.each([cpu, heap])('%s: one at a time; it ends when whoever asked is gone', async (where) => {
  const call = await occupy(where);
  expect((await askMetrics(program.metricsPort, '/metrics')).status).toBe(200);
  call.destroy();
  await until('the next one', async () => {
    const { status } = await askMetrics(program.metricsPort, `${cpu}?seconds=1`);
    return status === 200 || undefined;
  });
});

test('a profile under way does not keep the program from ending', async () => {
  const other = await startServing({ folder, arguments: ['--profiling'] });
  const asked = askMetrics(other.metricsPort, `${cpu}?seconds=60`).catch((error: Error) => error.message);
  await until('a profile under way', async () => {
    const { status } = await askMetrics(other.metricsPort, `${heap}?seconds=1`);
    return status === 409 || undefined;
  });
  expect(await other.stop('SIGTERM')).toBe(0);
  expect(await asked).toEqual(expect.any(String));
});

describe('the other programs that serve', () => {
  let server: Server;
  let kubeconfig: string;
  const sockets = new Set<Socket>();

  // An API server that never answers: metrics and profiles are there before the first answer.
  beforeAll(async () => {
    server = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    kubeconfig = path.join(folder, 'kubeconfig');
    const text = {
      clusters: [{ name: 'a', cluster: { server: `https://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'a', user: {} }],
      contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
      'current-context': 'a',
    };
    await writeFile(kubeconfig, JSON.stringify(text));
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  async function start(command: string, ...more: readonly string[]): Promise<[BackgroundProgram, number]> {
    const port = await findFreePort();
    const others = command === 'mesh' ? ['--listen=127.0.0.1:0', '--rules-listen=127.0.0.1:0'] : [];
    const started = startProgram(
      command,
      [
        process.execPath,
        process.env['INJECTOR_PROGRAM'] ?? path.join(root, 'bin/sidecar-injector.mjs'),
        command,
        `--kubeconfig=${kubeconfig}`,
        `--metrics-listen=127.0.0.1:${port}`,
        '--health-listen=127.0.0.1:0',
        ...others,
        ...more,
      ],
      { logFile: path.join(folder, `${command}.log`), env: { ...process.env, NODE_OPTIONS: '' } },
    );
    await until('its metrics', async () => {
      if (!started.isRunning()) throw new Error(`it ended:\n${await started.readLog()}`);
      const answer = await askMetrics(port, '/metrics').catch(() => undefined);
      return answer?.status === 200 || undefined;
    });
    return [started, port];
  }

  test.each(['audit', 'mesh'])('%s has profiles if it is told so, and only then', async (command) => {
    const [quiet, quietPort] = await start(command);
    expect((await askMetrics(quietPort, `${cpu}?seconds=1`)).status).toBe(404);
    await quiet.stop('SIGKILL');
    const [told, port] = await start(command, '--profiling');
    for (const where of [cpu, heap]) {
      const { status, text } = await askMetrics(port, `${where}?seconds=1`);
      expect([status, Object.keys(JSON.parse(text) as object)]).toEqual([
        200,
        where === cpu ? expect.arrayContaining(['nodes', 'samples']) : expect.arrayContaining(['head', 'samples']),
      ]);
    }
    await told.stop('SIGKILL');
  });
});

test.each(['serve', 'audit', 'mesh'])('%s --help says what whoever reaches the port may have', async (command) => {
  const { stdout } = await runProgram([command, '--help']);
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain('profiles of this process, for whoever reaches that port');
});
