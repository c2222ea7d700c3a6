import { kinds, type Kind } from '../resources/kinds.ts';
import { responseOf, type Observation, type Output, type Request } from './exchange.ts';
import { everyName, isRemoved, newsOf, owes, rejectsSome } from './news.ts';
import { ask, doubt, forget, isSettled, newSubscription, take, wants, type Subscription } from './subscription.ts';
import { emptyTarget, namedKinds, type Changes, type Target, type Versioned } from './target.ts';

/**
 * One proxy's stream of delta ADS, without clock and without I/O: it says what to send, and whoever holds the connection sends it
 * and tells it when a response has been under way for too long. The rules are those of Envoy 1.40:
 *
 * - The first request of a kind is answered, also with nothing, because Envoy waits for it.
 * - One response of a kind is under way at a time; later changes are sent together once it was answered.
 * - A changed cluster is followed by its endpoints, also if they are the same: Envoy warms the cluster until they arrive.
 * - Listeners and routes wait for clusters and endpoints that they may refer to; removals wait for listeners and routes.
 * - Where Envoy does not answer for clusters, or does not ask for them, one of them may wait for endpoints: all are sent again.
 * - Of a rejected response nothing counts as held. Its resources are sent one by one, and what is rejected alone is not sent again.
 */
export interface Stream<R extends Versioned> {
  /**
   * Takes a request of the proxy, and returns what it says. What is to be sent then depends on what that leads to: see `next`.
   * Throws if the proxy asks for very many names; its stream must end then.
   */
  receive(request: Request): readonly Observation<R>[];
  /** Returns what can be sent now. */
  next(): readonly Output<R>[];
  /** Takes what the proxy should hold. `changes` are the names that differ from the last target; by default all. */
  aim(target: Target<R>, changes?: Changes): readonly Output<R>[];
  /** Takes the news that a response has been under way for so long that others should not wait for it. */
  late(kind: Kind, nonce: string): readonly Output<R>[];
  /**
   * Takes the news that a response will not be answered any more. Envoy answers nothing while one of several new clusters is
   * rejected inside; so what was new in it is removed, and then sent one by one.
   */
  abandon(kind: Kind, nonce: string): readonly Output<R>[];
  /** Returns whether the proxy holds the whole target, apart from what it rejected. */
  isInSync(): boolean;
  /** Returns whether the proxy has had its first state, and holds the whole target. */
  isReady(): boolean;
  /** Returns whether the proxy has had its first state, holds the whole target, and has rejected nothing of it. */
  holdsAll(): boolean;
  /** Returns the version that the proxy holds, as it has stated or acknowledged. */
  holds(kind: Kind, name: string): string | undefined;
  /** Returns whether the proxy has yet to accept or reject what the target has for a name. */
  owes(kind: Kind, name: string): boolean;
}

type Subscriptions<R extends Versioned> = Readonly<Record<Kind, Subscription<R>>>;

