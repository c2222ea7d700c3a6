import { kinds, type Kind } from '../../../src/mesh/resources/kinds.ts';
import { createCohort, type Cohort, type Member } from '../../../src/mesh/stream/cohort.ts';
import type { Observation, Output, Response } from '../../../src/mesh/stream/exchange.ts';
import type { Published } from '../../../src/mesh/stream/published.ts';
import { createStream, type Stream } from '../../../src/mesh/stream/stream.ts';
import { emptyTarget, type Changes, type Target } from '../../../src/mesh/stream/target.ts';
import { DiscoveryClient, type ModelResource } from './discovery-client.ts';

type Content = Readonly<Record<Kind, Map<string, ModelResource>>>;

const nothing = (): Content =>
  Object.fromEntries(kinds.map((kind) => [kind, new Map()])) as unknown as Record<Kind, Map<string, ModelResource>>;

/** Which proxies do not take which content of a service. */
export interface Refusal {
  readonly proxies: readonly number[];
  readonly kind: Kind;
  readonly id: number;
  readonly content: number;
}

/** Returns what a version is of: kind, service and group. */
function nameIn(version: string): string {
  const [kind, id, , group] = version.split(' ');
  return [kind, id, group].join(' ');
}

/** A proxy that runs, with the network between it and its stream. */
interface Peer {
  readonly client: DiscoveryClient;
  stream: Stream<ModelResource>;
  member: Member<ModelResource>;
  readonly toClient: Response<ModelResource>[];
  readonly toServer: ReturnType<DiscoveryClient['take']>[number][];
  readonly underWay: Map<Kind, string>;
  /** Versions that were sent to it. */
  readonly sent: Set<string>;
  /** Names of which it has certainly held a version. */
  readonly accepted: Set<string>;
  /** Whether it has had its first state on this stream. */
  isUp: boolean;
}

/**
 * Proxies of one build around a control plane, which do not all take the same. Even and odd ones have other listeners; the first two
 * and the others have other views, in each of which some services differ.
 */
export class ProxyFleet {
  readonly #refusals: readonly Refusal[];
  readonly shared = nothing();
  readonly groups = [nothing(), nothing()] as const;
  readonly views = [nothing(), nothing()] as const;
  readonly peers = new Map<number, Peer>();
  readonly cohort: Cohort<ModelResource>;
  /** Versions that are withheld, and versions that somebody has accepted. */
  readonly withheld = new Set<string>();
  readonly accepted = new Set<string>();
  /** What must not happen. */
  readonly faults: string[] = [];
  rejections = 0;
  /** Names of which some proxy has accepted a version. */
  readonly established = new Set<string>();
  #isHurried = false;
  services: ReadonlyMap<number, number> = new Map();
  readonly #partyOf: (index: number) => string;
  #timers: (() => void)[] = [];
  converged = 0;

  /** @param partyOf namespace of a proxy; by default all have the same */
  constructor(refusals: readonly Refusal[], partyOf: (index: number) => string = () => 'shop') {
    this.#refusals = refusals;
    this.#partyOf = partyOf;
    this.cohort = createCohort({
      nowMs: () => 0,
      after: (_, action) => {
        this.#timers.push(action);
        return () => (this.#timers = this.#timers.filter((one) => one !== action));
      },
      converged: () => (this.converged += 1),
    });
  }

  start(index: number): void {
    if (this.peers.has(index)) return;
    const client = new DiscoveryClient(({ version, isGood }) => {
      const isRefused = this.#refusals.some(
        ({ proxies, kind, id, content }) => proxies.includes(index) && version.startsWith(`${kind} ${id} ${content} `),
      );
      return isGood && !isRefused;
    });
    this.#open(index, client, { sent: new Set(), accepted: new Set() });
  }

  stop(index: number): void {
    this.peers.get(index)?.member.leave();
    this.peers.delete(index);
  }

  reconnect(index: number): void {
    const peer = this.peers.get(index);
    if (peer === undefined) return;
    this.stop(index);
    this.#open(index, peer.client, peer);
  }

  #open(index: number, client: DiscoveryClient, { sent, accepted }: Pick<Peer, 'sent' | 'accepted'>): void {
    const stream = createStream<ModelResource>();
    const secret = { kind: 'secret', name: 'default', owner: 'proxy', version: 's', isGood: true } as const;
    const own: Target<ModelResource> = { ...emptyTarget, secret: new Map([['default', secret]]) };
    const group = this.groups[index % 2] ?? this.groups[0];
    const proxy = {
      ...stream,
      party: this.#partyOf(index),
      changed: (changes: Changes) => this.#take(peer, stream.aim(member.target, changes)),
    };
    const member = this.cohort.join(own, this.shared, group, proxy, this.#viewOf(index));
    const peer: Peer = {
      client,
      stream,
      member,
      toClient: [],
      toServer: [],
      underWay: new Map(),
      sent,
      accepted,
      isUp: false,
    };
    this.peers.set(index, peer);
    client.connect();
    this.#take(peer, stream.aim(member.target));
    peer.toServer.push(...client.take());
  }

