import { expect, test } from '@jest/globals';
import type { ModeChange } from '../../../src/mesh/plan/mode-change.ts';
import { modesFrom, textOfModes, type PeerModes } from '../../../src/mesh/plan/peer-modes.ts';
import { noRules } from '../../../src/mesh/rules/rule-kinds.ts';
import type { MtlsMode } from '../../../src/mesh/rules/security/peer-authentication.ts';
import { createModeChanges, type ModeChanges } from '../../../src/mesh/serve/mode-changes.ts';
import {
  haveAcknowledged,
  readModeReport,
  type ModeReport,
  type PeerReports,
} from '../../../src/mesh/serve/mode-reports.ts';
import type { Pod } from '../../../src/mesh/world/pod.ts';
import { emptyWorld, type Touched, type World } from '../../../src/mesh/world/world.ts';
import * as fc from '../../support/fast-check.ts';

/*
 * Two replicas of the control plane lead one pod to other modes. Its proxy is connected to the first, and each has one client. What a client sends
 * has to be taken by what the pod's proxy has, whenever anything arrives.
 */

const key = 'shop/cart';
const cart = { key, uid: '1', namespace: 'shop', name: 'cart', labels: {}, plainPorts: [] } as unknown as Pod;

interface Replica {
  readonly changes: ModeChanges;
  /** Returns the number of targets that it has read. */
  readonly read: () => number;
  readNext(): void;
  /** Asks the other replica. */
  ask(): void;
  step(): void;
  /** What its client sends by, and what it takes as the newest. */
  client: PeerModes;
  deliverToClient(): void;
  report(): ModeReport;
}

function play(targets: readonly PeerModes[], isPatient = true) {
  const [first = modesFrom('PERMISSIVE', [])] = targets;
  const clock = { nowMs: 0 };
  let server = first;
  const replicas: Replica[] = [];

  function create(index: number): Replica {
    let [count, world]: [number, World] = [1, { ...emptyWorld, pod: new Map([[key, cart]]) }];
    let last: PeerReports = { askedMs: 0, reports: [undefined] };
    const target = (): PeerModes => targets[count - 1] ?? first;
    const acknowledgements = {
      ofProxy: () => () => index !== 0 || textOfModes(server) === textOfModes(changes.servedBy(cart)),
      clients: () => () => () => textOfModes(self.client) === textOfModes(changes.calledBy(cart)),
      drainMs: () => 0,
    };
    const changes = createModeChanges(
      target,
      acknowledgements,
      () => clock.nowMs,
      () => undefined,
    );
    const self: Replica = {
      changes,
      client: first,
      read: () => count,
      readNext() {
        if (count >= targets.length) return;
        const [before, said] = [world, { modesOf: () => first }];
        const old = target();
        said.modesOf = () => old;
        count += 1;
        world = { ...world, rules: { ...noRules, PeerAuthentication: new Map() } };
        const none: ReadonlySet<string> = new Set();
        const touched: Touched = {
          services: none,
          endpoints: none,
          traffic: none,
          pods: none,
          guarding: new Set(['shop']),
        };
        changes.advance(before, world, touched, said, { modesOf: target });
      },
      report: () => ({ objects: String(count), ...changes.report() }),
      ask() {
        const other = replicas[1 - index];
        if (other !== undefined)
          last = { askedMs: clock.nowMs, reports: [readModeReport(JSON.stringify(other.report()))] };
      },
      step: () =>
        void changes.step((step, sinceMs) => isPatient && haveAcknowledged(last, String(count), step, sinceMs)),
      deliverToClient: () => void (self.client = changes.calledBy(cart)),
    };
    return self;
  }

  replicas.push(create(0), create(1));
  return {
    clock,
    replicas,
    server: () => server,
    deliverToServer: () => void (server = replicas[0]?.changes.servedBy(cart) ?? server),
  };
}

function isTaken(server: PeerModes, client: PeerModes): boolean {
  return client.base === 'DISABLE' ? server.base !== 'STRICT' : server.base !== 'DISABLE';
}

const anyModes = fc.constantFrom<MtlsMode>('DISABLE', 'PERMISSIVE', 'STRICT').map((base) => modesFrom(base, []));
/** Events of two replicas, of which one may do most. */
const story = (...who: readonly number[]) =>
  fc.array(
    fc.record({
      what: fc.constantFrom('read', 'ask', 'ask', 'step', 'step', 'client', 'server', 'time'),
      who: fc.constantFrom(...who),
    }),
    { minLength: 60, maxLength: 90 },
  );
const anyStory = fc.oneof(story(0, 1), story(0, 0, 0, 0, 0, 1));

test('what clients of either replica send is taken, in any order of events; and both get there', () => {
  fc.assert(
    fc.property(fc.array(anyModes, { minLength: 2, maxLength: 4 }), anyStory, (targets, events) => {
      const { clock, replicas, server, deliverToServer } = play(targets);
      const happen = ({ what, who }: { what: string; who: number }): void => {
        const replica = replicas[who] as Replica;
        if (what === 'read') replica.readNext();
        else if (what === 'ask') replica.ask();
        else if (what === 'step') replica.step();
        else if (what === 'client') replica.deliverToClient();
        else if (what === 'server') deliverToServer();
        // Less than anybody's patience in all.
        else clock.nowMs += 300;
        for (const { client } of replicas) expect(isTaken(server(), client)).toBe(true);
      };
      for (const one of events) happen(one);
      for (let round = 0; round < 14; round += 1) {
        for (const what of ['read', 'client', 'server', 'ask', 'time', 'step']) {
          for (const who of [0, 1]) happen({ what, who });
          if (clock.nowMs > 20_000) clock.nowMs = 20_000;
        }
      }
      const end = targets.at(-1) as PeerModes;
      expect([textOfModes(server()), ...replicas.map(({ changes }) => changes.report().at)]).toEqual([
        textOfModes(end),
        ...replicas.map(() => ({ opening: 0, clients: 0, closing: 0, draining: 0 })),
      ]);
    }),
  );
});

test('a replica that nobody answers goes on after its patience, and says so', () => {
  const { clock, replicas, deliverToServer, server } = play(
    [modesFrom('PERMISSIVE', []), modesFrom('STRICT', [])],
    false,
  );
  const [replica] = replicas as [Replica];
  replica.readNext();
  for (let step = 0; step < 2; step += 1) {
    replica.deliverToClient();
    deliverToServer();
    replica.step();
    expect(textOfModes(server())).toBe('PERMISSIVE');
    clock.nowMs += 30_000;
    replica.step();
  }
  deliverToServer();
  expect([textOfModes(server()), (replica.changes.changeOf(key) as ModeChange).waitsFor]).toEqual([
    'STRICT',
    'closing',
  ]);
});
