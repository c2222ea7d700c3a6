import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createAuthority, issueLeaf, localNames } from '../../../src/certs/authority.ts';
import { dayMs } from '../../../src/certs/durations.ts';
import type { ApiError } from '../../../src/kubernetes/api-error.ts';
import { type ApiClient, connect } from '../../../src/kubernetes/client.ts';
import { readNamespace, readPod, readWebhookConfiguration } from '../../../src/kubernetes/objects.ts';
import { fail, type FakeApiServer, kubeconfigText, send, startFakeApiServer } from './fake-api-server.ts';

let api: FakeApiServer;
let client: ApiClient;

beforeAll(async () => {
  api = await startFakeApiServer();
});

afterAll(() => api.close());

beforeEach(async () => {
  api.requests.length = 0;
  api.objects.clear();
  client = await connect({ kubeconfig: api.kubeconfig });
});

afterEach(() => {
  api.intercept = undefined;
  api.token = 'sesame';
  client.close();
});

async function failureOf(call: Promise<unknown>): Promise<ApiError> {
  return call.then(
    () => {
      throw new Error('the call did not fail');
    },
    (error: ApiError) => error,
  );
}

async function writeKubeconfig(options: Parameters<typeof kubeconfigText>[0]): Promise<string> {
  const file = join(api.folder, 'other');
  await writeFile(file, kubeconfigText(options));
  return file;
}

