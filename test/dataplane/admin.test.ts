import { chmod, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { drainCommand } from '../../src/envoy/listener-drain.ts';
import { captureIntent } from '../support/builders/capture-intent.ts';
import { captureTraffic } from '../support/network/capture-script.ts';
import { startEnvoy, type RunningEnvoy } from '../support/network/envoy.ts';
import { eventually } from '../support/waiting.ts';
import { startAgent, type Agent } from '../support/network/agent.ts';
import { addresses, createPodNamespace, type Finished, type PodNamespace } from '../support/network/pod-namespace.ts';
import { proxyIntent, type ProxyChanges } from '../support/builders/proxy-intent.ts';

let pod: PodNamespace;
let app: Agent;
let outside: Agent;
let folder: string;
let envoy: RunningEnvoy;

beforeAll(async () => {
  pod = createPodNamespace('admin');
  captureTraffic(pod, captureIntent());
  app = await startAgent(pod.name.pod, 1000);
  outside = await startAgent(pod.name.cluster);
  await app.listen({ kind: 'http', port: 8080 });
  folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-admin-'));
  await chmod(folder, 0o777);
});

afterAll(async () => {
  await app.stop();
  await outside.stop();
  pod.remove();
  await rm(folder, { recursive: true, force: true });
});

function start(changes: ProxyChanges): Promise<RunningEnvoy> {
  return startEnvoy(pod, proxyIntent({ drainSeconds: 2, ...changes }), {
    drainSeconds: 2,
    folders: { '/var/run/istio-proxy': folder },
  });
}

function as(uid: number, ...command: string[]): Finished {
  return pod.run('pod', ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--', ...command]);
}

/** Status of a request of the application's user to a loopback port; 0 when there is none. */
function onLoopback(method: string, port: number, what: string): number {
  const words = ['-s', '-o', '/dev/null', '-w', '%{http_code}', '-X', method, `http://127.0.0.1:${port}${what}`];
  return Number(as(1000, 'curl', ...words).stdout);
}

function inbound(): Promise<string> {
  return outside.ask({ url: `http://${addresses.pod.v4}:8080/` }).then(
    ({ status }) => String(status),
    (error: Error) => error.message,
  );
}

describe('on a unix socket', () => {
  beforeAll(async () => {
    envoy = await start({ admin: 'socket' });
  });
  afterAll(() => envoy.stop());

  test('the proxy’s user can open it, the application’s cannot', async () => {
    const socket = path.join(folder, 'admin.sock');
    expect((await stat(socket)).mode & 0o777).toBe(0o600);
    const ask = ['curl', '-s', '--unix-socket', socket, 'http://x/ready'];
    expect(as(1337, ...ask).stdout).toBe('LIVE\n');
    expect(as(1000, ...ask).status).not.toBe(0);
    expect(onLoopback('GET', 15000, '/ready')).toBe(0);
  });

  test('health and metrics are there as before', async () => {
    for (const what of ['15021/healthz/ready', '15020/health', '15020/stats/prometheus', '15090/stats/prometheus']) {
      expect((await outside.ask({ url: `http://${addresses.pod.v4}:${what}` })).status).toBe(200);
    }
  });

  test('beside it only what hooks need is answered, and only in the pod', async () => {
    expect(onLoopback('GET', 15004, '/ready')).toBe(200);
    for (const what of ['/', '/config_dump', '/quitquitquit', '/drain_listeners', '/ready/..%2fquitquitquit']) {
      expect([what, onLoopback('POST', 15004, what)]).toEqual([what, 404]);
    }
    expect(onLoopback('GET', 15004, '/drain')).toBe(404);
    // The proxy forwards the connection as bytes to where nobody listens.
    await expect(outside.ask({ url: `http://${addresses.pod.v4}:15004/ready` })).rejects.toThrow(
      /socket hang up|ECONNRESET/,
    );
  });

  test('the hook at the end still drains', async () => {
    expect(await inbound()).toBe('200');
    expect(as(1337, ...drainCommand({ admin: 'socket', drainSeconds: 2 }))).toMatchObject({ status: 0, stderr: '' });
    expect(await eventually(inbound, (one) => one.includes('ECONNREFUSED'))).toContain('ECONNREFUSED');
  });

  test('a socket that a killed proxy has left is no obstacle', async () => {
    await envoy.stop('SIGKILL');
    expect((await stat(path.join(folder, 'admin.sock'))).isSocket()).toBe(true);
    envoy = await start({ admin: 'socket' });
    expect(await inbound()).toBe('200');
  });
});

describe.each(['port', 'socket'] as const)('an application may end its proxy (admin on a %s)', (admin) => {
  test('by POST, when that is allowed, and the proxy ends well', async () => {
    envoy = await start({ admin, quitHook: true });
    expect(onLoopback('GET', 15004, '/quitquitquit')).toBe(404);
    expect(onLoopback('POST', 15004, '/quitquitquit')).toBe(200);
    expect(await envoy.ended).toBe(0);
  });
});

test('by default there is no such listener', async () => {
  envoy = await start({});
  expect(onLoopback('POST', 15004, '/quitquitquit')).toBe(0);
  await envoy.stop();
});