  #take(peer: Peer, outputs: readonly Output<ModelResource>[]): void {
    for (const output of outputs) {
      if (output.type !== 'send') continue;
      for (const { kind, name, version } of output.resources) {
        const isNew = !peer.sent.has(version) && peer.client.held[kind].get(name)?.version !== version;
        if (this.#content(kind, peer).get(name)?.version !== version && !this.accepted.has(version))
          this.faults.push(`${version} was sent although it is not the newest, and nobody has accepted it`);
        if (isNew && this.withheld.has(version)) this.faults.push(`${version} was sent although it is withheld`);
        peer.sent.add(version);
      }
      peer.underWay.set(output.kind, output.nonce);
      peer.toClient.push(output);
    }
  }

  #hold(peer: Peer, kind: Kind, name: string, version: string): void {
    this.accepted.add(version);
    if (this.#content(kind, peer).get(name)?.version === version) this.established.add(nameIn(version));
    peer.accepted.add(`${kind} ${name}`);
    peer.member.accepted(kind, name, version);
  }

  #observe(peer: Peer, output: Observation<ModelResource>): void {
    if (output.type === 'held') {
      this.#hold(peer, output.kind, output.name, output.version);
    } else if (output.type === 'accepted') {
      for (const [name, resource] of output.sent)
        if (resource !== undefined) this.#hold(peer, output.kind, name, resource.version);
    } else if (output.type === 'rejected') {
      const { kind, name, version } = output.resource;
      this.rejections += 1;
      const isProven = this.established.has(nameIn(version)) && !this.accepted.has(version);
      if (isProven && !peer.isUp && !this.#isHurried && kind !== 'endpoints')
        this.faults.push(`${version} was tried by a proxy that starts`);
      const isNewest = this.#content(kind, peer).get(name)?.version === version;
      const isWithheld = peer.member.rejected(output.resource);
      if (isWithheld) this.withheld.add(version);
      else if (isNewest && !this.accepted.has(version)) this.faults.push(`${version} is not withheld`);
    }
  }

  #content(kind: Kind, peer: Peer): Map<string, ModelResource> {
    const index = [...this.peers].find(([, one]) => one === peer)?.[0] ?? 0;
    if (kind === 'listener') return (this.groups[index % 2] ?? this.groups[0])[kind];
    return new Map([...this.shared[kind], ...this.#viewOf(index)[kind]]);
  }

  #viewOf(index: number): Content {
    return this.views[index % 4 < 2 ? 0 : 1];
  }

  /** Makes these services all that there are: what they contain, by number. `mended` says for which resources it is something else. */
  publish(services: ReadonlyMap<number, number>, mended: ReadonlySet<string> = new Set()): void {
    this.services = services;
    const changes: Published<ModelResource>[] = [];
    const put = (
      content: Content,
      kind: Kind,
      prefix: string,
      refersTo = '',
      group = 0,
      isThere: (version: number) => boolean = () => true,
    ): void => {
      const names = new Map<string, readonly [id: number, version: number]>(
        [...services].flatMap(([id, version]) => (isThere(version) ? [[`${prefix}${id}`, [id, version]]] : [])),
      );
      for (const name of new Set([...content[kind].keys(), ...names.keys()])) {
        const before = content[kind].get(name);
        const now = names.get(name);
        const version = now && `${kind} ${now[0]} ${mended.has(`${kind} ${now[0]}`) ? 'mended' : now[1]} ${group}`;
        if (before?.version === version) continue;
        if (now === undefined || version === undefined) {
          content[kind].delete(name);
          if (before !== undefined) this.established.delete(nameIn(before.version));
        } else {
          this.withheld.delete(version);
          const more = refersTo === '' ? {} : { refersTo: `${refersTo}${now[0]}` };
          content[kind].set(name, { kind, name, owner: `s${now[0]}`, version, isGood: true, ...more });
        }
        changes.push({ content, kind, name, before });
      }
    };
    put(this.shared, 'cluster', 'c');
    put(this.shared, 'endpoints', 'c');
    put(this.shared, 'routes', 'r', 'c');
    for (const [index, view] of this.views.entries()) {
      const isThere = (version: number): boolean => (index === 0 ? version % 2 === 1 : version > 1);
      put(view, 'cluster', 'c', '', 2 + index, isThere);
      put(view, 'endpoints', 'c', '', 2 + index, isThere);
      put(view, 'routes', 'r', 'c', 2 + index, isThere);
    }
    for (const [index, group] of this.groups.entries()) put(group, 'listener', 'l', 'r', index);
    this.cohort.publish(changes, 0);
    this.#look();
  }

