import type { Kind } from '../resources/kinds.ts';
import type { Versioned } from './target.ts';

/** A response that the proxy has not answered yet. */
export interface InFlight<R extends Versioned> {
  readonly nonce: string;
  /** What was sent; undefined for a removal. */
  readonly sent: ReadonlyMap<string, R | undefined>;
  /** Whether the proxy has taken so long that others no longer wait for it. */
  readonly isLate: boolean;
}

/** What is known of a proxy's resources of one kind. */
export interface Subscription<R extends Versioned> {
  readonly kind: Kind;
  /** Whether the proxy has asked for this kind on this stream. */
  isOpen: boolean;
  /** Whether the proxy wants all resources of the kind, and not only those that it names. */
  isWildcard: boolean;
  /** Whether the next response must be sent even if it is empty: a proxy waits for an answer to its first request. */
  owesAnswer: boolean;
  readonly names: Set<string>;
  /** Versions that the proxy holds, as it has stated or acknowledged. */
  readonly held: Map<string, string>;
  /** Names to compare with the target. */
  readonly dirty: Set<string>;
  /** Names to send again although the proxy holds their version. */
  readonly forced: Set<string>;
  /** Names of a rejected response: each is sent alone, so that the rejected one is found. */
  readonly suspects: Set<string>;
  /** Names of which the proxy certainly holds some version. */
  readonly established: Set<string>;
  /** What the proxy has accepted on this stream. */
  readonly accepted: Map<string, R>;
  /** Versions that this proxy has rejected; they are not sent again. */
  readonly rejected: Map<string, string>;
  inFlight: InFlight<R> | undefined;
}

/** Returns a subscription of a proxy that has not asked yet. */
export function newSubscription<R extends Versioned>(kind: Kind): Subscription<R> {
  return {
    kind,
    isOpen: false,
    isWildcard: false,
    owesAnswer: false,
    names: new Set(),
    held: new Map(),
    dirty: new Set(),
    forced: new Set(),
    suspects: new Set(),
    established: new Set(),
    accepted: new Map(),
    rejected: new Map(),
    inFlight: undefined,
  };
}

/** Returns whether the proxy wants to know about a name. */
export function wants<R extends Versioned>({ isWildcard, names }: Subscription<R>, name: string): boolean {
  return isWildcard || names.has(name);
}

/** Names that a proxy may ask for of one kind. What exists is far less. */
const mostNames = 100_000;

/** Notes that the proxy asks for a name. Throws if these are very many. */
export function ask<R extends Versioned>({ kind, names, dirty }: Subscription<R>, name: string): void {
  if (names.size >= mostNames) throw new RangeError(`more than ${mostNames} names of ${kind}`);
  names.add(name);
  dirty.add(name);
}

/** Returns whether others need not wait for this kind: everything that was sent is answered, or is taking too long. */
export function isSettled<R extends Versioned>({ inFlight }: Subscription<R>): boolean {
  return inFlight === undefined || inFlight.isLate;
}

/** Notes that the proxy has accepted a resource, or a removal. What it unsubscribed from in the meantime, it does not hold. */
export function take<R extends Versioned>(subscription: Subscription<R>, name: string, resource: R | undefined): void {
  const { held, accepted, established } = subscription;
  if (resource === undefined || !wants(subscription, name)) {
    for (const set of [held, accepted, established]) set.delete(name);
    return;
  }
  held.set(name, resource.version);
  accepted.set(name, resource);
  established.add(name);
}

/** Forgets a name that the proxy has unsubscribed from. */
export function forget<R extends Versioned>(subscription: Subscription<R>, name: string): void {
  const { held, established, accepted, dirty, forced, suspects, rejected } = subscription;
  for (const set of [held, established, accepted, dirty, forced, suspects, rejected]) set.delete(name);
}

/** Stands for the version of what a proxy may hold. No content has it. */
const unknownVersion = '';

/** Notes that the proxy may hold what was sent, or what it held before. */
export function doubt<R extends Versioned>(subscription: Subscription<R>, sent: InFlight<R>['sent']): void {
  for (const name of sent.keys()) {
    subscription.dirty.add(name);
    if (wants(subscription, name)) subscription.held.set(name, unknownVersion);
  }
}
