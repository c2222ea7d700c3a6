import { expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { objectMember } from '../../../src/json/json.ts';
import { ApiError } from '../../../src/kubernetes/api-error.ts';
import type { ApiClient } from '../../../src/kubernetes/client.ts';
import { standForElection, type LeaseState } from '../../../src/kubernetes/lease.ts';

// With a real API server, and processes that are killed: test/apiserver/auditor.test.ts.

const policy = { lifeMs: 15_000, renewMs: 10_000, retryMs: 2_000 };

/** A Lease that several candidates read and write, and a clock that stands still until a test moves it. */
function createScene() {
  let lease: JsonObject = { metadata: { name: 'one', resourceVersion: '1' } };
  let nowMs = 0;
  let version = 1;
  const spec = (): JsonObject => objectMember(lease, 'spec') ?? {};

  function stand(candidate: string) {
    const states: LeaseState[] = [];
    let failure: ApiError | undefined;
    let turn = (): void => undefined;
    const client: Pick<ApiClient, 'get' | 'put'> = {
      get: () => (failure === undefined ? Promise.resolve({ body: lease }) : Promise.reject(failure)),
      put(_path, body) {
        if (failure !== undefined) return Promise.reject(failure);
        const sent = objectMember(body, 'metadata')?.['resourceVersion'];
        if (sent !== String(version)) return Promise.reject(new ApiError('conflict', 'another was faster'));
        version += 1;
        lease = { ...body, metadata: { name: 'one', resourceVersion: String(version) } };
        return Promise.resolve({ body: lease });
      },
    };
    const handle = standForElection({
      client,
      namespace: 'system',
      name: 'one',
      candidate,
      policy,
      clock: () => new Date(nowMs),
      nowMs: () => nowMs,
      every(_milliseconds, action) {
        turn = action;
        return () => undefined;
      },
      onState: (state) => states.push(state),
    });
    return {
      ...handle,
      states,
      fail: (error: ApiError | undefined) => void (failure = error),
      async turn() {
        turn();
        await settle();
      },
    };
  }

  return {
    stand,
    spec,
    pass: (milliseconds: number) => void (nowMs += milliseconds),
    change: (object: JsonObject) => void (lease = object),
  };
}

/** Lets answered calls go on. */
async function settle(): Promise<void> {
  for (let index = 0; index < 20; index += 1) await Promise.resolve();
}

const away = new ApiError('unreachable', 'nobody answers');

test('the first one leads, the second one follows', async () => {
  const { stand, spec } = createScene();
  const one = stand('one');
  await settle();
  const two = stand('two');
  await settle();
  expect([one.isLeader(), two.isLeader()]).toEqual([true, false]);
  expect([one.states, two.states]).toEqual([[{ type: 'leads' }], [{ type: 'follows', leader: 'one' }]]);
  expect(spec()).toMatchObject({ holderIdentity: 'one', leaseDurationSeconds: 15, leaseTransitions: 1 });
  expect(spec()['renewTime']).toBe('1970-01-01T00:00:00.000000Z');
});

test('of two that ask at the same time one leads', async () => {
  const { stand } = createScene();
  const [one, two] = [stand('one'), stand('two')];
  await settle();
  expect([one.isLeader(), two.isLeader()]).toEqual([true, false]);
  expect(two.states).toEqual([]);
  await two.turn();
  expect(two.states).toEqual([{ type: 'follows', leader: 'one' }]);
});

test('a leader that is silent is followed by another one after its life, and not before', async () => {
  const { stand, pass, spec } = createScene();
  const one = stand('one');
  await settle();
  const two = stand('two');
  await settle();
  one.fail(away);
  pass(9_999);
  await one.turn();
  expect(one.isLeader()).toBe(true);
  pass(1);
  // It has given up by now, by its own clock alone.
  expect(one.isLeader()).toBe(false);
  await one.turn();
  expect(one.states.at(-1)).toEqual({ type: 'failed', detail: 'nobody answers' });
  pass(5_000);
  await two.turn();
  expect(two.isLeader()).toBe(false);
  pass(1);
  await two.turn();
  expect([two.isLeader(), spec()['leaseTransitions']]).toEqual([true, 2]);
  one.fail(undefined);
  await one.turn();
  expect(one.states.at(-1)).toEqual({ type: 'follows', leader: 'two' });
});

test('a leader that renews is never followed, however its clock stands', async () => {
  const { stand, pass } = createScene();
  const one = stand('one');
  await settle();
  const two = stand('two');
  for (let index = 0; index < 30; index += 1) {
    pass(2_000);
    await one.turn();
    await two.turn();
    expect([one.isLeader(), two.isLeader()]).toEqual([true, false]);
  }
});

test('one that ends in peace lets go, and the next look of another one finds the Lease free', async () => {
  const { stand, spec } = createScene();
  const one = stand('one');
  await settle();
  const two = stand('two');
  await settle();
  await one.stop();
  expect([one.isLeader(), spec()['holderIdentity']]).toEqual([false, '']);
  await two.turn();
  expect(two.isLeader()).toBe(true);
  // One that does not hold it leaves it alone.
  await one.stop();
  expect(spec()['holderIdentity']).toBe('two');
});

test('a Lease that is missing is said once', async () => {
  const { stand } = createScene();
  const one = stand('one');
  one.fail(new ApiError('not-found', 'leases "one" not found'));
  await settle();
  await one.turn();
  await one.turn();
  expect(one.states).toEqual([{ type: 'failed', detail: 'leases "one" not found' }]);
});
