import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { CaStore } from '../../../src/certs/stores.ts';
import { createCaStore } from '../../../src/kubernetes/ca-store.ts';
import { type ApiClient, connect } from '../../../src/kubernetes/client.ts';
import { fail, type FakeApiServer, startFakeApiServer } from './fake-api-server.ts';

const path = '/api/v1/namespaces/sidecar-injector-system/secrets/sidecar-injector-ca';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

let api: FakeApiServer;
let client: ApiClient;
let store: CaStore;

beforeAll(async () => {
  api = await startFakeApiServer();
});

afterAll(() => api.close());

beforeEach(async () => {
  api.requests.length = 0;
  api.objects.clear();
  client = await connect({ kubeconfig: api.kubeconfig });
  store = createCaStore(client);
});

afterEach(() => {
  api.intercept = undefined;
  client.close();
});

async function write(data: ReadonlyMap<string, string>, version: string): Promise<'written' | 'conflict' | 'missing'> {
  return store.fill(data, version);
}

function putSecret(more: Record<string, unknown> = {}): void {
  const metadata = { name: 'sidecar-injector-ca', resourceVersion: '41', labels: { team: 'a' } };
  api.objects.set(path, { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata, ...more });
}

test('an empty Secret has no values', async () => {
  putSecret();
  const stored = await store.read();
  expect(stored).toMatchObject({ data: new Map(), resourceVersion: '41' });
  expect(stored?.serverTime).toBeDefined();
});

test('values are decoded, whatever their keys are', async () => {
  putSecret({ data: JSON.parse(`{"ca.crt": "${base64('PEM é')}", "__proto__": "${base64('x')}"}`) });
  const data = (await store.read())?.data;
  expect([...(data ?? [])]).toEqual([
    ['ca.crt', 'PEM é'],
    ['__proto__', 'x'],
  ]);
});

test('filling sends the whole object back, with the version that was read', async () => {
  putSecret({ fieldOfTheFuture: { a: [1] }, data: { old: 'eA==' } });
  const stored = await store.read();
  api.requests.length = 0;
  const data = new Map([
    ['ca.crt', 'PEM é'],
    ['__proto__', 'x'],
  ]);
  expect(await write(data, stored?.resourceVersion ?? '')).toBe('written');
  expect(api.requests.map(({ method, path: at }) => `${method} ${at}`)).toEqual([`GET ${path}`, `PUT ${path}`]);
  const body = api.requests[1]?.body;
  expect(body).toMatchObject({
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: { name: 'sidecar-injector-ca', resourceVersion: '41', labels: { team: 'a' } },
    fieldOfTheFuture: { a: [1] },
  });
  expect(JSON.stringify(body)).toContain(`"data":{"ca.crt":"${base64('PEM é')}","__proto__":"${base64('x')}"}`);
  expect((await store.read())?.data).toEqual(data);
});

test('a Secret that has changed since is a conflict, before and during the write', async () => {
  putSecret();
  expect(await write(new Map(), '40')).toBe('conflict');
  expect(api.requests.map(({ method }) => method)).toEqual(['GET']);
  api.intercept = ({ method }, response) => {
    if (method === 'PUT') fail(response, 409, 'the object has been modified');
    return method === 'PUT';
  };
  expect(await write(new Map(), '41')).toBe('conflict');
});

test('of two writers of one version one wins', async () => {
  putSecret();
  const outcomes = await Promise.all([write(new Map([['a', '1']]), '41'), write(new Map([['a', '2']]), '41')]);
  expect(outcomes.toSorted()).toEqual(['conflict', 'written']);
});

test('a Secret that does not exist is told, and never created', async () => {
  expect(await store.read()).toBeUndefined();
  expect(await write(new Map(), '41')).toBe('missing');
  putSecret();
  api.intercept = ({ method }) => {
    if (method === 'PUT') api.objects.clear();
    return false;
  };
  expect(await write(new Map(), '41')).toBe('missing');
  expect(api.requests.map(({ method }) => method)).not.toContain('POST');
});

test('other troubles reject', async () => {
  api.intercept = (_, response) => {
    fail(response, 403, 'secrets "sidecar-injector-ca" is forbidden');
    return true;
  };
  await expect(store.read()).rejects.toMatchObject({ code: 'forbidden' });
  await expect(write(new Map(), '41')).rejects.toMatchObject({ code: 'forbidden' });
});

test('an answer without a version is refused, since nothing could be swapped then', async () => {
  api.intercept = (_, response) => {
    response.end('{"metadata": {}}');
    return true;
  };
  await expect(store.read()).rejects.toThrow('the Secret has no resourceVersion');
});

test('names are parameters', async () => {
  expect(await createCaStore(client, { namespace: 'ns', name: 'ca' }).read()).toBeUndefined();
  expect(api.requests[0]?.path).toBe('/api/v1/namespaces/ns/secrets/ca');
});
