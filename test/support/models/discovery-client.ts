import type { Kind } from '../../../src/mesh/resources/kinds.ts';
import type { Output, Request } from '../../../src/mesh/stream/exchange.ts';
import type { Versioned } from '../../../src/mesh/stream/target.ts';

/** A resource of the model: what it refers to, and whether Envoy accepts it. */
export interface ModelResource extends Versioned {
  readonly isGood: boolean;
  /** Names of the routes of a listener, or of the cluster of routes. */
  readonly refersTo?: string;
}

type Sent = Output<ModelResource> & { readonly type: 'send' };

/**
 * Envoy 1.40 as a client of delta ADS, as far as was seen: in which order it asks, what it holds, when it answers. It keeps what
 * it holds when its stream ends.
 */
export class DiscoveryClient {
  readonly #accepts: (resource: ModelResource) => boolean;

  readonly held: Readonly<Record<Kind, Map<string, ModelResource>>> = {
    secret: new Map(),
    cluster: new Map(),
    endpoints: new Map(),
    listener: new Map(),
    routes: new Map(),
  };

  /** What has gone wrong for traffic: routes to a cluster that is not there. */
  readonly faults: string[] = [];
  readonly #asked = new Map<Kind, Set<string>>();
  /** Clusters that wait for endpoints after a change. */
  readonly #warming = new Set<string>();
  /** New clusters that were rejected beside good ones: nothing is answered until they are removed. */
  readonly #stuck = new Set<string>();
  #withheld: { readonly nonce: string; readonly errors: readonly string[] } | undefined;
  #outbox: Request[] = [];

  /** `accepts` says what this build of Envoy takes. */
  constructor(accepts = ({ isGood }: ModelResource): boolean => isGood) {
    this.#accepts = accepts;
  }

  /** Requests since the last call. */
  take(): readonly Request[] {
    const requests = this.#outbox;
    this.#outbox = [];
    return requests;
  }

  /** Opens a stream: every kind that was subscribed to is asked for again, with what is held. */
  connect(): void {
    this.#outbox = [];
    this.#withheld = undefined;
    this.#stuck.clear();
    const kinds: Kind[] = ['cluster', 'endpoints', 'listener', 'routes', 'secret'];
    const before = new Map(this.#asked);
    this.#asked.clear();
    for (const kind of kinds) {
      if (kind !== 'cluster' && !before.has(kind)) continue;
      // Nothing is asked of clusters while one of them waits.
      if (kind === 'cluster' && this.#warming.size > 0) continue;
      const names = [...(before.get(kind) ?? [])];
      if (kind === 'endpoints' && names.length === 0) continue;
      this.#ask(kind, names, true);
    }
  }

  #ask(kind: Kind, names: readonly string[], isFirst: boolean): void {
    const known = this.#asked.get(kind) ?? new Set();
    for (const name of names) known.add(name);
    this.#asked.set(kind, known);
    const initialVersions = isFirst
      ? Object.fromEntries([...this.held[kind]].map(([name, { version }]) => [name, version]))
      : {};
    this.#outbox.push({ kind, subscribe: names, unsubscribe: [], initialVersions, nonce: '', rejection: undefined });
  }

  #drop(kind: Kind, names: readonly string[]): void {
    const asked = this.#asked.get(kind);
    const gone = names.filter((name) => asked?.delete(name) === true);
    for (const name of gone) this.held[kind].delete(name);
    if (gone.length === 0) return;
    this.#outbox.push({ kind, subscribe: [], unsubscribe: gone, initialVersions: {}, nonce: '', rejection: undefined });
  }

  #answer(kind: Kind, nonce: string, errors: readonly string[]): void {
    const rejection = errors.length === 0 ? undefined : `rejected: ${errors.join(', ')}`;
    this.#outbox.push({ kind, subscribe: [], unsubscribe: [], initialVersions: {}, nonce, rejection });
  }

  /** Takes a response. */
  receive({ kind, nonce, resources, removed }: Sent): void {
    if (kind === 'cluster') this.#receiveClusters({ nonce, resources, removed });
    else if (kind === 'listener') this.#receiveListeners({ nonce, resources, removed });
    else this.#receiveNamed(kind, { nonce, resources, removed });
    this.#check();
  }

  #receiveClusters({ nonce, resources, removed }: Pick<Sent, 'nonce' | 'resources' | 'removed'>): void {
    for (const name of removed) {
      this.held.cluster.delete(name);
      this.#warming.delete(name);
      this.#stuck.delete(name);
      this.#drop('endpoints', [name]);
    }
    const errors: string[] = [];
    const fresh: string[] = [];
    for (const resource of resources) {
      const { name } = resource;
      const isNew = !this.held.cluster.has(name);
      this.#stuck.delete(name);
      if (!this.#accepts(resource)) {
        if (isNew && resources.length > 1) this.#stuck.add(name);
        else errors.push(name);
        continue;
      }
      this.held.cluster.set(name, resource);
      this.#warming.add(name);
      if (this.#asked.get('endpoints')?.has(name) !== true) fresh.push(name);
    }
    this.#withheld = { nonce, errors };
    if (fresh.length > 0) this.#ask('endpoints', fresh, !this.#asked.has('endpoints'));
    this.#settleClusters();
  }

  #settleClusters(): void {
    if (this.#warming.size === 0 && !this.#asked.has('cluster')) this.#ask('cluster', [], true);
    if (this.#withheld === undefined || this.#warming.size > 0 || this.#stuck.size > 0) return;
    this.#answer('cluster', this.#withheld.nonce, this.#withheld.errors);
    this.#withheld = undefined;
    if (!this.#asked.has('listener')) this.#ask('listener', [], true);
  }

  #receiveListeners({ nonce, resources, removed }: Pick<Sent, 'nonce' | 'resources' | 'removed'>): void {
    for (const name of removed) this.held.listener.delete(name);
    const errors = resources.filter((one) => !this.#accepts(one)).map(({ name }) => name);
    for (const resource of resources) if (this.#accepts(resource)) this.held.listener.set(resource.name, resource);
    this.#answer('listener', nonce, errors);
    const wanted = new Set([...this.held.listener.values()].flatMap(({ refersTo }) => refersTo ?? []));
    const asked = this.#asked.get('routes') ?? new Set();
    this.#drop(
      'routes',
      [...asked].filter((name) => !wanted.has(name)),
    );
    const fresh = [...wanted].filter((name) => !asked.has(name));
    if (fresh.length > 0) this.#ask('routes', fresh, !this.#asked.has('routes'));
  }

  #receiveNamed(kind: Kind, { nonce, resources, removed }: Pick<Sent, 'nonce' | 'resources' | 'removed'>): void {
    const errors = resources.filter((one) => !this.#accepts(one)).map(({ name }) => name);
    // A cluster waits neither for endpoints that do not exist nor for those that it has rejected.
    if (kind === 'endpoints') for (const name of [...removed, ...errors]) this.#warming.delete(name);
    // The whole response is dropped.
    if (errors.length === 0) {
      for (const resource of resources) {
        if (this.#asked.get(kind)?.has(resource.name) === true) this.held[kind].set(resource.name, resource);
        if (kind === 'endpoints') this.#warming.delete(resource.name);
      }
    }
    this.#answer(kind, nonce, errors);
    if (kind === 'endpoints') this.#settleClusters();
  }

  #check(): void {
    for (const { name, refersTo } of this.held.routes.values()) {
      if (refersTo !== undefined && !this.held.cluster.has(refersTo)) this.faults.push(`routes ${name} to ${refersTo}`);
    }
  }
}