describe('a connection from a kubeconfig file', () => {
  test('authenticates, and returns objects as they came', async () => {
    const pod = { metadata: { name: 'p', resourceVersion: '1' }, spec: { fieldOfTheFuture: [{ a: null }] } };
    api.objects.set('/api/v1/namespaces/ns/pods/p', pod);
    expect(await readPod(client, 'ns', 'p')).toEqual(pod);
    expect(api.requests).toEqual([
      { method: 'GET', path: '/api/v1/namespaces/ns/pods/p', authorization: 'Bearer sesame' },
    ]);
  });

  test('tells the time of the API server', async () => {
    api.objects.set('/x', { metadata: { name: 'x', resourceVersion: '1' } });
    const { serverTime } = await client.get('/x');
    expect(Math.abs((serverTime?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  test('reads the token from a file', async () => {
    const tokenFile = join(api.folder, 'token');
    await writeFile(tokenFile, 'sesame');
    const user = { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } };
    const other = await connect({ kubeconfig: await writeKubeconfig({ server: api.url, ca: api.ca, user }) });
    await expect(other.get('/x')).rejects.toThrow('answered 404');
    other.close();
  });

  test('reads tokenFile beside the kubeconfig, again for every call', async () => {
    const user = { token: 'old', tokenFile: 'token-of-user' };
    const kubeconfig = await writeKubeconfig({ server: api.url, ca: api.ca, user });
    await writeFile(join(api.folder, 'token-of-user'), 'sesame\n');
    const other = await connect({ kubeconfig });
    expect(await failureOf(other.get('/x'))).toMatchObject({ code: 'not-found' });
    await writeFile(join(api.folder, 'token-of-user'), 'renewed\n');
    expect(await failureOf(other.get('/x'))).toMatchObject({ code: 'unauthorized' });
    await rm(join(api.folder, 'token-of-user'));
    const error = await failureOf(other.get('/x'));
    expect(error).toMatchObject({ code: 'credentials' });
    expect(error.message).toMatch(/cannot use kubeconfig .*token-of-user/);
    other.close();
  });

  test('reads the CA file again, so that a renewed CA of the cluster is used', async () => {
    const caFile = join(api.folder, 'ca.crt');
    await writeFile(caFile, (await createAuthority({ now: new Date(), lifetimeMs: dayMs })).certificate);
    const cluster = { 'certificate-authority': caFile };
    const other = await connect({ kubeconfig: await writeKubeconfig({ server: api.url, cluster }) });
    expect(await failureOf(other.get('/x'))).toMatchObject({ code: 'tls' });
    await writeFile(caFile, api.ca);
    expect(await failureOf(other.get('/x'))).toMatchObject({ code: 'not-found' });
    other.close();
  });

  test('keeps the path of the server address', async () => {
    const other = await connect({ kubeconfig: await writeKubeconfig({ server: `${api.url}/k8s/c1/`, ca: api.ca }) });
    await expect(other.get('/version')).rejects.toThrow('404');
    expect(api.requests[0]?.path).toBe('/k8s/c1/version');
    other.close();
  });

  test('presents a client certificate', async () => {
    const now = new Date();
    const authority = await createAuthority({ now, lifetimeMs: dayMs });
    const leaf = await issueLeaf({ authority, names: localNames, now, lifetimeMs: dayMs });
    const encode = (text: string): string => Buffer.from(text).toString('base64');
    const user = {
      'client-certificate-data': encode(leaf.certificate),
      'client-key-data': encode(leaf.privateKey),
    };
    const other = await connect({ kubeconfig: await writeKubeconfig({ server: api.url, ca: api.ca, user }) });
    expect(await failureOf(other.get('/x'))).toMatchObject({ code: 'unauthorized', statusCode: 401 });
    expect(api.requests[0]?.authorization).toBeUndefined();
    other.close();
  });
});

describe('an exec plugin', () => {
  const plugin = (script: string, more: object = {}) => ({
    exec: { apiVersion: 'client.authentication.k8s.io/v1', command: '/bin/sh', args: ['-c', script], ...more },
  });
  const connectWith = async (user: Record<string, unknown>) =>
    connect({ kubeconfig: await writeKubeconfig({ server: api.url, ca: api.ca, user }) });

  test.each<[string, object, object]>([
    ['', {}, { interactive: false }],
    [
      ', and with the cluster if it asks for it',
      { provideClusterInfo: true },
      { interactive: false, cluster: { server: expect.stringContaining('https://') as unknown } },
    ],
  ])('is told what kubectl tells it%s', async (_what, more, spec) => {
    const answer = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'sesame' },
    };
    const told = join(api.folder, 'told');
    const script = `printf %s "$KUBERNETES_EXEC_INFO$MINE" > ${told}; echo '${JSON.stringify(answer)}'`;
    const other = await connectWith(plugin(script, { env: [{ name: 'MINE', value: ' ' }], ...more }));
    api.objects.set('/x', { metadata: { name: 'x', resourceVersion: '1' } });
    expect((await other.get('/x')).body).toMatchObject({ metadata: { name: 'x' } });
    const { apiVersion, kind } = answer;
    expect(JSON.parse(await readFile(told, 'utf8'))).toMatchObject({ apiVersion, kind, spec });
    other.close();
  });
});

test('a client certificate that is none is a TLS problem, and not an API server that does not answer', async () => {
  const text = Buffer.from('none').toString('base64');
  const user = { 'client-certificate-data': text, 'client-key-data': text };
  const other = await connect({ kubeconfig: await writeKubeconfig({ server: api.url, ca: api.ca, user }) });
  expect(await failureOf(other.get('/x'))).toMatchObject({ code: 'tls' });
  other.close();
});

describe('connecting rejects', () => {
  test.each<[string, string, RegExp]>([
    ['no YAML', '{', /^cannot use kubeconfig '.*': \S.*$/],
    ['an empty file', '', /^cannot use kubeconfig '/],
    ['no clusters', '{"current-context": "x"}', /^cannot use kubeconfig '.*other'/],
    [
      'no contexts',
      '{"current-context": "x", "contexts": [], "clusters": [], "users": []}',
      /^cannot use kubeconfig '.*': it has no context$/,
    ],
    [
      'an unknown context',
      kubeconfigText({ server: 'https://127.0.0.1:1' }).replace('"current-context":"test"', '"current-context":"x"'),
      /it has no context 'x', but test$/,
    ],
    [
      'no current context',
      kubeconfigText({ server: 'https://127.0.0.1:1' }).replace('"current-context":"test"', '"current-context":""'),
      /it has no current context; name one with --context: test$/,
    ],
    [
      'an unknown cluster',
      kubeconfigText({ server: 'https://127.0.0.1:1' }).replace('"cluster":"test"', '"cluster":"other"'),
      /its context 'test' names no known cluster$/,
    ],
    [
      'an unknown user',
      kubeconfigText({ server: 'https://127.0.0.1:1' }).replace('"user":"test"', '"user":"nobody"'),
      /its context 'test' names no known user$/,
    ],
    ['a server that is no address', kubeconfigText({ server: 'nowhere' }), /its server 'nowhere' is not a URL with/],
    [
      'a server of another scheme',
      kubeconfigText({ server: 'ftp://x' }),
      /its server 'ftp:\/\/x' is not a URL with https/,
    ],
    [
      'a user name in the URL, which it does not tell',
      kubeconfigText({ server: 'https://me:sesame@127.0.0.1:1' }),
      /^(?!.*sesame).*its server must not have a user name in its URL$/,
    ],
    [
      'a proxy that is no address',
      kubeconfigText({ server: 'https://127.0.0.1:1', cluster: { 'proxy-url': 'not a url' } }),
      /its proxy-url is not a URL$/,
    ],
    ...['as-groups', 'as-uid', 'as-user-extra'].map((field): [string, string, RegExp] => [
      `${field} of the user, without which another user would ask`,
      kubeconfigText({ server: 'https://127.0.0.1:1', user: { token: 'x', as: 'me', [field]: ['admins'] } }),
      new RegExp(`its user 'test' has ${field}, which is not supported`),
    ]),
  ])('a kubeconfig file with %s', async (_, text, message) => {
    const kubeconfig = join(api.folder, 'other');
    await writeFile(kubeconfig, text);
    const error = await failureOf(connect({ kubeconfig }));
    expect(error).toMatchObject({ name: 'ApiError', code: 'credentials' });
    expect(error.message).toMatch(message);
  });

  test('a file that does not exist', async () => {
    const error = await failureOf(connect({ kubeconfig: join(api.folder, 'absent') }));
    expect(error.message).toMatch(/^cannot use kubeconfig '.*absent': ENOENT/);
  });

  test('outside a cluster without a kubeconfig file', async () => {
    const error = await failureOf(connect());
    expect(error).toMatchObject({ code: 'credentials' });
    expect(error.message).toContain('outside a cluster give a kubeconfig file');
  });
});

describe('a call that fails', () => {
  test.each<[number, string]>([
    [400, 'refused'],
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [404, 'not-found'],
    [409, 'conflict'],
    [422, 'invalid'],
    [429, 'refused'],
    [500, 'server-error'],
    [503, 'server-error'],
  ])('with %d has the code and the reason that the server gave', async (status, code) => {
    api.intercept = (_, response) => {
      fail(response, status, `because\nof ${'x'.repeat(500)}`);
      return true;
    };
    const error = await failureOf(client.get('/x'));
    expect(error).toMatchObject({ name: 'ApiError', code, statusCode: status });
    expect(error.message).toMatch(new RegExp(`^GET /x: the API server answered ${status}: because of x+…$`));
    expect(error.message.length).toBeLessThan(400);
  });

  test.each<[string, object, RegExp]>([
    [
      'is not installed',
      { command: 'no-such-plugin', installHint: 'see example.com\nfor more' },
      /: its exec plugin 'no-such-plugin' is not installed: see example\.com$/,
    ],
    ['fails', { command: 'sh', args: ['-c', 'echo log in first >&2; exit 3'] }, /'sh' failed: log in first$/],
    ['fails without a word', { command: 'sh', args: ['-c', 'exit 3'] }, /'sh' failed: it did not say why$/],
    [
      'prints a bare token',
      { command: 'echo', args: ['sesame'] },
      /: its exec plugin 'echo' printed no ExecCredential$/,
    ],
    ['prints something else', { command: 'echo', args: ['{}'] }, /: its exec plugin 'echo' printed no ExecCredential$/],
  ])('because the exec plugin %s says so, without what it printed', async (_, exec, message) => {
    const user = { exec: { apiVersion: 'client.authentication.k8s.io/v1', ...exec } };
    const other = await connect({ kubeconfig: await writeKubeconfig({ server: api.url, ca: api.ca, user }) });
    const error = await failureOf(other.get('/x'));
    expect(error).toMatchObject({ code: 'credentials' });
    expect(error.message).toMatch(message);
    other.close();
  });

  test('because an auth-provider is not complete says so', async () => {
    const user = { 'auth-provider': { name: 'gcp' } };
    const other = await connect({ kubeconfig: await writeKubeconfig({ server: api.url, ca: api.ca, user }) });
    expect((await failureOf(other.get('/x'))).message).toMatch(
      /its user 'test' has an auth-provider that is not complete$/,
    );
    other.close();
  });

  test('because the proxy does not answer names the proxy, without its password', async () => {
    const cluster = { 'proxy-url': 'http://me:sesame@127.0.0.1:1' };
    const other = await connect({ kubeconfig: await writeKubeconfig({ server: api.url, ca: api.ca, cluster }) });
    const error = await failureOf(other.get('/x'));
    expect(error).toMatchObject({ code: 'unreachable' });
    expect(error.message).toMatch(/no answer from 127\.0\.0\.1:\d+ through proxy 127\.0\.0\.1:1: ECONNREFUSED$/);
    other.close();
  });

  test('because the client certificate is none is a TLS problem', async () => {
    const user = { 'client-certificate-data': 'bm9uZQ==', 'client-key-data': 'bm9uZQ==' };
    const other = await connect({ kubeconfig: await writeKubeconfig({ server: api.url, ca: api.ca, user }) });
    expect(await failureOf(other.get('/x'))).toMatchObject({ code: 'tls' });
    other.close();
  });

  test('never tells the token', async () => {
    api.token = 'another';
    const error = await failureOf(client.get('/x'));
    expect(error).toMatchObject({ code: 'unauthorized' });
    expect(JSON.stringify([error, error.message, error.stack])).not.toContain('sesame');
  });

  test.each<[string, string, number]>([
    ['HTML', '<html>', 200],
    ['an array', '[]', 200],
    ['nothing', '', 200],
  ])('with %s is a bad answer', async (_, text, status) => {
    api.intercept = (__, response) => {
      response.writeHead(status).end(text);
      return true;
    };
    const error = await failureOf(client.get('/x'));
    expect(error).toMatchObject({ code: 'bad-answer', message: 'GET /x: the answer is not a JSON object' });
  });

  test('with an answer without end is a bad answer', async () => {
    api.intercept = (_, response) => {
      response.on('error', () => {});
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
      return true;
    };
    expect(await failureOf(client.get('/x'))).toMatchObject({ code: 'bad-answer' });
  });

  test('with a cut-off answer is unreachable', async () => {
    api.intercept = (_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{', () => response.destroy());
      return true;
    };
    expect(await failureOf(client.get('/x'))).toMatchObject({ code: 'unreachable' });
  });

  test('without an answer times out', async () => {
    api.intercept = () => true;
    const patient = await connect({ kubeconfig: api.kubeconfig, timeoutMs: 100 });
    const error = await failureOf(patient.get('/x'));
    expect(error).toMatchObject({ code: 'timeout' });
    expect(error.message).toMatch(/^GET \/x: no answer from 127\.0\.0\.1:\d+ within 100 ms$/);
  });

  test('because the client was closed says so', async () => {
    const arrived = new Promise<void>((resolve) => {
      api.intercept = () => {
        resolve();
        return true;
      };
    });
    const failure = failureOf(client.get('/x'));
    await arrived;
    client.close();
    expect((await failure).message).toBe('GET /x: the client was closed');
    expect((await failureOf(client.get('/x'))).message).toBe('GET /x: the client was closed');
  });

  test('because nobody listens is unreachable', async () => {
    const gone = await startFakeApiServer();
    const lost = await connect({ kubeconfig: gone.kubeconfig });
    await gone.close();
    const error = await failureOf(lost.get('/x'));
    expect(error).toMatchObject({ code: 'unreachable', statusCode: undefined });
    expect(error.message).toMatch(/^GET \/x: no answer from 127\.0\.0\.1:\d+: ECONNREFUSED$/);
  });

  test('because the server is not who the CA says is a TLS problem', async () => {
    const { certificate } = await createAuthority({ now: new Date(), lifetimeMs: dayMs });
    const other = await connect({ kubeconfig: await writeKubeconfig({ server: api.url, ca: certificate }) });
    expect(await failureOf(other.get('/x'))).toMatchObject({ code: 'tls' });
    expect(api.requests).toEqual([]);
  });
});

describe('objects', () => {
  test('are undefined when they do not exist', async () => {
    expect(await readPod(client, 'ns', 'p')).toBeUndefined();
    expect(await readNamespace(client, 'ns')).toBeUndefined();
    expect(await readWebhookConfiguration(client)).toBeUndefined();
    expect(api.requests.map(({ path }) => path)).toEqual([
      '/api/v1/namespaces/ns/pods/p',
      '/api/v1/namespaces/ns',
      '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/sidecar-injector',
    ]);
  });

  test('that may not be read reject', async () => {
    api.intercept = (_, response) => {
      send(response, 403, { kind: 'Status', message: 'pods "p" is forbidden' });
      return true;
    };
    await expect(readPod(client, 'ns', 'p')).rejects.toThrow('the API server answered 403: pods "p" is forbidden');
  });

  test.each(['', '..', '../secrets/x', 'a/b', 'A', 'a?watch=1', 'a%2fb', 'a'.repeat(254)])(
    'are not looked for under the name %j',
    async (name) => {
      const error = await failureOf(readPod(client, 'ns', name));
      expect(error).toMatchObject({ code: 'invalid' });
      expect(error.message).toContain(`the pod name '${name}' must be`);
      expect((await failureOf(readNamespace(client, name))).message).toContain('the namespace name');
      expect(api.requests).toEqual([]);
    },
  );
});
