import type { Kind } from '../resources/kinds.ts';
import type { Candidate, Item, Ledger, Reader, Trial } from './ledger.ts';
import type { Changes, Target, Versioned } from './target.ts';

/** What a cohort has to know of a proxy's stream, and to tell it. */
export interface Proxy {
  /** Takes the news that its target differs for these names. */
  changed(changes: Changes): void;
  holds(kind: Kind, name: string): string | undefined;
  owes(kind: Kind, name: string): boolean;
  /** Returns whether it holds all of its target. */
  isInSync(): boolean;
  /** Returns whether it has had its first state, too. */
  isReady(): boolean;
}

/** A proxy of a cohort, as the cohort sees it. */
export interface Participant<R extends Versioned> extends Reader {
  readonly proxy: Proxy;
  readonly own: Target<R>;
  readonly shared: Ledger<R>;
  readonly group: Ledger<R>;
  /** Changes that it has not answered for. */
  readonly rollouts: Set<Rollout<R>>;
}

/** Changes that are tried, or that all proxies get. */
export interface Rollout<R extends Versioned> extends Trial<R> {
  readonly testers: Set<Participant<R>>;
  readonly candidates: Map<Candidate<R>, Item<R>>;
  /** When its first change came; undefined if nobody was there. */
  sinceMs: number | undefined;
  isReleased: boolean;
  /** Whether those that try it may ask for something that is part of it. */
  isAttentive: boolean;
  /** What proxies have to answer for, once they have been given it. */
  items: readonly Item<R>[];
  /** Groups of which a proxy has answered for all. */
  readonly proven: Set<Ledger<R>>;
  /** Proxies that have not answered for all, and for how many of the items they may not have. */
  readonly waiting: Map<Participant<R>, number>;
}

/** Returns a change that nobody has got yet. */
export function newRollout<R extends Versioned>(sinceMs?: number): Rollout<R> {
  const [testers, candidates, proven, waiting] = [new Set<never>(), new Map(), new Set<never>(), new Map()];
  return { testers, candidates, sinceMs, isReleased: false, isAttentive: true, items: [], proven, waiting };
}

/** Returns whether a candidate is still about the newest version of its name. */
export function isCurrent<R extends Versioned>(candidate: Candidate<R>, { ledger, kind, name }: Item<R>): boolean {
  return ledger.find(kind, name) === candidate;
}

/** Returns whose content a candidate is, or was. */
export function ownerOf<R extends Versioned>(
  { good }: Candidate<R>,
  { ledger, kind, name }: Item<R>,
): string | undefined {
  return (ledger.content[kind].get(name) ?? good)?.owner;
}

/** Returns whether a proxy gets this from the layers that it shares with others. */
export function concerns<R extends Versioned>(
  { own, shared, group }: Participant<R>,
  { ledger, kind, name }: Item<R>,
): boolean {
  return (ledger === shared || ledger === group) && !own[kind].has(name);
}
