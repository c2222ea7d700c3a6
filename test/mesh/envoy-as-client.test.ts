import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { JsonObject } from '../../src/json/json.ts';
import { fromControlPlane } from '../../src/envoy/mesh-tls.ts';
import { startScriptedControlPlane, type ScriptedControlPlane } from '../support/mesh/scripted-control-plane.ts';

jest.setTimeout(60_000);

/*
 * How Envoy behaves as a client of delta ADS. The rules of src/mesh/stream and its model (test/support/models/discovery-client.ts) rest on
 * this: a version of Envoy that behaves in another way shows here.
 */

let plane: ScriptedControlPlane;
beforeEach(async () => {
  plane = await startScriptedControlPlane();
  await plane.untilAsked('clusters', ({ kind }) => kind === 'cluster');
});
afterEach(() => plane.stop());

/** Long enough for an answer that would come at once. */
const aWhile = (): Promise<void> => pause(700);

const edsCluster = (name: string, more: JsonObject = {}): JsonObject => ({
  name,
  type: 'EDS',
  eds_cluster_config: { eds_config: fromControlPlane },
  ...more,
});

const endpoints = (name: string, more: JsonObject = {}): JsonObject => ({
  cluster_name: name,
  endpoints: [
    { lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: 9 } } } }], ...more },
  ],
});

const isAnswered = (nonce: string): boolean => plane.asked.some((one) => one.nonce === nonce);

/** Brings a proxy that has just started to hold clusters with their endpoints, and no listener. */
async function hold(...names: readonly string[]): Promise<void> {
  const each = (make: (name: string) => JsonObject) => Object.fromEntries(names.map((name) => [name, make(name)]));
  const nonce = plane.send('cluster', each(edsCluster));
  await plane.untilAsked(
    'endpoints',
    ({ kind, subscribe }) => kind === 'endpoints' && subscribe.length === names.length,
  );
  const second = plane.send('endpoints', each(endpoints));
  await plane.untilAnswered(second);
  expect(await plane.untilAnswered(nonce)).toMatchObject({ rejection: undefined });
  await plane.untilAsked('listeners', ({ kind }) => kind === 'listener');
  await plane.untilAnswered(plane.send('listener', {}));
}

test('listeners are asked for only after the first answer about clusters, which may be empty', async () => {
  await aWhile();
  expect(plane.asked.map(({ kind }) => kind)).toEqual(['cluster']);
  plane.send('cluster', {});
  await plane.untilAsked('listeners', ({ kind }) => kind === 'listener');
});

test('it understands compressed responses', async () => {
  const nonce = plane.send('cluster', { c: { name: 'c' } });
  expect(await plane.untilAnswered(nonce)).toMatchObject({ rejection: undefined });
  expect(await plane.admin('/clusters')).toContain('c::observability_name::c');
  expect(plane.compressed()).toBe(1);
});

test('it says which version it is and how it was built', () => {
  const build = plane.asked[0]?.node?.build ?? '';
  expect(JSON.parse(build)).toMatchObject({
    version: expect.stringMatching(/^1\.\d+\.\d+$/),
    details: { 'revision.sha': expect.stringMatching(/^[0-9a-f]{40}$/), 'ssl.version': 'BoringSSL' },
  });
});

test('the first clusters are accepted at once, but listeners wait for their endpoints', async () => {
  const nonce = plane.send('cluster', { a: edsCluster('a') });
  await plane.untilAnswered(nonce);
  await aWhile();
  expect(plane.asked.some(({ kind }) => kind === 'listener')).toBe(false);
  plane.send('endpoints', { a: endpoints('a') });
  await plane.untilAsked('listeners', ({ kind }) => kind === 'listener');
});

test('a later cluster is accepted once its endpoints are there', async () => {
  await hold('a');
  const nonce = plane.send('cluster', { b: edsCluster('b') });
  await plane.untilAsked('endpoints', ({ kind, subscribe }) => kind === 'endpoints' && subscribe.includes('b'));
  await aWhile();
  expect(isAnswered(nonce)).toBe(false);
  plane.send('endpoints', { b: endpoints('b') });
  expect(await plane.untilAnswered(nonce)).toMatchObject({ rejection: undefined });
});

test('endpoints that do not exist end the wait of their cluster', async () => {
  await hold('a');
  const nonce = plane.send('cluster', { b: edsCluster('b') });
  await plane.untilAsked('endpoints', ({ kind, subscribe }) => kind === 'endpoints' && subscribe.includes('b'));
  plane.send('endpoints', {}, ['b']);
  expect(await plane.untilAnswered(nonce)).toMatchObject({ rejection: undefined });
});

