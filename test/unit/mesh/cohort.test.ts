import { beforeEach, describe, expect, test } from '@jest/globals';
import { kinds, type Kind } from '../../../src/mesh/resources/kinds.ts';
import { createCohort, type Cohort, type Member } from '../../../src/mesh/stream/cohort.ts';
import { emptyTarget, type Target, type Versioned } from '../../../src/mesh/stream/target.ts';

/** A proxy that answers when the test says so. */
class StubProxy {
  readonly told: string[] = [];
  readonly owed = new Set<string>();
  readonly held = new Map<string, string>();
  isUp = true;

  readonly stream = {
    changed: (changes: Readonly<Partial<Record<Kind, Iterable<string>>>>): void => {
      for (const [kind, names] of Object.entries(changes)) {
        for (const name of names) {
          this.told.push(name);
          this.owed.add(`${kind} ${name}`);
        }
      }
    },
    holds: (_: Kind, name: string): string | undefined => this.held.get(name),
    owes: (kind: Kind, name: string): boolean => this.owed.has(`${kind} ${name}`),
    isInSync: (): boolean => this.isUp && this.owed.size === 0,
    holdsAll: (): boolean => this.isUp && this.owed.size === 0,
    isReady: (): boolean => this.isUp && this.owed.size === 0,
  };
}

const resource = (version: string, owner = 'shop/cart', kind: Kind = 'cluster', name = 'c'): Versioned => ({
  kind,
  name,
  version,
  owner,
});

let now: number;
let timers: { readonly atMs: number; readonly action: () => void }[];
let converged: number[];
let shared: Target & Readonly<Record<Kind, Map<string, Versioned>>>;
let cohort: Cohort<Versioned>;

function pass(milliseconds: number): void {
  now += milliseconds;
  const due = timers.filter(({ atMs }) => atMs <= now);
  timers = timers.filter(({ atMs }) => atMs > now);
  for (const { action } of due) action();
}

beforeEach(() => {
  now = 0;
  timers = [];
  converged = [];
  shared = Object.fromEntries(kinds.map((kind) => [kind, new Map()])) as unknown as typeof shared;
  cohort = createCohort<Versioned>({
    nowMs: () => now,
    after(milliseconds, action) {
      const timer = { atMs: now + milliseconds, action };
      timers.push(timer);
      return () => (timers = timers.filter((one) => one !== timer));
    },
    converged: (milliseconds) => converged.push(milliseconds),
  });
});

function join(party = 'shop', group: Target = emptyTarget) {
  const proxy = new StubProxy();
  const member: Member<Versioned> = cohort.join(emptyTarget, shared, group, { ...proxy.stream, party });
  return { proxy, member };
}

function publish(...resources: readonly Versioned[]): void {
  const changes = resources.map((one) => {
    const before = shared[one.kind].get(one.name);
    shared[one.kind].set(one.name, one);
    return { content: shared, kind: one.kind, name: one.name, before };
  });
  cohort.publish(changes, now);
}

function remove(kind: Kind, name: string): void {
  const before = shared[kind].get(name);
  shared[kind].delete(name);
  cohort.publish([{ content: shared, kind, name, before }], now);
}

function accept({ proxy, member }: ReturnType<typeof join>, one: Versioned): void {
  proxy.owed.delete(`${one.kind} ${one.name}`);
  proxy.held.set(one.name, one.version);
  member.accepted(one.kind, one.name, one.version);
  member.moved();
}

const versionOf = ({ member }: ReturnType<typeof join>): string | undefined => member.target.cluster.get('c')?.version;

/** Two proxies that hold the first version. */
function two(): readonly [ReturnType<typeof join>, ReturnType<typeof join>] {
  const pair = [join(), join()] as const;
  publish(resource('1'));
  for (const one of pair) accept(one, resource('1'));
  for (const { proxy } of pair) proxy.told.length = 0;
  return pair;
}

