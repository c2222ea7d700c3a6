import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import type { JsonObject } from '../../../src/json/json.ts';
import { ApiError } from '../../../src/kubernetes/api-error.ts';
import { startRuleWatches, type RuleWatches } from '../../../src/mesh/serve/rule-watches.ts';

/*
 * An API server whose definitions of kinds come and go. Its clock and its pauses are the test's.
 */

const group = '/apis/networking.istio.io';

let served: Map<string, readonly string[]>;
let objects: readonly string[];
let now: number;
let isAway: boolean;
let told: string[];
let paths: Map<string, string | undefined>;
let wake: (() => void)[];
let watches: RuleWatches;
let isSynced: boolean;

const item = (name: string): JsonObject => ({ metadata: { namespace: 'shop', name, uid: name, resourceVersion: '1' } });

function answer(path: string): JsonObject {
  if (isAway) throw new ApiError('unreachable', 'away');
  const versions = [...served.keys()];
  if (path === group && versions.length > 0) return { versions: versions.map((version) => ({ version })) };
  for (const [version, names] of served) {
    if (path === `${group}/${version}`)
      return { resources: names.flatMap((name) => [{ name }, { name: `${name}/status` }]) };
    if (path.startsWith(`${group}/${version}/`))
      return { metadata: { resourceVersion: '1' }, items: objects.map(item) };
  }
  throw new ApiError('not-found', `${path} is not there`, { statusCode: 404 });
}

beforeEach(() => {
  [served, objects, now, isAway, told, paths, wake, isSynced] = [new Map(), ['a'], 0, false, [], new Map(), [], false];
  start();
});

function start(): void {
  watches = startRuleWatches({
    client: {
      get: async (path) => {
        return { body: answer(path) };
      },
      stream: (_, __, { signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    },
    pace: {
      random: () => 0,
      sleep: (_, signal) =>
        new Promise((resolve) => {
          wake.push(resolve);
          signal.addEventListener('abort', () => resolve());
        }),
    },
    nowMs: () => now,
    onChanges: (kind, changes) =>
      told.push(...changes.map(({ key, object }) => `${object === undefined ? '-' : '+'} ${kind} ${key}`)),
    onState: () => undefined,
    onContact: () => undefined,
    onServed: (kind, path) => void paths.set(kind, path),
    onUnknown: (error) => told.push(String(error)),
  });
  void watches.synced.then(() => (isSynced = true));
}

afterEach(() => watches.stop());

/** Lets everything happen that waits for nothing but answers. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
}

/** The next look at what is served, after a time. */
async function look(milliseconds = 10_000): Promise<void> {
  await settle();
  now += milliseconds;
  for (const one of wake.splice(0)) one();
  await settle();
}

const virtualServices = ['virtualservices', 'unknown'];

describe('kinds of rules', () => {
  test('that are not there hold nothing up', async () => {
    await settle();
    expect(isSynced).toBe(true);
    expect(paths).toEqual(
      new Map(
        [
          'VirtualService',
          'DestinationRule',
          'HTTPRoute',
          'GRPCRoute',
          'ReferenceGrant',
          'PeerAuthentication',
          'RateLimit',
          'AuthorizationPolicy',
        ].map((kind) => [kind, undefined]),
      ),
    );
    expect(told).toEqual([]);
  });

  test('that are not known yet are waited for', async () => {
    watches.stop();
    await settle();
    [isAway, isSynced] = [true, false];
    served = new Map([['v1', virtualServices]]);
    start();
    await settle();
    expect([isSynced, ...told]).toEqual([false, 'ApiError: away']);
    isAway = false;
    await look();
    expect([isSynced, ...told]).toEqual([true, 'ApiError: away', '+ VirtualService shop/a']);
  });

  test('that come are watched in the newest version', async () => {
    served = new Map([
      ['v1beta1', virtualServices],
      ['v1', virtualServices],
    ]);
    await look();
    expect(paths.get('VirtualService')).toBe(`${group}/v1/virtualservices`);
    expect(paths.get('DestinationRule')).toBeUndefined();
    expect(told).toEqual(['+ VirtualService shop/a']);
  });

  test('that change their version keep their objects, but for those that have gone', async () => {
    served = new Map([['v1beta1', virtualServices]]);
    objects = ['a', 'b'];
    await look();
    told.length = 0;
    served = new Map([['v1', virtualServices]]);
    objects = ['b', 'c'];
    await look();
    expect(paths.get('VirtualService')).toBe(`${group}/v1/virtualservices`);
    expect(told).toEqual(['+ VirtualService shop/b', '+ VirtualService shop/c', '- VirtualService shop/a']);
  });

  test('that go leave their objects for a minute', async () => {
    served = new Map([['v1', virtualServices]]);
    await look();
    told.length = 0;
    served = new Map();
    await look();
    expect(paths.get('VirtualService')).toBeUndefined();
    await look(59_000);
    expect(told).toEqual([]);
    await look(1_000);
    expect(told).toEqual(['- VirtualService shop/a']);
    served = new Map([['v1', virtualServices]]);
    await look();
    expect(told).toEqual(['- VirtualService shop/a', '+ VirtualService shop/a']);
  });

  test('that are back within the minute have lost nothing', async () => {
    served = new Map([['v1', virtualServices]]);
    await look();
    served = new Map();
    await look();
    served = new Map([['v1', virtualServices]]);
    await look(50_000);
    await look(120_000);
    expect(told.filter((one) => one.startsWith('-'))).toEqual([]);
  });

  test('stay as they are while the API server says nothing', async () => {
    served = new Map([['v1', virtualServices]]);
    await look();
    told.length = 0;
    isAway = true;
    await look(120_000);
    await look(120_000);
    expect(new Set(told)).toEqual(new Set(['ApiError: away']));
    expect(paths.get('VirtualService')).toBe(`${group}/v1/virtualservices`);
  });
});
