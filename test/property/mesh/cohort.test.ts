import { expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { kinds, type Kind } from '../../../src/mesh/resources/kinds.ts';
import { ProxyFleet, type Refusal } from '../../support/models/proxy-fleet.ts';

/*
 * Several proxies of one build, some of which do not take some versions: what one of them has rejected reaches no other, nobody
 * loses what was good, and all hold the newest state once its owner has mended it.
 */

type Services = ReadonlyMap<number, number>;

type PeerStep = 'start' | 'stop' | 'reconnect' | 'toClient' | 'toServer';
type Step =
  | { readonly type: 'publish'; readonly services: Services }
  | { readonly type: PeerStep; readonly proxy: number }
  | { readonly type: 'late' | 'abandon' | 'hurry' };

const proxies = 4;
const proxy = fc.integer({ min: 0, max: proxies - 1 });
const id = fc.integer({ min: 0, max: 3 });
const kind = fc.constantFrom<Kind>('cluster', 'endpoints', 'listener', 'routes');

/** Content that nobody rejects; the others are rejected by whoever a refusal names. */
const good = 0;

const services: fc.Arbitrary<Services> = fc
  .uniqueArray(fc.tuple(id, fc.integer({ min: good, max: 3 })), { selector: ([one]) => one, maxLength: 4 })
  .map((pairs) => new Map(pairs));

const refusals = fc.array(
  fc.record({
    proxies: fc.subarray([0, 1, 2, 3, 4], { minLength: 1 }),
    kind,
    id,
    content: fc.integer({ min: good + 1, max: 3 }),
  }),
  { maxLength: 5 },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('publish' as const), services }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom('start' as const, 'stop' as const), proxy }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reconnect' as const), proxy }) },
  { weight: 24, arbitrary: fc.record({ type: fc.constantFrom('toClient' as const, 'toServer' as const), proxy }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom('late' as const, 'abandon' as const, 'hurry' as const) }),
  },
);

function act(fleet: ProxyFleet, one: Step): void {
  if (one.type === 'publish') fleet.publish(one.services);
  else if ('proxy' in one) fleet[one.type](one.proxy);
  else if (one.type === 'hurry') fleet.hurry();
  else fleet.wait(one.type);
}

const numRuns = Number(process.env['FAST_CHECK_RUNS'] ?? 2000);

const history = fc.record({ refusals, first: services, steps: fc.array(step, { maxLength: 60 }) });

function play(given: { refusals: readonly Refusal[]; first: Services; steps: readonly Step[] }): ProxyFleet {
  const fleet = new ProxyFleet(given.refusals);
  fleet.publish(given.first);
  for (let index = 0; index < proxies; index += 1) fleet.start(index);
  for (const one of given.steps) act(fleet, one);
  fleet.settle();
  return fleet;
}

test(`what one proxy has rejected reaches no other, and nobody loses what is there (seed ${fc.seed})`, () => {
  fc.assert(
    fc.property(history, (given) => {
      expect(play(given).faults).toEqual([]);
    }),
    { numRuns },
  );
});

/** One that a proxy has rejected goes, and what the proxy has does not change by it. */
const goneWhatWasRejected = {
  refusals: [{ proxies: [2, 4], kind: 'cluster' as Kind, id: 3, content: 3 }],
  first: new Map([[3, 3]]),
  steps: [
    { type: 'toServer', proxy: 2 },
    { type: 'publish', services: new Map() },
  ] as Step[],
};

test(`all proxies hold the newest state once what they reject is mended (seed ${fc.seed})`, () => {
  fc.assert(
    fc.property(history, (given) => {
      const fleet = play(given);
      fleet.publish(fleet.services, new Set(given.refusals.map((one) => `${one.kind} ${one.id}`)));
      fleet.settle();
      expect([...fleet.peers.keys()].flatMap((index) => fleet.differences(index))).toEqual([]);
      expect(kinds.map((one) => fleet.cohort.withheld(one))).toEqual(kinds.map(() => 0));
      // What is shadowed in all views is nobody's to accept, so nothing differs any more.
      fleet.publish(new Map([...fleet.services.keys()].map((one) => [one, good])));
      fleet.settle();
      expect([...fleet.peers.keys()].filter((index) => !fleet.isKnownToHoldNewest(index))).toEqual([]);
    }),
    { numRuns, examples: [[goneWhatWasRejected]] },
  );
});

