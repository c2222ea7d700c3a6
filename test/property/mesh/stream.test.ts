import { expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { kinds, type Kind } from '../../../src/mesh/resources/kinds.ts';
import type { Output } from '../../../src/mesh/stream/exchange.ts';
import { createStream, type Stream } from '../../../src/mesh/stream/stream.ts';
import type { Changes } from '../../../src/mesh/stream/target.ts';
import { DiscoveryClient, type ModelResource } from '../../support/models/discovery-client.ts';

/*
 * A proxy and its stream, with a network between them that delivers when it likes, loses the connection, and a target that
 * changes at any time. Whatever happens: no route leads to a missing cluster, one response of a kind is under way, and in the
 * end the proxy holds all that it can accept.
 */

/** A service of the model: versions of its resources, and which of them Envoy would reject. */
interface ModelService {
  readonly id: number;
  readonly content: number;
  /** Content of its endpoints, which change for themselves. */
  readonly places: number;
  readonly bad: Kind | undefined;
}

type Step =
  | { readonly type: 'target'; readonly services: readonly ModelService[] }
  | { readonly type: 'toClient' | 'toServer' | 'late' | 'abandon' }
  | { readonly type: 'reconnect' };

const service: fc.Arbitrary<ModelService> = fc.record({
  id: fc.integer({ min: 0, max: 4 }),
  content: fc.integer({ min: 0, max: 2 }),
  places: fc.integer({ min: 0, max: 2 }),
  bad: fc.oneof(
    { weight: 5, arbitrary: fc.constant(undefined) },
    fc.constantFrom<Kind>('cluster', 'endpoints', 'listener', 'routes'),
  ),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('target' as const),
      services: fc.uniqueArray(service, { selector: ({ id }) => id, maxLength: 5 }),
    }),
  },
  { weight: 12, arbitrary: fc.record({ type: fc.constantFrom('toClient' as const, 'toServer' as const) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('late' as const, 'abandon' as const) }) },
  { weight: 1, arbitrary: fc.constant({ type: 'reconnect' as const }) },
);

function targetOf(services: readonly ModelService[]): Readonly<Record<Kind, ReadonlyMap<string, ModelResource>>> {
  const make = (
    kind: Kind,
    name: string,
    { id, content, places, bad }: ModelService,
    refersTo?: string,
  ): [string, ModelResource] => [
    name,
    {
      kind,
      name,
      owner: `s${id}`,
      version: `${kind} ${id} ${kind === 'endpoints' ? places : content} ${bad === kind ? 'bad' : ''}`,
      isGood: bad !== kind,
      ...(refersTo !== undefined && { refersTo }),
    },
  ];
  const secret: ModelResource = { kind: 'secret', name: 'default', owner: 'proxy', version: 's', isGood: true };
  return {
    secret: new Map([['default', secret]]),
    cluster: new Map(services.map((one) => make('cluster', `c${one.id}`, one))),
    endpoints: new Map(services.map((one) => make('endpoints', `c${one.id}`, one))),
    listener: new Map(services.map((one) => make('listener', `l${one.id}`, one, `r${one.id}`))),
    routes: new Map(services.map((one) => make('routes', `r${one.id}`, one, `c${one.id}`))),
  };
}

/** The names that differ between two targets, which is all that a stream is told. */
function changesOf(before: ReturnType<typeof targetOf>, after: ReturnType<typeof targetOf>): Changes {
  const differ = (kind: Kind): readonly string[] =>
    [...new Set([...before[kind].keys(), ...after[kind].keys()])].filter(
      (name) => before[kind].get(name)?.version !== after[kind].get(name)?.version,
    );
  return Object.fromEntries(kinds.map((kind) => [kind, differ(kind)]));
}

type Sent = Output<ModelResource> & { readonly type: 'send' };

class Game {
  readonly client = new DiscoveryClient();
  stream: Stream<ModelResource> = createStream();
  target = targetOf([]);
  readonly #toClient: Sent[] = [];
  #toServer: ReturnType<DiscoveryClient['take']>[number][] = [];
  /** Nonces of what was sent and not yet answered, by kind. */
  readonly underWay = new Map<Kind, string>();
  readonly late = new Set<string>();

  constructor() {
    this.connect();
  }

  connect(): void {
    this.stream = createStream();
    this.#toClient.length = 0;
    this.#toServer = [];
    this.underWay.clear();
    this.late.clear();
    this.client.connect();
    this.take(this.stream.aim(this.target));
    this.#toServer.push(...this.client.take());
  }

