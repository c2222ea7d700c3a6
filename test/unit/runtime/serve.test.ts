import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { serve, type ServeOptions, type Serving } from '../../../src/runtime/serve.ts';
import { StartError } from '../../../src/runtime/start.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { askMetrics } from '../../support/http/metrics-client.ts';
import { ask, postReview } from '../../support/http/https-client.ts';
import { podOf, responseOf, reviewOf } from '../../support/builders/reviews.ts';

let folder: string;
let lines: string[];
let serving: Serving | undefined;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'serve-'));
  lines = [];
  serving = undefined;
});
afterEach(async () => {
  await serving?.stop();
  await rm(folder, { recursive: true });
});

const log = createLog('trace', { write: (line) => void lines.push(line) });

const options = (more: Partial<ServeOptions> = {}): ServeOptions => ({
  listen: { host: '127.0.0.1', port: 0 },
  metricsListen: { host: '127.0.0.1', port: 0 },
  settings: undefined,
  sidecars: undefined,
  certificate: { kind: 'dev', caFile: path.join(folder, 'ca.pem') },
  kubeconfig: undefined,
  drainMs: 0,
  ...more,
});

test('a review is answered over TLS that the CA file verifies, and counted on the other port', async () => {
  serving = await serve(options(), log);
  const target = { port: serving.address.port, ca: await readFile(path.join(folder, 'ca.pem'), 'utf8') };
  expect(responseOf(await postReview(target, reviewOf(podOf()))).patchType).toBe('JSONPatch');
  expect((await ask(target, { path: '/readyz?verbose' })).text).toMatch(
    /^\[\+\] configuration: .*\n\[\+\] certificate: .*\n\[\+\] shutdown: serving\nok\n$/,
  );
  const { text } = await askMetrics(serving.metricsAddress.port, '/metrics');
  expect(text).toContain('sidecar_injector_admission_reviews_total{outcome="inject",reason="PolicyEnabled"} 1\n');
});

test('no line of the log holds a key', async () => {
  serving = await serve(options(), log);
  expect(lines.join('')).toContain('leaf-issued');
  expect(lines.join('')).not.toMatch(/PRIVATE|BEGIN/);
});

describe('a start that fails', () => {
  const freePorts = async () => {
    const probe = createServer();
    await new Promise<void>((resolve) => void probe.listen(0, '127.0.0.1', resolve));
    const address = probe.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return { port, close: () => new Promise((resolve) => void probe.close(resolve)) };
  };

  test('has every problem of the files', async () => {
    const settings = path.join(folder, 'settings.yaml');
    await writeFile(
      settings,
      'apiVersion: sidecar-injector.io/v1alpha1\nkind: InjectorConfiguration\nspec: {a: 1, b: 2}\n',
    );
    const failure: unknown = await serve(options({ settings }), log).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StartError);
    expect((failure as StartError).problems).toHaveLength(2);
  });

  test('names the flag of the address and leaves nothing listening', async () => {
    const taken = await freePorts();
    const free = await freePorts();
    await free.close();
    const failing = serve(
      options({
        listen: { host: '127.0.0.1', port: free.port },
        metricsListen: { host: '127.0.0.1', port: taken.port },
      }),
      log,
    );
    await expect(failing).rejects.toMatchObject({
      problems: ['--metrics-listen: cannot listen: the address is in use'],
    });
    await expect(ask({ port: free.port, ca: '' }, { path: '/livez' })).rejects.toThrow(/ECONNREFUSED/);
    await taken.close();
    // The port is free again, so the next start has it.
    serving = await serve(options({ listen: { host: '127.0.0.1', port: free.port } }), log);
    expect(serving.address.port).toBe(free.port);
  });

  test('leaves the CA file of a server that runs', async () => {
    serving = await serve(options(), log);
    const { port } = serving.address;
    const file = path.join(folder, 'ca.pem');
    const ca = await readFile(file, 'utf8');
    await expect(serve(options({ listen: { host: '127.0.0.1', port } }), log)).rejects.toBeInstanceOf(StartError);
    expect(await readFile(file, 'utf8')).toBe(ca);
    expect((await ask({ port, ca }, { path: '/livez' })).status).toBe(200);
  });

  test('without an API server for managed certificates says what is missing', async () => {
    const failing = serve(options({ certificate: { kind: 'managed' }, kubeconfig: path.join(folder, 'none') }), log);
    await expect(failing).rejects.toBeInstanceOf(StartError);
  });

  test('with certificates that are no pair names the file', async () => {
    const certificateFile = path.join(folder, 'tls.crt');
    await writeFile(certificateFile, 'nonsense');
    const certificate = { kind: 'files', certificateFile, privateKeyFile: certificateFile } as const;
    await expect(serve(options({ certificate }), log)).rejects.toThrow(certificateFile);
  });
});

test('with an API server that does not answer yet, it serves the kubelet, unready', async () => {
  const deaf = createServer();
  await new Promise<void>((resolve) => void deaf.listen(0, '127.0.0.1', resolve));
  const address = deaf.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const kubeconfig = path.join(folder, 'config');
  const cluster = { name: 'c', cluster: { server: `http://127.0.0.1:${port}` } };
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [cluster],
      users: [{ name: 'u', user: { token: 'hunter2' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  );
  serving = await serve(options({ certificate: { kind: 'managed' }, kubeconfig }), log);
  const { askReadiness } = await import('../../support/http/readiness.ts');
  const { status, text } = await askReadiness(serving.address.port);
  expect([status, text]).toEqual([503, expect.stringMatching(/^\[-\] certificate: /m)]);
  expect(lines.join('')).toContain('"isPlaceholder":true');
  expect(lines.join('')).not.toContain('hunter2');
  await serving.stop();
  serving = undefined;
  deaf.close();
});