  toClient(index: number): boolean {
    const peer = this.peers.get(index);
    const message = peer?.toClient.shift();
    if (peer === undefined || message === undefined) return false;
    const before = this.#present(peer);
    peer.client.receive(message);
    for (const [kind, name] of before) {
      if (!this.#content(kind, peer).has(name) || peer.client.held[kind].has(name)) continue;
      this.faults.push(`proxy ${index} has lost ${kind} ${name}`);
    }
    peer.toServer.push(...peer.client.take());
    return true;
  }

  /** Names that a proxy holds of what nobody drops while it exists. */
  #present({ client, accepted }: Peer): readonly (readonly [Kind, string])[] {
    return (['cluster', 'listener'] as const).flatMap((kind) =>
      [...client.held[kind].keys()]
        .filter((name) => accepted.has(`${kind} ${name}`))
        .map((name) => [kind, name] as const),
    );
  }

  toServer(index: number): boolean {
    const peer = this.peers.get(index);
    const request = peer?.toServer.shift();
    if (peer === undefined || request === undefined) return false;
    if (peer.underWay.get(request.kind) === request.nonce) peer.underWay.delete(request.kind);
    for (const observation of peer.stream.receive(request)) this.#observe(peer, observation);
    this.#take(peer, peer.stream.next());
    peer.isUp ||= peer.stream.isReady();
    peer.member.moved();
    this.#look();
    return true;
  }

  /** Returns whether it is known of a proxy that it holds what is newest. */
  isKnownToHoldNewest(index: number): boolean {
    const peer = this.peers.get(index);
    return peer?.stream.holdsAll() === true && peer.member.isOfferedNewest();
  }

  /** Looks at each that is known to hold what is newest: whether that is true of every name. */
  #look(): void {
    for (const [index, peer] of this.peers) {
      if (!this.isKnownToHoldNewest(index)) continue;
      const { stream } = peer;
      for (const kind of ['cluster', 'endpoints', 'listener', 'routes'] as const) {
        for (const [name, { version }] of this.#content(kind, peer)) {
          const held = stream.holds(kind, name);
          if (held === version || (held === undefined && !stream.owes(kind, name))) continue;
          this.faults.push(`proxy ${index} has ${held} instead of ${version}, which nobody knows`);
        }
      }
    }
  }

  /** Lets time pass for proxies that do not answer. */
  wait(what: 'late' | 'abandon'): void {
    for (const peer of this.peers.values()) {
      for (const [kind, nonce] of Array.from(peer.underWay)) {
        if (what === 'abandon') peer.underWay.delete(kind);
        this.#take(peer, what === 'late' ? peer.stream.late(kind, nonce) : peer.stream.abandon(kind, nonce));
        peer.member.moved();
      }
    }
  }

  /** Lets time pass for what is being tried. */
  hurry(): void {
    this.#isHurried ||= [...this.peers.values()].some(({ isUp }) => !isUp);
    const timers = this.#timers;
    this.#timers = [];
    for (const action of timers) action();
  }

  #deliver(): void {
    const indexes = [...this.peers.keys()];
    while (indexes.map((index) => this.toClient(index) || this.toServer(index)).includes(true)) {
      /* until nothing is under way */
    }
  }

  /** Delivers everything, and lets time pass until nothing waits any more. */
  settle(): void {
    for (let rounds = 0; rounds < 100; rounds += 1) {
      this.#deliver();
      const isQuiet = [...this.peers.values()].every(({ underWay }) => underWay.size === 0);
      const isHeldUp = [...this.peers.values()].some(({ member }) => member.isHeldUp());
      if (isQuiet && !isHeldUp) return;
      if (isQuiet) this.hurry();
      else {
        this.wait('late');
        this.#deliver();
        this.wait('abandon');
      }
    }
    throw new Error('does not come to rest');
  }

  /** Returns the versions that a proxy holds, by name. */
  held(index: number, kind: Kind): Readonly<Record<string, string>> {
    const held = this.peers.get(index)?.client.held[kind] ?? new Map<string, ModelResource>();
    return Object.fromEntries([...held].map(([name, { version }]) => [name, version]));
  }

  /** Returns what a proxy lacks of the newest content, or has beyond it. */
  differences(index: number): readonly string[] {
    const peer = this.peers.get(index);
    if (peer === undefined) return [];
    return (['cluster', 'endpoints', 'listener', 'routes'] as const).flatMap((kind) => {
      const content = this.#content(kind, peer);
      const held = peer.client.held[kind];
      return [...new Set([...content.keys(), ...held.keys()])]
        .filter((name) => content.get(name)?.version !== held.get(name)?.version)
        .map((name) => `${kind} ${name}: ${held.get(name)?.version} instead of ${content.get(name)?.version}`);
    });
  }
}