  take(outputs: readonly Output<ModelResource>[]): void {
    for (const output of outputs) {
      if (output.type !== 'send') continue;
      const before = this.underWay.get(output.kind);
      if (before !== undefined && !this.late.has(before))
        throw new Error(`two responses of ${output.kind} are under way`);
      this.underWay.set(output.kind, output.nonce);
      this.#toClient.push(output);
    }
  }

  aim(services: readonly ModelService[]): void {
    const before = this.target;
    this.target = targetOf(services);
    this.take(this.stream.aim(this.target, changesOf(before, this.target)));
  }

  toClient(): boolean {
    const message = this.#toClient.shift();
    if (message === undefined) return false;
    this.client.receive(message);
    this.#toServer.push(...this.client.take());
    return true;
  }

  toServer(): boolean {
    const request = this.#toServer.shift();
    if (request === undefined) return false;
    if (this.underWay.get(request.kind) === request.nonce) this.underWay.delete(request.kind);
    this.stream.receive(request);
    this.take(this.stream.next());
    return true;
  }

  time(what: 'late' | 'abandon'): void {
    for (const [kind, nonce] of Array.from(this.underWay)) {
      this.late.add(nonce);
      if (what === 'abandon') this.underWay.delete(kind);
      this.take(what === 'late' ? this.stream.late(kind, nonce) : this.stream.abandon(kind, nonce));
    }
  }

  /** Delivers everything; what is never answered is abandoned in the end. */
  settle(): void {
    for (let rounds = 0; rounds < 60; rounds += 1) {
      while (this.toClient() || this.toServer()) {
        /* until nothing is under way */
      }
      if (this.underWay.size === 0) return;
      this.time('late');
      while (this.toClient() || this.toServer()) {
        /* until nothing is under way */
      }
      this.time('abandon');
    }
    throw new Error(`does not come to rest: ${[...this.underWay.keys()].join()} stay unanswered`);
  }
}

const numRuns = Number(process.env['FAST_CHECK_RUNS'] ?? 3000);

function play(steps: readonly Step[]): Game {
  const game = new Game();
  for (const one of steps) {
    if (one.type === 'target') game.aim(one.services);
    else if (one.type === 'toClient') game.toClient();
    else if (one.type === 'toServer') game.toServer();
    else if (one.type === 'reconnect') game.connect();
    else game.time(one.type);
  }
  game.settle();
  return game;
}

test(`a proxy ends with all that it accepts (seed ${fc.seed})`, () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { client, target } = play(steps);
      const wanted = [...target.cluster.values()].filter(({ isGood }) => isGood);
      for (const cluster of wanted) {
        expect(client.held.cluster.get(cluster.name)?.version).toBe(cluster.version);
        const endpoints = target.endpoints.get(cluster.name);
        if (endpoints?.isGood === true)
          expect(client.held.endpoints.get(cluster.name)?.version).toBe(endpoints.version);
      }
      // A cluster that stays as it was, because the new one was rejected, has the new endpoints all the same.
      for (const name of client.held.cluster.keys()) {
        const endpoints = target.endpoints.get(name);
        if (endpoints?.isGood === true) expect(client.held.endpoints.get(name)?.version).toBe(endpoints.version);
      }
      for (const listener of target.listener.values()) {
        if (!listener.isGood) continue;
        expect(client.held.listener.get(listener.name)?.version).toBe(listener.version);
        const routes = target.routes.get(listener.refersTo ?? '');
        if (routes?.isGood === true) expect(client.held.routes.get(routes.name)?.version).toBe(routes.version);
      }
      for (const name of client.held.cluster.keys()) expect(target.cluster.has(name)).toBe(true);
      for (const name of client.held.listener.keys()) expect(target.listener.has(name)).toBe(true);
    }),
    { numRuns },
  );
});

test(`no route leads to a missing cluster while every response is answered in time (seed ${fc.seed})`, () => {
  const good = fc.record({
    id: fc.integer({ min: 0, max: 4 }),
    content: fc.integer({ min: 0, max: 2 }),
    places: fc.integer({ min: 0, max: 2 }),
    bad: fc.constant(undefined),
  });
  const orderly: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constant('target' as const),
        services: fc.uniqueArray(good, { selector: ({ id }) => id, maxLength: 5 }),
      }),
    },
    { weight: 12, arbitrary: fc.record({ type: fc.constantFrom('toClient' as const, 'toServer' as const) }) },
    { weight: 1, arbitrary: fc.constant({ type: 'reconnect' as const }) },
  );
  fc.assert(
    fc.property(fc.array(orderly, { maxLength: 60 }), (steps) => {
      expect(play(steps).client.faults).toEqual([]);
    }),
    { numRuns },
  );
});