describe('a new version', () => {
  test('goes to one proxy, and to the others once it was accepted', () => {
    const [first, second] = two();
    publish(resource('2'));
    expect([first.proxy.told, second.proxy.told]).toEqual([['c'], []]);
    expect([versionOf(first), versionOf(second)]).toEqual(['2', '1']);
    expect(second.member.isHeldUp()).toBe(true);
    accept(first, resource('2'));
    expect(second.proxy.told).toEqual(['c']);
    expect([versionOf(first), versionOf(second), versionOf(join())]).toEqual(['2', '2', '2']);
  });

  test('goes to another proxy if the first leaves', () => {
    const [first, second] = two();
    publish(resource('2'));
    first.member.leave();
    expect(second.proxy.told).toEqual(['c']);
  });

  test('goes to another proxy as well if the first takes long', () => {
    const [first, second] = two();
    const third = join();
    publish(resource('2'));
    pass(2_999);
    expect([first, second, third].map(({ proxy }) => proxy.told.length)).toEqual([1, 0, 0]);
    pass(1);
    expect([first, second, third].map(({ proxy }) => proxy.told.length)).toEqual([1, 1, 0]);
    pass(3_000);
    expect([first, second, third].map(({ proxy }) => proxy.told.length)).toEqual([1, 1, 1]);
    expect(join().member.target.cluster.get('c')?.version).toBe('1');
    // The first that has answered counts.
    accept(second, resource('2'));
    expect(join().member.target.cluster.get('c')?.version).toBe('2');
  });

  test('is not tried by a proxy that starts, but by one that is up', () => {
    const [first, second] = two();
    for (const { proxy } of [first, second]) proxy.isUp = false;
    publish(resource('2'));
    expect([first.proxy.told, second.proxy.told]).toEqual([[], []]);
    second.proxy.isUp = true;
    second.member.moved();
    expect([first.proxy.told, second.proxy.told]).toEqual([[], ['c']]);
  });

  test('goes to a proxy that is busy if all are for long', () => {
    const pair = two();
    for (const { proxy } of pair) proxy.isUp = false;
    publish(resource('2'));
    pass(3_000);
    pass(2_999);
    expect(pair.map(({ proxy }) => proxy.told)).toEqual([[], []]);
    pass(1);
    expect(pair.map(({ proxy }) => proxy.told)).toEqual([['c'], []]);
  });

  test('of endpoints goes to all at once', () => {
    const [first, second] = two();
    publish(resource('1', 'shop/cart', 'endpoints'));
    expect([first.proxy.told, second.proxy.told]).toEqual([['c'], ['c']]);
  });

  test('that nobody was there to try is tried by the next proxy, after what was good', () => {
    const [first, second] = two();
    for (const { member } of [first, second]) member.leave();
    publish(resource('2'));
    const next = join();
    expect(versionOf(next)).toBe('1');
    next.member.moved();
    expect(versionOf(next)).toBe('2');
  });
});

describe('a version that was rejected', () => {
  test('is withheld from all others until its owner changes it', () => {
    const [first, second] = two();
    publish(resource('2'));
    expect(first.member.rejected(resource('2'))).toBe(true);
    first.proxy.owed.clear();
    first.member.moved();
    const starting = join();
    expect([first, second, starting].map(versionOf)).toEqual(['1', '1', '1']);
    expect(cohort.withheld('cluster')).toBe(1);
    publish(resource('3'));
    for (const one of [first, second, starting]) accept(one, resource('3'));
    expect([first, second, starting].map(versionOf)).toEqual(['3', '3', '3']);
    expect(cohort.withheld('cluster')).toBe(0);
  });

  test('after others have accepted it stays with them, and is withheld from those that start', () => {
    const [first, second] = two();
    publish(resource('2'));
    accept(first, resource('2'));
    expect(second.member.rejected(resource('2'))).toBe(true);
    expect([first, second, join()].map(versionOf)).toEqual(['2', '1', '1']);
    // It is not what a later version falls back to.
    publish(resource('3'));
    expect(versionOf(join())).toBe('1');
  });

  test('that all others hold for good concerns one proxy alone', () => {
    const [first, second] = two();
    expect(second.member.rejected(resource('1'))).toBe(false);
    expect([first, second, join()].map(versionOf)).toEqual(['1', '1', '1']);
  });

  test('takes with it what came from the same owner, and nothing else', () => {
    const [first] = two();
    const others = [resource('1', 'shop/cart', 'listener', 'l'), resource('1', 'shop/other', 'cluster', 'd')];
    publish(...others);
    for (const one of others) accept(first, one);
    publish(resource('2'), ...others.map((one) => ({ ...one, version: '2' })));
    first.member.rejected(resource('2'));
    const { target } = join().member;
    expect(target.listener.get('l')?.version).toBe('1');
    accept(first, { ...resource('2', 'shop/other', 'cluster', 'd') });
    first.proxy.owed.clear();
    first.member.moved();
    expect(target.cluster.get('d')?.version).toBe('2');
    publish(resource('3'));
    first.member.moved();
    expect(first.member.target.listener.get('l')?.version).toBe('2');
  });

  test('leaves in place what its owner has removed with it', () => {
    const [first] = two();
    publish(resource('1', 'shop/cart', 'routes', 'r'));
    accept(first, resource('1', 'shop/cart', 'routes', 'r'));
    const before = shared.routes.get('r');
    shared.routes.delete('r');
    const last = shared.cluster.get('c');
    shared.cluster.set('c', resource('2'));
    cohort.publish(
      [
        { content: shared, kind: 'routes', name: 'r', before },
        { content: shared, kind: 'cluster', name: 'c', before: last },
      ],
      now,
    );
    first.member.rejected(resource('2'));
    expect(join().member.target.routes.get('r')?.version).toBe('1');
  });
});