/** Creates the stream of a proxy that has just connected. */
export function createStream<R extends Versioned>(): Stream<R> {
  const subscriptions = Object.fromEntries(kinds.map((kind) => [kind, newSubscription<R>(kind)])) as Subscriptions<R>;
  let target: Target<R> = emptyTarget;
  let counter = 0;
  let outputs: Output<R>[] = [];
  let observations: Observation<R>[] = [];

  function flush(): readonly Output<R>[] {
    advance();
    const result = outputs;
    outputs = [];
    return result;
  }

  function open(subscription: Subscription<R>, { kind, subscribe, initialVersions }: Request): void {
    subscription.isOpen = true;
    subscription.owesAnswer = true;
    for (const [name, version] of Object.entries(initialVersions)) {
      subscription.held.set(name, version);
      subscription.established.add(name);
      observations.push({ type: 'held', kind, name, version });
    }
    // Without names, the first request of clusters and of listeners is for all of them.
    if (!namedKinds.has(kind) && subscribe.length === 0) openWildcard(subscription);
    for (const name of subscription.held.keys()) subscription.dirty.add(name);
  }

  /** Sends all endpoints again: a cluster may wait for some that came before it was changed, on an earlier stream. */
  function forceEndpoints(): void {
    const { names, forced, dirty } = subscriptions.endpoints;
    for (const name of names) {
      forced.add(name);
      dirty.add(name);
    }
  }

  function openWildcard(subscription: Subscription<R>): void {
    subscription.isWildcard = true;
    for (const name of target[subscription.kind].keys()) subscription.dirty.add(name);
  }

  function answer(subscription: Subscription<R>, { nonce, rejection }: Request): void {
    const { inFlight } = subscription;
    if (nonce === '' || inFlight?.nonce !== nonce) return;
    subscription.inFlight = undefined;
    if (rejection === undefined) accept(subscription, inFlight.sent);
    else reject(subscription, inFlight.sent, rejection);
  }

  /** Compares the endpoints of a cluster again that have waited for a change of it: it is in use, is rejected, or is something else now. */
  function letFollow({ kind, established }: Subscription<R>, name: string): void {
    if (kind === 'cluster' && established.has(name)) subscriptions.endpoints.dirty.add(name);
  }

  function accept(subscription: Subscription<R>, sent: ReadonlyMap<string, R | undefined>): void {
    const { kind } = subscription;
    for (const [name, resource] of sent) {
      letFollow(subscription, name);
      take(subscription, name, resource);
    }
    if (sent.size > 0) observations.push({ type: 'accepted', kind, sent });
  }

  function reject(subscription: Subscription<R>, sent: ReadonlyMap<string, R | undefined>, text: string): void {
    const [only, another] = sent;
    for (const name of sent.keys()) subscription.dirty.add(name);
    if (only !== undefined && another === undefined) {
      const [name, resource] = only;
      if (resource === undefined) return;
      subscription.rejected.set(name, resource.version);
      letFollow(subscription, name);
      observations.push({ type: 'rejected', resource, text });
      return;
    }
    // Envoy has dropped all of them, or some.
    doubt(subscription, sent);
    for (const [name, resource] of sent) {
      if (resource === undefined) continue;
      subscription.suspects.add(name);
      subscription.forced.add(name);
    }
  }

  function subscribe(subscription: Subscription<R>, { subscribe: names, unsubscribe, initialVersions }: Request): void {
    for (const name of unsubscribe) {
      if (name === '*') subscription.isWildcard = false;
      subscription.names.delete(name);
      if (subscription.isWildcard) continue;
      forget(subscription, name);
    }
    for (const name of names) {
      if (name === '*') {
        openWildcard(subscription);
        continue;
      }
      // The text of the resource, and not one of each stream.
      ask(subscription, target[subscription.kind].get(name)?.name ?? name);
      // A name that is asked for is answered, unless the proxy says that it holds the version.
      if (!Object.hasOwn(initialVersions, name)) subscription.forced.add(name);
    }
  }

  /** Sends what can be sent now. */
  function advance(): void {
    send(subscriptions.secret);
    send(subscriptions.cluster);
    send(subscriptions.endpoints);
    // The first request is answered in any case; the listeners of a first answer can refer to nothing that is missing.
    if (!hasAll('secret', 'cluster', 'endpoints')) return;
    send(subscriptions.listener);
    send(subscriptions.routes);
    if (!hasAll('listener', 'routes')) return;
    remove(subscriptions.listener);
    if (isSettled(subscriptions.listener)) remove(subscriptions.cluster);
  }

  /** Returns whether the proxy has accepted all that is new in these kinds. */
  function hasAll(...these: readonly Kind[]): boolean {
    return these.every((kind) => {
      const subscription = subscriptions[kind];
      return isSettled(subscription) && (subscription.inFlight !== undefined || !hasNews(subscription));
    });
  }

  function hasNews(subscription: Subscription<R>): boolean {
    for (const name of subscription.dirty)
      if (newsOf(subscription, subscriptions.cluster, target, name) !== undefined) return true;
    return false;
  }

  function send(subscription: Subscription<R>): void {
    const { kind, dirty, forced, suspects } = subscription;
    if (!subscription.isOpen || subscription.inFlight !== undefined) return;
    const sent = new Map<string, R | undefined>();
    for (const name of dirty) {
      const isSuspect = suspects.has(name);
      if (isSuspect && sent.size > 0) continue;
      const news = newsOf(subscription, subscriptions.cluster, target, name);
      // Removals of wildcard kinds stay for later.
      if (news === undefined && isRemoved(subscription, target, name)) continue;
      dirty.delete(name);
      forced.delete(name);
      suspects.delete(name);
      if (news === undefined) continue;
      sent.set(name, news === 'missing' ? undefined : news);
      if (isSuspect) break;
    }
    if (sent.size > 0 || subscription.owesAnswer) emit(subscription, sent);
    if (kind === 'cluster') followWithEndpoints(sent);
  }

  function followWithEndpoints(sent: ReadonlyMap<string, R | undefined>): void {
    const { names, forced, dirty } = subscriptions.endpoints;
    // A cluster and its endpoints have the same name. Those that Envoy has not asked for, it asks for now.
    for (const name of sent.keys()) {
      if (!names.has(name)) continue;
      forced.add(name);
      dirty.add(name);
    }
  }

  function remove(subscription: Subscription<R>): void {
    if (!subscription.isOpen || subscription.inFlight !== undefined) return;
    const gone = [...subscription.dirty].filter((name) => isRemoved(subscription, target, name));
    if (gone.length === 0) return;
    for (const name of gone) subscription.dirty.delete(name);
    emit(subscription, new Map(gone.map((name) => [name, undefined])));
  }

  function emit(subscription: Subscription<R>, sent: ReadonlyMap<string, R | undefined>): void {
    counter += 1;
    const nonce = String(counter);
    subscription.inFlight = { nonce, sent, isLate: false };
    subscription.owesAnswer = false;
    outputs.push(responseOf(subscription.kind, nonce, sent));
  }

  return {
    receive(request) {
      const subscription = subscriptions[request.kind];
      const isFirst = !subscription.isOpen;
      if (isFirst) open(subscription, request);
      answer(subscription, request);
      subscribe(subscription, request);
      // Envoy does not ask for clusters while one of them waits for endpoints.
      if (isFirst && request.kind === 'endpoints' && !subscriptions.cluster.isOpen) forceEndpoints();
      const said = observations;
      observations = [];
      return said;
    },
    next: flush,
    aim(next, changes) {
      target = next;
      for (const kind of kinds) {
        const subscription = subscriptions[kind];
        const names = changes === undefined ? everyName(subscription, target) : (changes[kind] ?? []);
        for (const name of names) {
          if (!wants(subscription, name)) continue;
          subscription.dirty.add(name);
          letFollow(subscription, name);
          // What is offered anew later is tried anew.
          if (subscription.rejected.get(name) !== target[kind].get(name)?.version) subscription.rejected.delete(name);
        }
      }
      return flush();
    },
    late(kind, nonce) {
      const subscription = subscriptions[kind];
      const { inFlight } = subscription;
      if (inFlight?.nonce !== nonce || inFlight.isLate) return [];
      subscription.inFlight = { ...inFlight, isLate: true };
      if (kind === 'cluster') forceEndpoints();
      outputs.push({ type: 'unanswered', kind, names: [...inFlight.sent.keys()] });
      return flush();
    },
    abandon(kind, nonce) {
      const subscription = subscriptions[kind];
      const { inFlight } = subscription;
      if (inFlight?.nonce !== nonce) return [];
      const fresh = [...inFlight.sent].flatMap(([name, resource]) =>
        resource === undefined || subscription.established.has(name) ? [] : [name],
      );
      doubt(subscription, inFlight.sent);
      subscription.inFlight = undefined;
      for (const name of fresh) {
        subscription.suspects.add(name);
        subscription.forced.add(name);
      }
      if (fresh.length > 0 && inFlight.sent.size > 1 && subscription.isWildcard)
        emit(subscription, new Map(fresh.map((name) => [name, undefined])));
      return flush();
    },
    isInSync,
    isReady,
    holdsAll: () => isReady() && kinds.every((kind) => !rejectsSome(subscriptions[kind], target)),
    holds: (kind, name) => subscriptions[kind].held.get(name),
    owes: (kind, name) => owes(subscriptions[kind], target, name),
  };

  function isInSync(): boolean {
    return kinds.every((kind) => subscriptions[kind].inFlight === undefined && !hasNews(subscriptions[kind]));
  }

  function isReady(): boolean {
    return subscriptions.listener.isOpen && isInSync();
  }
}