test(`proxies of one namespace that reject anything keep nothing from those of others (seed ${fc.seed})`, () => {
  fc.assert(
    fc.property(history, fc.subarray([0, 1, 2, 3], { minLength: 1, maxLength: 3 }), (given, hostile) => {
      const refused = given.refusals.map((one) => ({ ...one, proxies: hostile }));
      const fleet = new ProxyFleet(refused, (index) => (hostile.includes(index) ? 'hostile' : `own-${index}`));
      fleet.publish(given.first);
      for (let index = 0; index < proxies; index += 1) fleet.start(index);
      for (const one of given.steps) act(fleet, one);
      for (let index = 0; index < proxies; index += 1) fleet.start(index);
      fleet.settle();
      const others = [0, 1, 2, 3].filter((index) => !hostile.includes(index));
      expect(others.flatMap((index) => fleet.differences(index))).toEqual([]);
    }),
    { numRuns },
  );
});

test(`a proxy that starts gets the last good state (seed ${fc.seed})`, () => {
  fc.assert(
    fc.property(services, services, refusals, fc.boolean(), (before, after, some, isLast) => {
      // Whoever runs rejects the same, and so would the one that starts.
      const everywhere = some.map((one) => ({ ...one, proxies: [0, 1, 2, 3, 4] }));
      const fleet = new ProxyFleet(everywhere);
      fleet.publish(new Map([...before].map(([one]) => [one, good])));
      for (let index = 0; index < proxies; index += 1) fleet.start(index);
      fleet.settle();
      fleet.publish(after);
      fleet.settle();
      const kept = (['cluster', 'endpoints', 'listener', 'routes'] as const).map((one) => {
        const known = Object.entries(fleet.held(0, one)).filter(([name]) => before.has(Number(name.slice(1))));
        return [one, Object.fromEntries(known)] as const;
      });
      for (let index = 0; index < proxies; index += 1) if (isLast || index % 2 === 0) fleet.stop(index);
      const rejections = fleet.rejections;
      fleet.start(4);
      fleet.settle();
      expect(fleet.rejections).toBe(rejections);
      for (const [one, known] of kept) expect(fleet.held(4, one)).toMatchObject(known);
    }),
    { numRuns },
  );
});

test(`a proxy that is alone gets what was good, then tries what is new (seed ${fc.seed})`, () => {
  fc.assert(
    fc.property(services, services, refusals, fc.boolean(), (before, after, some, isTried) => {
      const fleet = new ProxyFleet(some);
      fleet.publish(new Map([...before].map(([one]) => [one, good])));
      for (let index = 0; index < proxies; index += 1) fleet.start(index);
      fleet.settle();
      if (isTried) fleet.publish(after);
      for (let index = 0; index < proxies; index += 1) fleet.stop(index);
      if (!isTried) fleet.publish(after);
      fleet.start(4);
      fleet.settle();
      expect(fleet.faults).toEqual([]);
      fleet.publish(after, new Set(some.map((one) => `${one.kind} ${one.id}`)));
      fleet.settle();
      expect(fleet.differences(4)).toEqual([]);
    }),
    { numRuns },
  );
});

test(`of each group of proxies, one gets what they all reject (seed ${fc.seed})`, () => {
  fc.assert(
    fc.property(services, services, refusals, fc.boolean(), (before, after, some, isAgain) => {
      const fleet = new ProxyFleet(some.map((one) => ({ ...one, proxies: [0, 1, 2, 3, 4] })));
      fleet.publish(new Map([...before].map(([one]) => [one, good])));
      for (let index = 0; index < proxies; index += 1) fleet.start(index);
      fleet.settle();
      fleet.publish(after);
      fleet.settle();
      if (isAgain) {
        fleet.publish(new Map([...before].map(([one]) => [one, good])));
        fleet.settle();
        fleet.publish(after);
        fleet.settle();
      }
      for (const version of fleet.withheld) {
        if (version.startsWith('endpoints')) continue;
        const got = [...fleet.peers.values()].filter(({ sent }) => sent.has(version));
        // Whoever was slow is not the first to try it again.
        const most = fleet.groups.length * (isAgain ? 2 : 1);
        expect([version, got.length <= most]).toEqual([version, true]);
      }
    }),
    { numRuns },
  );
});
