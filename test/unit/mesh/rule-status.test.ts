import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import type { JsonObject } from '../../../src/json/json.ts';
import { ApiError } from '../../../src/kubernetes/api-error.ts';
import { indexRules } from '../../../src/mesh/plan/rule-index.ts';
import { standingsOf } from '../../../src/mesh/report/standing.ts';
import type { Progress } from '../../../src/mesh/report/progress.ts';
import { startRuleStatus, type RuleStatus } from '../../../src/runtime/rule-status.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { applyEvents } from '../../../src/mesh/world/world.ts';
import { injectedParts } from '../../support/mesh/injected-parts.ts';
import { eventOf, worldOf } from '../../support/mesh/world-events.ts';

/*
 * What is written into objects: an API server that has one of them, and a control plane that says how many proxies have what comes
 * from it.
 */

const domains = { cluster: 'cluster.local', trust: 'cluster.local', rootNamespace: 'istio-system' };
const collections: Readonly<Record<string, string>> = {
  VirtualService: '/apis/networking.istio.io/v1/virtualservices',
  HTTPRoute: '/apis/gateway.networking.k8s.io/v1/httproutes',
  PeerAuthentication: '/apis/security.istio.io/v1/peerauthentications',
};

let object: JsonObject;
let services: readonly JsonObject[];
let progress: Progress;
let doOthersHold: boolean;
let patches: { readonly path: string; readonly value: JsonObject }[];
let events: JsonObject[];
let failure: ApiError | undefined;
let log: string;
let tick: () => void;
let status: RuleStatus;
let known: ReturnType<typeof knownOf>;

function knownOf() {
  const world = worldOf([...services, object]);
  return { world, domains, index: indexRules(world.rules, domains) };
}

function virtualService(spec: JsonObject, generation = 1, more: JsonObject = {}): JsonObject {
  const metadata = { namespace: 'shop', name: 'web', uid: 'u', generation, resourceVersion: '7' };
  return { kind: 'VirtualService', apiVersion: 'networking.istio.io/v1', metadata, spec, ...more };
}

const web = {
  kind: 'Service',
  metadata: { namespace: 'shop', name: 'web' },
  spec: { clusterIP: '10.96.0.1', ports: [{ name: 'http', port: 80 }] },
};
const nobody = { hosts: ['elsewhere'], http: [{ route: [{ destination: { host: 'web' } }] }] };

function start(replica = 'one'): RuleStatus {
  return startRuleStatus({
    client: {
      get: async () => ({ body: object }),
      async patch(path, operations) {
        if (failure !== undefined) throw failure;
        const [check, change] = operations;
        expect(check).toEqual({ op: 'test', path: '/metadata/resourceVersion', value: '7' });
        const [, name] = /^\/status\/(\w+)$/.exec(change?.['path'] as string) ?? [];
        const value = change?.['value'] as JsonObject;
        object = {
          ...object,
          status: name === undefined ? value : { ...(object['status'] as JsonObject), [name]: value },
        };
        patches.push({ path, value: object['status'] as JsonObject });
        return { body: object };
      },
      async post(path, body) {
        events.push({ path, ...body });
        return { body };
      },
    },
    catalog: {
      known: () => known,
      standings: () =>
        standingsOf(known, [
          {
            findings: () => [],
            inForce: () => [],
          },
        ]),
      progressOf: () => progress,
    },
    doOthersHold: (uid, sinceMs) => doOthersHold && uid === 'u' && sinceMs === Date.UTC(2030, 0, 1, 0, 0, 0, 123),
    pathOf: (kind) => collections[kind],
    replica,
    clock: () => new Date('2030-01-01T00:00:00.123Z'),
    log: createLog('info', { write: (line) => void (log += line) }),
    every(milliseconds, action) {
      if (milliseconds === 1_000) tick = action;
      return () => undefined;
    },
  });
}

beforeEach(() => {
  [services, progress, patches, events, failure, log] = [[web], { proxies: 0, holding: 0 }, [], [], undefined, ''];
  doOthersHold = false;
});

afterEach(() => status.stop());

async function rounds(count = 1): Promise<void> {
  for (let round = 0; round < count; round += 1) {
    tick();
    for (let turn = 0; turn < 10; turn += 1) await setImmediate();
  }
}

async function use(now: JsonObject): Promise<void> {
  object = now;
  known = knownOf();
  status = start();
  await rounds();
}

const conditions = (): readonly JsonObject[] => (object['status'] as { conditions: readonly JsonObject[] }).conditions;

