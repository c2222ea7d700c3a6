import { expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { createEllipticAuthority } from '../../../src/certs/elliptic-certificate.ts';
import { rootAuthority } from '../../../src/mesh/identity/mesh-authority.ts';
import { defaultRootPolicy } from '../../../src/mesh/identity/root-rotation.ts';
import { hourMs, RootModel, type Action } from '../../support/mesh/root-model.ts';

/*
 * Two replicas that share a Secret, and four proxies: steps in any order, replicas that crash or are cut off, proxies that are
 * away, and clocks that are moved. Proxies with valid certificates verify each other at every moment.
 */

const replica = fc.integer({ min: 0, max: 1 });
const proxy = fc.integer({ min: 0, max: 3 });
const common: fc.Arbitrary<Action>[] = [
  fc.record({ type: fc.constantFrom('look' as const, 'look' as const, 'crash' as const, 'heal' as const), replica }),
  fc.record({ type: fc.constantFrom('sync' as const, 'sync' as const, 'leave' as const), proxy }),
  fc.record({ type: fc.constant('join' as const), proxy, replica }),
  fc.record({ type: fc.constant('ask' as const) }),
];
const slow: fc.Arbitrary<Action>[] = [
  fc.record({ type: fc.constant('pass' as const), hours: fc.integer({ min: 1, max: 30 }) }),
  fc.record({ type: fc.constant('cut-off' as const), replica }),
  fc.record({ type: fc.constant('clock' as const), replica, hours: fc.constantFrom(-20, -1, 0, 0, 1, 48, 9_000) }),
];

async function play(model: RootModel, actions: readonly Action[], check: () => void): Promise<void> {
  for (const action of actions) {
    await model.do(action);
    check();
  }
}

/** Lets everything heal, and expects that a rotation comes to its end. */
async function expectPeace(model: RootModel): Promise<void> {
  model.healAll();
  for (const one of model.replicas) one.offsetMs = 0;
  for (const [index, one] of model.proxies.entries()) {
    if (one.replica === undefined) await model.do({ type: 'join', proxy: index, replica: index % 2 });
  }
  await model.do({ type: 'pass', hours: 110 });
  const [first, second] = model.states();
  expect(first).toMatchObject({ phase: 'stable', previous: [] });
  expect(second).toEqual(first);
  for (const { roots, leaf } of model.proxies) {
    expect({ roots, signer: leaf.signer }).toEqual({ roots: first?.current.roots, signer: first?.current.certificate });
  }
}

test('with the usual times, no proxy is lost, wherever it was', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(...common, ...slow), { maxLength: 40 }), async (actions) => {
      const model = await RootModel.open(defaultRootPolicy, 2, 4);
      await play(model, actions, () => expect(model.strangers(() => true)).toEqual([]));
      await expectPeace(model);
    }),
    { numRuns: 60 },
  );
});

test('with answers alone, no connected proxy is lost', async () => {
  const policy = { ...defaultRootPolicy, usual: { leastMs: 0, mostMs: Infinity } };
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(...common), { maxLength: 60 }), async (actions) => {
      const model = await RootModel.open(policy, 2, 4);
      await play(model, actions, () => expect(model.strangers(({ isStale }) => !isStale)).toEqual([]));
      await expectPeace(model);
    }),
    { numRuns: 60 },
  );
});

test('years pass: the root is replaced by itself, and each time in the same order', async () => {
  const model = await RootModel.open({ ...defaultRootPolicy, lifetimeMs: 20 * 24 * hourMs }, 2, 4);
  const phases: string[] = [];
  for (let hour = 0; hour < 24 * 60; hour += 1) {
    await model.do({ type: 'pass', hours: 1 });
    expect(model.strangers(() => true)).toEqual([]);
    const state = model.states()[0];
    const text = `${state?.phase} ${state?.generation}`;
    if (phases.at(-1) !== text) phases.push(text);
  }
  expect(phases.slice(0, 7)).toEqual(['stable 1', 'trust 1', 'sign 2', 'stable 2', 'trust 2', 'sign 3', 'stable 3']);
});

test('authorities that people give, one after the other and in any order, lose nobody', async () => {
  const kinds = fc.constantFrom(0, 1, 2, undefined);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(kinds, fc.integer({ min: 1, max: 60 })), { maxLength: 6 }), async (history) => {
      const model = await RootModel.open(defaultRootPolicy, 2, 4);
      const authorities = [0, 1, 2].map((index) =>
        rootAuthority(
          createEllipticAuthority({ name: `given-${index}`, now: new Date(model.nowMs), lifetimeMs: 9_000 * hourMs }),
        ),
      );
      for (const [index, hours] of history) {
        model.give(index === undefined ? undefined : authorities[index]);
        for (let hour = 0; hour < hours; hour += 1) {
          await model.do({ type: 'pass', hours: 1 });
          expect(model.strangers(() => true)).toEqual([]);
        }
      }
      await expectPeace(model);
      const last = history.at(-1)?.[0];
      if (last !== undefined) expect(model.states()[0]?.current.certificate).toBe(authorities[last]?.certificate);
    }),
    { numRuns: 15 },
  );
});
