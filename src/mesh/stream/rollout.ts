import type { Kind } from '../resources/kinds.ts';
import type { Candidate, Item, Ledger, Reader, Trial } from './ledger.ts';
import { namedKinds, type Changes, type Target, type Versioned } from './target.ts';

/** What a cohort has to know of a proxy's stream, and to tell it. */
export interface Proxy {
  /** Whose it is: its namespace. A proxy says what it likes, so one party alone withholds nothing from others. */
  readonly party: string;
  /** Takes the news that its target differs for these names. */
  changed(changes: Changes): void;
  holds(kind: Kind, name: string): string | undefined;
  owes(kind: Kind, name: string): boolean;
  /** Returns whether it holds all of its target. */
  isInSync(): boolean;
  /** Returns whether it has rejected nothing of it, either. */
  holdsAll(): boolean;
  /** Returns whether it has had its first state, too. */
  isReady(): boolean;
}

/** A proxy of a cohort, as the cohort sees it. */
export interface Participant<R extends Versioned> extends Reader {
  readonly proxy: Proxy;
  readonly own: Target<R>;
  /** What differs for some proxies, and stands above what all share. */
  view: Ledger<R>;
  /** What the proxy is offered of it. */
  viewed: Target<R>;
  readonly shared: Ledger<R>;
  readonly group: Ledger<R>;
  /** Changes that it has not answered for. */
  readonly rollouts: Set<Rollout<R>>;
}

/** Changes that are tried, or that all proxies get. */
export interface Rollout<R extends Versioned> extends Trial<R> {
  readonly testers: Set<Participant<R>>;
  readonly candidates: Map<Candidate<R>, Item<R>>;
  /** Whether it has waited long for proxies that try it. */
  isHurried: boolean;
  /** When its first change came; undefined if nobody was there. */
  sinceMs: number | undefined;
  isReleased: boolean;
  /** Whether those that try it may ask for something that is part of it. */
  isAttentive: boolean;
  /** What proxies have to answer for, once they have been given it. */
  items: readonly Item<R>[];
  /** The ledgers of these items. */
  ledgers: ReadonlySet<Ledger<R>>;
  /** Groups of which a proxy has answered for all. */
  readonly proven: Set<Ledger<R>>;
  /** Proxies that have not answered for all, and for how many of the items they may not have. */
  readonly waiting: Map<Participant<R>, number>;
}

/** Returns a change that nobody has got yet. */
export function newRollout<R extends Versioned>(sinceMs?: number): Rollout<R> {
  const [testers, candidates, proven, waiting] = [new Set<never>(), new Map(), new Set<never>(), new Map()];
  return {
    testers,
    candidates,
    sinceMs,
    isReleased: false,
    isAttentive: true,
    isHurried: false,
    items: [],
    ledgers: new Set(),
    proven,
    waiting,
  };
}

/** Returns whether a candidate is still about the newest version of its name. */
export function isCurrent<R extends Versioned>(candidate: Candidate<R>, { ledger, kind, name }: Item<R>): boolean {
  return ledger.find(kind, name) === candidate;
}

/** Returns whose content a candidate is, or was. */
function ownerOf<R extends Versioned>({ good }: Candidate<R>, { ledger, kind, name }: Item<R>): string | undefined {
  return (ledger.content[kind].get(name) ?? good)?.owner;
}

/** Returns whether a proxy gets this from the layers that it shares with others. */
export function concerns<R extends Versioned>(
  { own, view, viewed, shared, group }: Participant<R>,
  { ledger, kind, name }: Item<R>,
): boolean {
  if (own[kind].has(name)) return false;
  return ledger === view || ((ledger === shared || ledger === group) && !viewed[kind].has(name));
}

/** Returns whether a proxy has yet to answer for something, or may be about to ask for it, if it tries it. */
export function owes<R extends Versioned>(rollout: Rollout<R>, member: Participant<R>, item: Item<R>): boolean {
  if (!concerns(member, item)) return false;
  if (member.proxy.owes(item.kind, item.name)) return true;
  if (rollout.isReleased || !rollout.isAttentive || !namedKinds.has(item.kind)) return false;
  if (!item.ledger.content[item.kind].has(item.name)) return false;
  const candidate = item.ledger.find(item.kind, item.name);
  return candidate?.trial === rollout && !candidate.isAccepted && !candidate.isRefused;
}

/** Returns what came with a candidate from the same owner, and waits with it. Endpoints wait for nothing. */
export function companionsOf<R extends Versioned>(candidate: Candidate<R>, item: Item<R>): Candidate<R>['companions'] {
  const all = item.kind === 'endpoints' ? [] : [...(candidate.trial?.candidates ?? [])];
  const owner = ownerOf(candidate, item);
  return new Map(
    all.filter(
      ([other, its]) =>
        other !== candidate &&
        its.kind !== 'endpoints' &&
        !other.isRefused &&
        isCurrent(other, its) &&
        ownerOf(other, its) === owner,
    ),
  );
}

/** Tells a proxy what differs in its target. */
export function tell<R extends Versioned>(member: Participant<R>, items: Iterable<Item<R>>): void {
  const changes: Partial<Record<Kind, Set<string>>> = {};
  for (const item of items) if (concerns(member, item)) (changes[item.kind] ??= new Set()).add(item.name);
  if (Object.keys(changes).length > 0) member.proxy.changed(changes);
}
