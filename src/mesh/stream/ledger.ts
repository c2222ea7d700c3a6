import { kinds, type Kind } from '../resources/kinds.ts';
import type { Target, Versioned } from './target.ts';

/** A proxy, as far as it matters for what it is offered. */
export interface Reader {
  /** Returns the version that it holds of a name. */
  holds(kind: Kind, name: string): string | undefined;
}

/** A name in a ledger. */
export interface Item<R extends Versioned> {
  readonly ledger: Ledger<R>;
  readonly kind: Kind;
  readonly name: string;
}

/** Changes that are on their way to the proxies, and those that try them before others get them. */
export interface Trial<R extends Versioned> {
  readonly testers: ReadonlySet<Reader>;
  readonly candidates: ReadonlyMap<Candidate<R>, Item<R>>;
}

/** The newest version of a resource, or its removal, while it is not yet in force at every proxy. */
export interface Candidate<R extends Versioned> {
  /** The last version that a proxy has accepted; undefined if there is none. */
  readonly good: R | undefined;
  /** What it is part of; undefined for what was there before the first proxy. */
  trial: Trial<R> | undefined;
  /** Whether a proxy has accepted it. */
  isAccepted: boolean;
  /** Whether it is for all proxies, and not only for those that try it. */
  isReleased: boolean;
  /** Parties of which a proxy has rejected it. */
  readonly doubters: Set<string>;
  /** Whether it is withheld: enough parties have rejected it, or something that came with it from the same owner. */
  isRefused: boolean;
  /** What is withheld for as long as this is. */
  companions: ReadonlyMap<Candidate<R>, Item<R>>;
}

/**
 * What is not yet proven of some resources, for proxies of one build of Envoy. Whatever it has no candidate for is in force: so it
 * is as large as what is changing or was rejected.
 */
export interface Ledger<R extends Versioned> {
  /** The newest versions. */
  readonly content: Target<R>;
  /** What counts for names that are not here, if this is for some proxies only. */
  readonly below: Ledger<R> | undefined;
  /** Returns the last version of a name that was accepted, or that was there before the first proxy. */
  lastGood(kind: Kind, name: string): R | undefined;
  /** Returns the candidate of a name, if its newest version is not in force yet. */
  find(kind: Kind, name: string): Candidate<R> | undefined;
  /** Takes the news that the content of a name has changed. Returns undefined if it is again what was in force, or nothing. */
  publish(change: {
    readonly kind: Kind;
    readonly name: string;
    readonly before: R | undefined;
    readonly trial: Trial<R>;
  }): Candidate<R> | undefined;
  /** Takes the newest version of a name as the last good one. */
  settle(kind: Kind, name: string): void;
  /** Returns what a proxy should hold. The value stays the same; its content changes. */
  offersTo(reader: Reader): Target<R>;
  /** Returns how many resources of a kind are withheld, because a proxy has rejected them. */
  withheld(kind: Kind): number;
  /** Returns whether all of it is in force. */
  isInForce(): boolean;
}

function candidateOf<R extends Versioned>(fields: Pick<Candidate<R>, 'good' | 'trial'>): Candidate<R> {
  return {
    ...fields,
    isAccepted: false,
    isReleased: false,
    doubters: new Set(),
    isRefused: false,
    companions: new Map(),
  };
}

/**
 * Creates the ledger of what no proxy has seen.
 *
 * @param below what is the last good version of a name that is new here
 */
export function createLedger<R extends Versioned>(content: Target<R>, below?: Ledger<R>): Ledger<R> {
  const firstOf = (kind: Kind, name: string): Candidate<R> => ({
    ...candidateOf<R>({ good: below?.lastGood(kind, name), trial: undefined }),
    isReleased: below !== undefined,
  });
  const candidates = Object.fromEntries(
    kinds.map((kind) => [kind, new Map([...content[kind].keys()].map((name) => [name, firstOf(kind, name)]))]),
  ) as unknown as Readonly<Record<Kind, Map<string, Candidate<R>>>>;

  function offer(kind: Kind, name: string, reader: Reader): R | undefined {
    const newest = content[kind].get(name);
    // Where all is in force, which is nearly always, nothing is looked for.
    const candidate = candidates[kind].size === 0 ? undefined : candidates[kind].get(name);
    if (candidate === undefined) return newest;
    const { good, trial, isReleased, isRefused } = candidate;
    const isKept = isReleased && newest !== undefined && reader.holds(kind, name) === newest.version;
    if (isRefused ? isKept : isReleased || trial?.testers.has(reader) === true) return newest;
    // Where nothing is in its place, a proxy that starts cannot do without. The others are not told yet.
    return good ?? (isRefused ? undefined : newest);
  }

  function* names(kind: Kind): Generator<string> {
    yield* content[kind].keys();
    for (const name of candidates[kind].keys()) if (!content[kind].has(name)) yield name;
  }

  return {
    content,
    below,
    lastGood(kind, name) {
      const candidate = candidates[kind].get(name);
      return candidate === undefined ? content[kind].get(name) : candidate.good;
    },
    find: (kind, name) => candidates[kind].get(name),
    publish({ kind, name, before = below?.lastGood(kind, name), trial }) {
      const last = candidates[kind].get(name);
      const wasGood = last === undefined || (last.isAccepted && !last.isRefused);
      const good = wasGood || (before === undefined && last.isReleased) ? before : last.good;
      if (content[kind].get(name)?.version === good?.version) {
        candidates[kind].delete(name);
        return undefined;
      }
      const candidate = candidateOf({ good, trial });
      candidates[kind].set(name, candidate);
      return candidate;
    },
    settle: (kind, name) => void candidates[kind].delete(name),
    offersTo: (reader) =>
      Object.fromEntries(
        kinds.map((kind) => [
          kind,
          {
            get: (name: string) => offer(kind, name, reader),
            has: (name: string) =>
              content[kind].has(name) || (candidates[kind].has(name) && offer(kind, name, reader) !== undefined),
            keys: () => names(kind) as MapIterator<string>,
            withholds: (name: string) =>
              candidates[kind].size > 0 &&
              candidates[kind].has(name) &&
              content[kind].has(name) &&
              offer(kind, name, reader) === undefined,
          },
        ]),
      ) as unknown as Target<R>,
    withheld: (kind) => [...candidates[kind].values()].filter(({ isRefused }) => isRefused).length,
    isInForce: () => kinds.every((kind) => candidates[kind].size === 0),
  };
}