test('endpoints that are rejected end the wait of their cluster', async () => {
  await hold('a');
  const nonce = plane.send('cluster', { b: edsCluster('b') });
  await plane.untilAsked('endpoints', ({ kind, subscribe }) => kind === 'endpoints' && subscribe.includes('b'));
  const bad = plane.send('endpoints', { b: endpoints('b', { priority: 200 }) });
  expect(await plane.untilAnswered(bad)).toMatchObject({ rejection: expect.stringContaining('priority') });
  expect(await plane.untilAnswered(nonce)).toMatchObject({ rejection: undefined });
});

test('a changed cluster waits for endpoints that it does not ask for', async () => {
  await hold('a');
  const before = plane.asked.length;
  const nonce = plane.send('cluster', { a: edsCluster('a', { connect_timeout: '3s' }) });
  await aWhile();
  expect(isAnswered(nonce)).toBe(false);
  expect(plane.asked.slice(before)).toEqual([]);
  // The same endpoints as before.
  plane.send('endpoints', { a: endpoints('a') });
  expect(await plane.untilAnswered(nonce)).toMatchObject({ rejection: undefined });
});

const broken = { connect_timeout: '0s' };
/** Passes the rules of the API, and is found to be wrong when the cluster is made. */
const odd = { lb_policy: 'RING_HASH', ring_hash_lb_config: { minimum_ring_size: 9, maximum_ring_size: 3 } };

test('of clusters of which one breaks a rule of the API, none takes effect', async () => {
  await hold('a');
  const nonce = plane.send('cluster', { bad: edsCluster('bad', broken), good: edsCluster('good') });
  expect(await plane.untilAnswered(nonce)).toMatchObject({ rejection: expect.stringContaining('ConnectTimeout') });
  expect(await plane.admin('/clusters')).not.toContain('good::');
});

test('a new cluster that cannot be made leaves those beside it without an answer, until it is removed', async () => {
  await hold('a');
  const nonce = plane.send('cluster', { bad: edsCluster('bad', odd), good: edsCluster('good') });
  await plane.untilAsked('endpoints', ({ kind, subscribe }) => kind === 'endpoints' && subscribe.includes('good'));
  plane.send('endpoints', { good: endpoints('good'), bad: endpoints('bad') });
  await aWhile();
  expect(isAnswered(nonce)).toBe(false);
  const removal = plane.send('cluster', {}, ['bad']);
  await plane.untilAnswered(removal);
  expect(await plane.admin('/clusters')).toContain('good::');
});

test('a cluster that cannot be made is rejected at once if it is alone and needs no endpoints', async () => {
  await hold('a');
  const nonce = plane.send('cluster', { bad: { name: 'bad', ...odd } });
  expect(await plane.untilAnswered(nonce)).toMatchObject({ rejection: expect.stringContaining('ring') });
});

test('of endpoints of which one is rejected, none takes effect', async () => {
  await hold('a', 'b');
  const nonce = plane.send('endpoints', {
    a: endpoints('a', { load_balancing_weight: 7, locality: { zone: 'new' } }),
    b: endpoints('b', { priority: 200 }),
  });
  expect(await plane.untilAnswered(nonce)).toMatchObject({ rejection: expect.stringContaining('priority') });
  expect(await plane.admin('/clusters')).not.toContain('::zone::new');
});

test('after a reconnection it says which versions it holds', async () => {
  await hold('a');
  plane.hangUp();
  const again = await plane.untilAsked('clusters again', ({ kind, stream }) => kind === 'cluster' && stream === 2);
  expect(Object.keys(again.initialVersions)).toEqual(['a']);
  const first = await plane.untilAsked('endpoints again', ({ kind, stream }) => kind === 'endpoints' && stream === 2);
  expect(Object.keys(first.initialVersions)).toEqual(['a']);
  expect(Object.values(first.initialVersions)[0]).toMatch(/^[0-9a-f]{16}$/);
});

test('after a reconnection while a cluster waits, endpoints are what it needs', async () => {
  await hold('a');
  const nonce = plane.send('cluster', { a: edsCluster('a', { connect_timeout: '3s' }) });
  await aWhile();
  expect(isAnswered(nonce)).toBe(false);
  plane.hangUp();
  await plane.untilAsked('endpoints again', ({ kind, stream }) => kind === 'endpoints' && stream === 2);
  await aWhile();
  // It does not ask for clusters while one of them waits.
  const asksForClusters = plane.asked.some(({ kind, stream }) => kind === 'cluster' && stream === 2);
  plane.send('endpoints', { a: endpoints('a') });
  await plane.untilAsked('clusters again', ({ kind, stream }) => kind === 'cluster' && stream === 2);
  expect(asksForClusters).toBe(false);
});