describe('where proxies of several namespaces are', () => {
  const reject = ({ proxy, member }: ReturnType<typeof join>, one: Versioned): boolean => {
    proxy.owed.delete(`${one.kind} ${one.name}`);
    const isWithheld = member.rejected(one);
    member.moved();
    return isWithheld;
  };

  function some(...parties: readonly string[]): readonly ReturnType<typeof join>[] {
    const all = parties.map((party) => join(party));
    publish(resource('1'));
    for (const one of all) accept(one, resource('1'));
    for (const { proxy } of all) proxy.told.length = 0;
    return all;
  }

  const toldOf = (all: readonly ReturnType<typeof join>[]): readonly number[] =>
    all.map(({ proxy }) => proxy.told.length);

  test('two of different ones try, and what one rejects while the other takes it is for all', () => {
    const all = some('evil', 'evil', 'shop', 'shop');
    const [first, , third] = all as [ReturnType<typeof join>, ReturnType<typeof join>, ReturnType<typeof join>];
    publish(resource('2'));
    expect(toldOf(all)).toEqual([1, 0, 1, 0]);
    expect(reject(first, resource('2'))).toBe(false);
    expect(toldOf(all)).toEqual([1, 0, 1, 0]);
    accept(third, resource('2'));
    expect(toldOf(all)).toEqual([1, 1, 1, 1]);
    expect(reject(all[1] as typeof first, resource('2'))).toBe(false);
    expect(cohort.withheld('cluster')).toBe(0);
  });

  test('what two of them reject is withheld', () => {
    const all = some('bank', 'shop', 'shop');
    publish(resource('2'));
    expect(all.slice(0, 2).map((one) => reject(one, resource('2')))).toEqual([false, true]);
    expect([...all, join('third')].map(versionOf)).toEqual(['1', '1', '1', '1']);
    expect(cohort.withheld('cluster')).toBe(1);
    for (const { proxy, member } of all) {
      proxy.owed.clear();
      member.moved();
    }
    expect(all[2]?.member.isHeldUp()).toBe(false);
  });

  test('what one with listeners of its own rejects is withheld from it, and what came with it from nobody', () => {
    const own = Object.fromEntries(
      kinds.map((kind) => [kind, new Map<string, Versioned>()]),
    ) as unknown as typeof shared;
    const evil = join('evil', own);
    const [shop] = some('shop') as [ReturnType<typeof join>];
    accept(evil, resource('1'));
    const listener = resource('2', 'shop/cart', 'listener', 'l');
    own.listener.set('l', listener);
    shared.cluster.set('c', resource('2'));
    cohort.publish(
      [
        { content: own, kind: 'listener', name: 'l', before: undefined },
        { content: shared, kind: 'cluster', name: 'c', before: resource('1') },
      ],
      now,
    );
    expect(reject(evil, listener)).toBe(true);
    expect([cohort.withheld('listener'), cohort.withheld('cluster')]).toEqual([1, 0]);
    accept(shop, resource('2'));
    // It also takes its time with the rest.
    pass(3_000);
    expect(versionOf(join('bank'))).toBe('2');
  });

  test('a namespace whose proxies do not answer holds up nobody', () => {
    const all = some('evil', 'evil', 'evil', 'shop', 'bank');
    publish(resource('2'));
    accept(all[3] as ReturnType<typeof join>, resource('2'));
    expect(versionOf(all[4] as ReturnType<typeof join>)).toBe('2');
  });

  test('two namespaces whose proxies do not answer hold up a change for 3 s, and not the next', () => {
    const all = some('evil', 'evil-too', 'shop', 'bank');
    publish(resource('2'));
    expect(toldOf(all)).toEqual([1, 1, 0, 0]);
    pass(3_000);
    accept(all[2] as ReturnType<typeof join>, resource('2'));
    expect(toldOf(all)).toEqual([1, 1, 1, 1]);
    publish(resource('3'));
    expect(toldOf(all)).toEqual([1, 1, 2, 1]);
  });

  test('a proxy that rejects all and is the last to be asked holds up nobody', () => {
    const [first, second] = some('evil', 'shop') as [ReturnType<typeof join>, ReturnType<typeof join>];
    publish(resource('2'));
    reject(first, resource('2'));
    second.member.leave();
    expect(first.member.isHeldUp()).toBe(false);
    expect(versionOf(join('bank'))).toBe('2');
  });
});