describe('an object without effect', () => {
  test('says so, with an Event, once', async () => {
    await use(virtualService(nobody));
    expect(patches.map(({ path }) => path)).toEqual([
      '/apis/networking.istio.io/v1/namespaces/shop/virtualservices/web/status',
    ]);
    expect(conditions()).toEqual([
      {
        type: 'sidecar-injector.io/InForce',
        status: 'False',
        reason: 'WithoutEffect',
        message: expect.stringMatching(/^\/spec\/hosts\/0: there is no Service elsewhere\.shop\.svc\.cluster\.local/),
        observedGeneration: 1,
        lastTransitionTime: '2030-01-01T00:00:00Z',
      },
    ]);
    expect(events).toMatchObject([
      {
        path: '/apis/events.k8s.io/v1/namespaces/shop/events',
        metadata: { namespace: 'shop', generateName: 'web-' },
        eventTime: '2030-01-01T00:00:00.123000Z',
        reason: 'WithoutEffect',
        type: 'Warning',
        note: expect.stringContaining('/spec/hosts/0: there is no Service elsewhere.shop.svc.cluster.local'),
        regarding: {
          apiVersion: 'networking.istio.io/v1',
          kind: 'VirtualService',
          namespace: 'shop',
          name: 'web',
          uid: 'u',
        },
      },
    ]);
    expect(log).toContain('a traffic rule is not in force');
    expect([...status.counts().values()]).toEqual([{ kind: 'VirtualService', verdict: 'without-effect', count: 1 }]);
    await rounds(3);
    // Another replica finds it said.
    start('two');
    await rounds(3);
    expect([patches.length, events.length]).toEqual([1, 1]);
  });

  test('keeps the conditions of others', async () => {
    const other = { type: 'Reconciled', status: 'True' };
    await use(virtualService(nobody, 1, { status: { conditions: [other], observedGeneration: 5 } }));
    expect(conditions()).toHaveLength(2);
    expect(conditions()[0]).toEqual(other);
    expect(object['status']).toMatchObject({ observedGeneration: 5 });
  });

  test('is written again if somebody else was faster, but not for ever', async () => {
    failure = new ApiError('invalid', 'the test failed', { statusCode: 422 });
    await use(virtualService(nobody));
    failure = undefined;
    await rounds();
    expect(patches).toHaveLength(1);
  });

  test('is said once in the log if it may not be written', async () => {
    failure = new ApiError('forbidden', 'no', { statusCode: 403 });
    await use(virtualService(nobody));
    await rounds(5);
    expect(log.match(/the status of a traffic rule was not written/g)).toHaveLength(1);
  });
});

test('an object that is refused says why', async () => {
  await use(virtualService({ hosts: ['web'], htp: [] }));
  expect(conditions()[0]).toMatchObject({ reason: 'Refused', message: expect.stringContaining('/spec/htp') });
  expect(events).toMatchObject([{ reason: 'Refused' }]);
});

describe('a route that is refused', () => {
  const parent = { group: '', kind: 'Service', name: 'web', port: 80 };
  const metadata = { namespace: 'shop', name: 'web', uid: 'u', generation: 3, resourceVersion: '7' };
  const route = (rule: JsonObject, more: JsonObject = {}): JsonObject => ({
    kind: 'HTTPRoute',
    metadata: { ...metadata, ...more },
    spec: { parentRefs: [{ name: 'gateway' }, parent], rules: [rule] },
  });
  const refused = { timeout: '1s' };
  const sentence = '/spec/rules/0/timeout: there is no such field, did you mean "timeouts"?';
  const foreign = { controllerName: 'example.com/other', parentRef: { name: 'gateway' }, conditions: [] };

  test('says why for its parents that are Services, once, and keeps what other controllers say', async () => {
    await use({ ...route(refused), status: { parents: [foreign] } });
    const condition = { type: 'Accepted', status: 'False', reason: 'UnsupportedValue', message: sentence };
    expect(object['status']).toEqual({
      parents: [
        foreign,
        {
          parentRef: parent,
          controllerName: 'sidecar-injector.io/mesh',
          conditions: [{ ...condition, observedGeneration: 3, lastTransitionTime: '2030-01-01T00:00:00Z' }],
        },
      ],
    });
    expect(events).toMatchObject([{ reason: 'Refused', note: sentence }]);
    await rounds(3);
    start('two');
    await rounds(3);
    expect([patches.length, events.length]).toEqual([1, 1]);
  });

  test('is not called accepted because an earlier version of it stays in force', async () => {
    await use(route({ backendRefs: [{ name: 'web', port: 80 }] }, { generation: 2 }));
    expect(patches).toHaveLength(1);
    const next = { ...object, ...route(refused) };
    const events = [object, next].map((one) => eventOf(one, true));
    object = next;
    const { world } = applyEvents(known.world, events);
    known = { world, domains, index: indexRules(world.rules, domains) };
    await rounds();
    expect(object['status']).toMatchObject({
      parents: [
        {
          conditions: [
            {
              type: 'Accepted',
              status: 'False',
              reason: 'UnsupportedValue',
              message: `${sentence}; generation 2 stays in force`,
              observedGeneration: 3,
            },
          ],
        },
      ],
    });
  });
});

