import { wants, type Subscription } from './subscription.ts';
import { namedKinds, type Target, type Versioned } from './target.ts';

/** Returns whether the proxy has not accepted the wanted version of a resource that it has accepted before. */
function isChanging<R extends Versioned>(subscription: Subscription<R>, target: Target<R>, name: string): boolean {
  const { kind, held, established, rejected } = subscription;
  if (!established.has(name)) return false;
  const version = target[kind].get(name)?.version;
  return held.get(name) !== version && rejected.get(name) !== version;
}

/** Returns what to send for a name, or undefined if the proxy need not get anything. */
export function newsOf<R extends Versioned>(
  subscription: Subscription<R>,
  clusters: Subscription<R>,
  target: Target<R>,
  name: string,
): R | 'missing' | undefined {
  const { kind, held, accepted, forced, rejected } = subscription;
  if (!wants(subscription, name)) return undefined;
  const wanted = target[kind].get(name);
  if (wanted === undefined) {
    if (!namedKinds.has(kind) || !forced.has(name)) return undefined;
    return target[kind].has(name) ? (accepted.get(name) ?? 'missing') : 'missing';
  }
  if (rejected.get(name) === wanted.version) {
    // A changed cluster waits for endpoints, so the last good ones are sent again.
    return forced.has(name) && kind === 'endpoints' ? (accepted.get(name) ?? 'missing') : undefined;
  }
  if (held.get(name) === wanted.version && !forced.has(name)) return undefined;
  // New endpoints may have identities that the old cluster does not accept: they follow when the new one is in use.
  const last = kind === 'endpoints' && isChanging(clusters, target, name) ? accepted.get(name) : undefined;
  if (last === undefined) return wanted;
  return forced.has(name) ? last : undefined;
}

/** Returns whether the proxy holds a resource of a kind that it wants all of, and which is gone. */
export function isRemoved<R extends Versioned>(
  { kind, held, isWildcard }: Subscription<R>,
  target: Target<R>,
  name: string,
): boolean {
  return isWildcard && held.has(name) && !target[kind].has(name);
}

/** Returns whether the proxy has yet to accept or reject what the target has for a name. */
export function owes<R extends Versioned>(subscription: Subscription<R>, target: Target<R>, name: string): boolean {
  const { kind, held, inFlight, rejected } = subscription;
  if (!wants(subscription, name)) return false;
  if (inFlight?.sent.has(name) === true) return true;
  const wanted = target[kind].get(name)?.version;
  if (wanted === undefined) return isRemoved(subscription, target, name);
  return held.get(name) !== wanted && rejected.get(name) !== wanted;
}

/** Returns whether the proxy has rejected something that is still in the target. What is gone since counts no more. */
export function rejectsSome<R extends Versioned>({ kind, rejected }: Subscription<R>, target: Target<R>): boolean {
  for (const [name, version] of rejected) if (target[kind].get(name)?.version === version) return true;
  return false;
}

/** Returns the names of all that a proxy holds, or should hold; none of a kind that it has not asked for. */
export function everyName<R extends Versioned>(
  { kind, held, isWildcard, names }: Subscription<R>,
  target: Target<R>,
): Iterable<string> {
  if (!isWildcard && names.size === 0) return [];
  return new Set([...target[kind].keys(), ...held.keys()]);
}
