import { expect, test } from '@jest/globals';
import type { Kind } from '../../../src/mesh/resources/kinds.ts';
import type { Output } from '../../../src/mesh/stream/exchange.ts';
import { createStream } from '../../../src/mesh/stream/stream.ts';
import { emptyTarget, type Target, type Versioned } from '../../../src/mesh/stream/target.ts';

/** A target of clusters and their endpoints: name, then the versions of both. */
function targetOf(services: Readonly<Record<string, readonly [cluster: string, endpoints: string]>>): Target {
  const setOf = (kind: 'cluster' | 'endpoints', at: 0 | 1): Map<string, Versioned> =>
    new Map(
      Object.entries(services).map(([name, versions]) => [name, { kind, name, version: versions[at], owner: name }]),
    );
  return { ...emptyTarget, cluster: setOf('cluster', 0), endpoints: setOf('endpoints', 1) };
}

/** A stream whose proxy holds the target, and what it was sent since. */
function openStream(target: Target) {
  const stream = createStream<Versioned>();
  const sent: string[] = [];
  const underWay = new Map<Kind, string>();

  function take(outputs: readonly Output<Versioned>[]): void {
    for (const output of outputs) {
      if (output.type !== 'send') continue;
      underWay.set(output.kind, output.nonce);
      sent.push(...output.resources.map(({ kind, name, version }) => `${kind} ${name} ${version}`));
    }
  }

  function ask(kind: Kind, more: { readonly subscribe?: readonly string[]; readonly rejection?: string } = {}): void {
    const nonce = underWay.get(kind) ?? '';
    underWay.delete(kind);
    stream.receive({ kind, subscribe: [], unsubscribe: [], initialVersions: {}, rejection: undefined, ...more, nonce });
    take(stream.next());
  }

  take(stream.aim(target));
  ask('cluster');
  ask('endpoints', { subscribe: [...target.endpoints.keys()] });
  ask('endpoints');
  ask('cluster');
  expect(underWay.size).toBe(0);
  sent.length = 0;
  return {
    sent,
    ask,
    aim: (next: Target, names: readonly string[], kinds: readonly Kind[] = ['cluster', 'endpoints']) =>
      take(stream.aim(next, Object.fromEntries(kinds.map((kind) => [kind, names])))),
  };
}

test('endpoints that wait for a change of their cluster come when the change is taken back before it was sent', () => {
  const { sent, ask, aim } = openStream(targetOf({ cart: ['c1', 'e1'], other: ['o1', 'p1'] }));
  aim(targetOf({ cart: ['c1', 'e1'], other: ['o2', 'p1'] }), ['other'], ['cluster']);
  ask('endpoints');
  // The proxy has yet to answer for the other cluster, so this one has to wait.
  aim(targetOf({ cart: ['c2', 'e2'], other: ['o2', 'p1'] }), ['cart']);
  aim(targetOf({ cart: ['c1', 'e2'], other: ['o2', 'p1'] }), ['cart'], ['cluster']);
  ask('endpoints');
  ask('cluster');
  expect(sent).toEqual(['cluster other o2', 'endpoints other p1', 'endpoints cart e2']);
});

test('they come when the change is rejected', () => {
  const { sent, ask, aim } = openStream(targetOf({ cart: ['c1', 'e1'] }));
  aim(targetOf({ cart: ['c2', 'e2'] }), ['cart']);
  ask('endpoints');
  ask('cluster', { rejection: 'no' });
  // What the cluster that stays may wait for, then what is new.
  expect(sent).toEqual(['cluster cart c2', 'endpoints cart e1', 'endpoints cart e2']);
});