test('an object that protects pods is in force when the proxies of this replica and of the others hold it, and not before', async () => {
  const pod = { kind: 'Pod', metadata: { namespace: 'shop', name: 'web' }, spec: { containers: [] } };
  const metadata = { namespace: 'shop', name: 'default', uid: 'u', generation: 2, resourceVersion: '7' };
  const old = { type: 'sidecar-injector.io/InForce', status: 'True', reason: 'InForce', observedGeneration: 1 };
  services = [pod];
  progress = { proxies: 1, holding: 0 };
  const spec = { mtls: { mode: 'STRICT' } };
  await use({ kind: 'PeerAuthentication', metadata, spec, status: { conditions: [old] } });
  const spreading = { status: 'False', reason: 'Spreading', observedGeneration: 2 };
  await rounds(2);
  expect(conditions()).toMatchObject([spreading]);
  progress = { proxies: 1, holding: 1 };
  await rounds(5);
  expect(conditions()).toMatchObject([spreading]);
  [progress, doOthersHold] = [{ proxies: 1, holding: 0 }, true];
  await rounds(5);
  expect(conditions()).toMatchObject([spreading]);
  progress = { proxies: 0, holding: 0 };
  await rounds();
  expect(conditions()).toMatchObject([{ status: 'True', reason: 'InForce', observedGeneration: 2 }]);
});

test('a route says it for its parents, and keeps what other controllers say', async () => {
  const foreign = { controllerName: 'example.com/other', parentRef: { name: 'gateway' }, conditions: [] };
  const spec = {
    parentRefs: [{ group: '', kind: 'Service', name: 'web', port: 80 }],
    rules: [{ backendRefs: [{ name: 'missing', port: 80 }] }],
  };
  const metadata = { namespace: 'shop', name: 'web', uid: 'u', generation: 3, resourceVersion: '7' };
  await use({ kind: 'HTTPRoute', metadata, spec, status: { parents: [foreign] } });
  const { parents } = object['status'] as { parents: JsonObject[] };
  expect(parents[0]).toEqual(foreign);
  expect(parents[1]).toMatchObject({
    controllerName: 'sidecar-injector.io/mesh',
    parentRef: { group: '', kind: 'Service', name: 'web', port: 80 },
    conditions: [
      { type: 'Accepted', status: 'True', observedGeneration: 3 },
      { type: 'ResolvedRefs', status: 'False', reason: 'BackendNotFound' },
    ],
  });
  await rounds(3);
  start('two');
  await rounds(3);
  expect(patches).toHaveLength(1);
});

test('an object that protects pods says so when the first of them comes', async () => {
  const metadata = { namespace: 'shop', name: 'cart', uid: 'u', generation: 1, resourceVersion: '7' };
  const selector = { matchLabels: { app: 'cart' } };
  await use({ kind: 'PeerAuthentication', metadata, spec: { selector, mtls: { mode: 'STRICT' } } });
  expect(conditions()).toMatchObject([
    { reason: 'WithoutEffect', message: '/spec/selector: there is no pod in namespace shop with the labels app=cart' },
  ]);
  const cart = {
    kind: 'Pod',
    metadata: { namespace: 'shop', name: 'cart', labels: { app: 'cart', 'security.istio.io/tlsMode': 'istio' } },
    spec: { ...injectedParts() },
  };
  doOthersHold = true;
  known = { ...known, world: { ...known.world, pod: worldOf([cart]).pod } };
  await rounds(2);
  expect(conditions()).toMatchObject([{ status: 'True', reason: 'InForce' }]);
});

test('a replica that is late does not take back what another has found', async () => {
  const metadata = { namespace: 'shop', name: 'default', uid: 'u', generation: 2, resourceVersion: '7' };
  const found = { type: 'sidecar-injector.io/InForce', status: 'True', reason: 'InForce', observedGeneration: 2 };
  services = [{ kind: 'Pod', metadata: { namespace: 'shop', name: 'web' }, spec: { containers: [] } }];
  progress = { proxies: 1, holding: 0 };
  await use({
    kind: 'PeerAuthentication',
    metadata,
    spec: { mtls: { mode: 'STRICT' } },
    status: { conditions: [found] },
  });
  await rounds(8);
  expect([patches, conditions()]).toEqual([[], [found]]);
});