describe('a removal', () => {
  test('alone is for all at once, and what was removed does not come back', () => {
    const pair = two();
    remove('cluster', 'c');
    expect(pair.map(({ member }) => member.target.cluster.has('c'))).toEqual([false, false]);
    publish(resource('2'));
    expect(pair[1].member.target.cluster.get('c')?.version).not.toBe('1');
  });
});

test('a change whose removed routes nobody asks for waits for nobody', () => {
  const [first, second] = two();
  publish(resource('1', 'shop/cart', 'routes', 'r'));
  for (const one of [first, second]) accept(one, resource('1', 'shop/cart', 'routes', 'r'));
  const before = { routes: shared.routes.get('r'), cluster: shared.cluster.get('c') };
  shared.routes.delete('r');
  shared.cluster.set('c', resource('2'));
  cohort.publish(
    [
      { content: shared, kind: 'routes', name: 'r', before: before.routes },
      { content: shared, kind: 'cluster', name: 'c', before: before.cluster },
    ],
    now,
  );
  first.proxy.owed.clear();
  accept(first, resource('2'));
  expect(versionOf(second)).toBe('2');
});

test('endpoints that go with their cluster wait for nobody', () => {
  const [first] = two();
  publish(resource('1', 'shop/cart', 'endpoints'));
  accept(first, resource('1', 'shop/cart', 'endpoints'));
  const before = { cluster: shared.cluster.get('c'), endpoints: shared.endpoints.get('c') };
  for (const kind of ['cluster', 'endpoints'] as const) shared[kind].delete('c');
  cohort.publish(
    (['cluster', 'endpoints'] as const).map((kind) => ({ content: shared, kind, name: 'c', before: before[kind] })),
    now,
  );
  expect(first.member.isHeldUp()).toBe(false);
});

test('routes that a new listener leads to are waited for', () => {
  const [first, second] = two();
  publish(resource('1', 'shop/cart', 'listener', 'l'), resource('1', 'shop/cart', 'routes', 'r'));
  first.proxy.owed.delete('routes r');
  accept(first, resource('1', 'shop/cart', 'listener', 'l'));
  expect(second.proxy.told).toEqual([]);
  accept(first, resource('1', 'shop/cart', 'routes', 'r'));
  expect(second.proxy.told).toEqual(['l', 'r']);
});

describe('the time of a change', () => {
  test('ends with the last answer of those that get it', () => {
    const [first, second] = two();
    converged.length = 0;
    publish(resource('2'));
    pass(10);
    accept(first, resource('2'));
    pass(7);
    expect(converged).toEqual([]);
    accept(second, resource('2'));
    expect(converged).toEqual([17]);
  });

  test('does not wait for proxies that have gone', () => {
    const [first, second] = two();
    converged.length = 0;
    publish(resource('2'));
    accept(first, resource('2'));
    second.member.leave();
    expect(converged).toEqual([0]);
  });

  test('is not told of what nobody was there to get', () => {
    for (const { member } of two()) member.leave();
    converged.length = 0;
    publish(resource('2'));
    const next = join();
    next.member.moved();
    accept(next, resource('2'));
    expect(converged).toEqual([]);
  });
});

test('another group of proxies tries a change as well', () => {
  const group = { ...emptyTarget };
  const [first, second] = two();
  const elsewhere = join('shop', group);
  publish(resource('2'));
  expect([first, second, elsewhere].map(({ proxy }) => proxy.told.length)).toEqual([1, 0, 1]);
  accept(first, resource('2'));
  expect(second.proxy.told).toEqual([]);
  accept(elsewhere, resource('2'));
  expect(second.proxy.told).toEqual(['c']);
});
