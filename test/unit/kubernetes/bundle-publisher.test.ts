import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createAuthority } from '../../../src/certs/authority.ts';
import { dayMs } from '../../../src/certs/durations.ts';
import type { BundlePublisher } from '../../../src/certs/stores.ts';
import { createBundlePublisher } from '../../../src/kubernetes/bundle-publisher.ts';
import { type ApiClient, connect } from '../../../src/kubernetes/client.ts';
import { fail, type FakeApiServer, startFakeApiServer } from './fake-api-server.ts';

const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/sidecar-injector';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

let api: FakeApiServer;
let client: ApiClient;
let publisher: BundlePublisher;
let bundle: string;
let other: string;

beforeAll(async () => {
  api = await startFakeApiServer();
  const issue = async (): Promise<string> =>
    (await createAuthority({ now: new Date(), lifetimeMs: dayMs })).certificate;
  [bundle, other] = await Promise.all([issue(), issue()]);
});

afterAll(() => api.close());

beforeEach(async () => {
  api.requests.length = 0;
  api.objects.clear();
  client = await connect({ kubeconfig: api.kubeconfig });
  publisher = createBundlePublisher(client);
});

afterEach(() => {
  api.intercept = undefined;
  client.close();
});

function entry(name: string, caBundle?: string): object {
  const service = { name: 'sidecar-injector', namespace: 'sidecar-injector-system', path: '/inject' };
  return { name, clientConfig: { service, ...(caBundle !== undefined && { caBundle: base64(caBundle) }) }, extra: [1] };
}

function putConfiguration(webhooks: readonly object[]): void {
  api.objects.set(path, { metadata: { name: 'sidecar-injector', resourceVersion: '7' }, webhooks });
}

function patchSent(): unknown {
  return api.requests.find(({ method }) => method === 'PATCH')?.body;
}

describe('reading', () => {
  test('finds our entries by the end of their name', async () => {
    putConfiguration([
      entry('a.sidecar-injector.io', bundle),
      entry('foreign.example.io', other),
      entry('sidecar-injector.istio.io', other),
      entry('evil-sidecar-injector.io', other),
      entry('b.sidecar-injector.io'),
      { name: 'c.sidecar-injector.io', clientConfig: { caBundle: '' } },
    ]);
    expect(await publisher.read()).toEqual([
      { entry: 'a.sidecar-injector.io', bundle },
      { entry: 'b.sidecar-injector.io', bundle: undefined },
      { entry: 'c.sidecar-injector.io', bundle: undefined },
    ]);
  });

  test('tells no configuration from none with an entry of ours', async () => {
    expect(await publisher.read()).toBeUndefined();
    putConfiguration([entry('foreign.example.io')]);
    expect(await publisher.read()).toEqual([]);
    api.objects.set(path, { metadata: { name: 'sidecar-injector', resourceVersion: '7' } });
    expect(await publisher.read()).toEqual([]);
  });
});

describe('publishing', () => {
  test('tests the name and adds the bundle, for our drifted entries alone', async () => {
    putConfiguration([
      entry('foreign.example.io', other),
      entry('a.sidecar-injector.io'),
      entry('good.sidecar-injector.io', `\n${bundle}${bundle}`),
      entry('b.sidecar-injector.io', other),
    ]);
    expect(await publisher.publish(bundle)).toBe('written');
    const value = base64(bundle);
    expect(patchSent()).toEqual([
      { op: 'test', path: '/webhooks/1/name', value: 'a.sidecar-injector.io' },
      { op: 'add', path: '/webhooks/1/clientConfig/caBundle', value },
      { op: 'test', path: '/webhooks/3/name', value: 'b.sidecar-injector.io' },
      { op: 'add', path: '/webhooks/3/clientConfig/caBundle', value },
    ]);
    expect(api.objects.get(path)?.webhooks).toEqual([
      entry('foreign.example.io', other),
      entry('a.sidecar-injector.io', bundle),
      entry('good.sidecar-injector.io', `\n${bundle}${bundle}`),
      entry('b.sidecar-injector.io', bundle),
    ]);
  });

  test('writes nothing when all is well', async () => {
    putConfiguration([entry('a.sidecar-injector.io', bundle)]);
    expect(await publisher.publish(bundle)).toBe('written');
    expect(patchSent()).toBeUndefined();
  });

  test('never touches an entry that moved in between', async () => {
    putConfiguration([entry('a.sidecar-injector.io')]);
    const moved = [entry('foreign.example.io', other), entry('a.sidecar-injector.io')];
    api.intercept = ({ method }) => {
      if (method === 'PATCH') putConfiguration(moved);
      return false;
    };
    expect(await publisher.publish(bundle)).toBe('conflict');
    expect(api.objects.get(path)?.webhooks).toEqual(moved);
    api.intercept = undefined;
    expect(await publisher.publish(bundle)).toBe('written');
    expect(api.objects.get(path)?.webhooks).toEqual([moved[0], entry('a.sidecar-injector.io', bundle)]);
  });

  test('tells that there is no configuration', async () => {
    expect(await publisher.publish(bundle)).toBe('missing');
  });

  test('rejects when it may not', async () => {
    putConfiguration([entry('a.sidecar-injector.io')]);
    api.intercept = ({ method }, response) => {
      if (method === 'PATCH') fail(response, 403, 'no');
      return method === 'PATCH';
    };
    await expect(publisher.publish(bundle)).rejects.toMatchObject({ code: 'forbidden' });
  });
});
