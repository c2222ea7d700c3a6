import type { Kind } from '../resources/kinds.ts';
import { createLedger, type Candidate, type Item, type Ledger } from './ledger.ts';
import { isUrgent, tryingOwners, type Published } from './published.ts';
import { concerns, isCurrent, newRollout, ownerOf, type Participant, type Proxy, type Rollout } from './rollout.ts';
import { layered, namedKinds, type Target, type Versioned } from './target.ts';

/** A proxy in a cohort. */
export interface Member<R extends Versioned> {
  /** What it should hold. The value stays the same; its content changes. */
  readonly target: Target<R>;
  /** Takes the news that it has accepted a version, or has said that it holds it. */
  accepted(kind: Kind, name: string, version: string): void;
  /** Takes the news that it has rejected a resource. Returns whether this withholds the resource from the others. */
  rejected(resource: R): boolean;
  /** Returns whether a change is on its way that it may get. */
  isHeldUp(): boolean;
  /** To be called after each of its messages. */
  moved(): void;
  leave(): void;
}

/**
 * The proxies of one build of Envoy. What is new goes to one of them first, and to the others when it has accepted it; so what Envoy
 * rejects is rejected once, and a proxy that starts gets the last version that was accepted.
 *
 * - Proxies with the same listeners form a group, and of each group one proxy tries a change. It is one that is up and waits for nothing.
 * - Where that proxy takes long, more of them try. The first that has answered for all counts.
 * - What came together from one owner stays together: if one of its resources is rejected, the others and removals wait as well.
 * - Endpoints are not tried, because they must not wait, unless their cluster is.
 * - While nothing was ever accepted, proxies that start get what is newest: they cannot do without.
 */
export interface Cohort<R extends Versioned> {
  /** Takes changes that came at this time. */
  publish(changes: readonly Published<R>[], sinceMs: number): void;
  /** Takes in a proxy, whose target has these layers above its own. The last one, which makes its group, may be dropped later. */
  join(own: Target<R>, shared: Target<R>, group: Target<R>, proxy: Proxy): Member<R>;
  /** Forgets resources that no proxy gets any more. */
  drop(group: Target<R>): void;
  isEmpty(): boolean;
  /** Returns how many resources of a kind are withheld, because a proxy has rejected them. */
  withheld(kind: Kind): number;
}

/** How long a change waits for proxies that try it, before others do. */
const patienceMs = 3_000;

/** How long a proxy may take from having accepted a listener to asking for its routes. */
const attentionMs = 100;

interface CohortOptions {
  readonly nowMs: () => number;
  /** Calls the function after a time, and returns a function that prevents it. */
  readonly after: (milliseconds: number, action: () => void) => () => void;
  /** Takes how long a change took until the last proxy that gets it has answered. */
  readonly converged: (milliseconds: number) => void;
}

/** Creates a cohort without proxies. */
export function createCohort<R extends Versioned>({ nowMs, after, converged }: CohortOptions): Cohort<R> {
  const ledgers = new Map<Target<R>, Ledger<R>>();
  const groups = new Map<Ledger<R>, Set<Participant<R>>>();
  const members = new Set<Participant<R>>();
  /** What waits until the trial is over, and what is being tried. */
  let queued: Rollout<R> | undefined;
  let tried: Rollout<R> | undefined;
  let stopTimer: (() => void) | undefined;

  function tell(member: Participant<R>, items: readonly Item<R>[]): void {
    const changes: Partial<Record<Kind, Set<string>>> = {};
    for (const item of items) if (concerns(member, item)) (changes[item.kind] ??= new Set()).add(item.name);
    if (Object.keys(changes).length > 0) member.proxy.changed(changes);
  }

  function enqueue(candidate: Candidate<R>, item: Item<R>): void {
    queued ??= newRollout();
    candidate.trial = queued;
    queued.candidates.set(candidate, item);
  }

  function startTrial(): void {
    if (tried !== undefined || queued === undefined || members.size === 0) return;
    const next = queued;
    queued = undefined;
    if (next.candidates.size === 0) return;
    tried = next;
    tried.items = [...tried.candidates.values()];
    stopTimer = after(patienceMs, hurry);
    after(attentionMs, () => listen(next));
    addTesters(({ proxy }) => proxy.isReady());
  }

  /** Gives the change to one proxy more of each group that nobody tries it for. */
  function addTesters(isFit: (member: Participant<R>) => boolean, isBusy = hasTester): void {
    const rollout = tried;
    if (rollout === undefined) return;
    const chosen: Participant<R>[] = [];
    for (const [group, some] of groups) {
      if (rollout.proven.has(group) || isBusy(rollout, group)) continue;
      for (const member of some) {
        if (rollout.testers.has(member) || !isFit(member)) continue;
        chosen.push(member);
        break;
      }
    }
    for (const member of chosen) {
      rollout.testers.add(member);
      give(rollout, member);
      tell(member, rollout.items);
    }
    for (const member of chosen) proceed(rollout, member);
  }

  function hasTester({ waiting }: Rollout<R>, group: Ledger<R>): boolean {
    return [...waiting.keys()].some((member) => member.group === group);
  }

  function hurry(): void {
    if (tried === undefined) return;
    if (tried.proven.size > 0) {
      release(tried);
      return;
    }
    stopTimer = after(patienceMs, hurry);
    addTesters(
      ({ proxy }) => proxy.isReady() || proxy.isInSync(),
      () => false,
    );
  }

  function give(rollout: Rollout<R>, member: Participant<R>): void {
    rollout.waiting.set(member, rollout.items.length);
    member.rollouts.add(rollout);
  }

  /** Returns whether a proxy has yet to answer for something, or may be about to ask for it, if it tries it. */
  function owes(rollout: Rollout<R>, member: Participant<R>, item: Item<R>): boolean {
    if (!concerns(member, item)) return false;
    if (member.proxy.owes(item.kind, item.name)) return true;
    if (rollout.isReleased || !rollout.isAttentive || !namedKinds.has(item.kind)) return false;
    const candidate = item.ledger.find(item.kind, item.name);
    return candidate?.trial === rollout && !candidate.isAccepted && !candidate.isRefused;
  }

  /** Waits no longer for proxies to ask for something, once they have nothing else to answer. */
  function listen(rollout: Rollout<R>): void {
    if (rollout !== tried) return;
    const testers = [...rollout.waiting.keys()];
    if (testers.length > 0 && testers.every(({ proxy }) => proxy.isInSync())) rollout.isAttentive = false;
    else after(attentionMs, () => listen(rollout));
    for (const member of testers) proceed(rollout, member);
  }

  /** Looks whether a proxy has answered for all of a change. */
  function proceed(rollout: Rollout<R>, member: Participant<R>): void {
    const { waiting, items } = rollout;
    let left = waiting.get(member);
    if (left === undefined) return;
    for (let item = items[left - 1]; item !== undefined; item = items[left - 1]) {
      if (owes(rollout, member, item)) break;
      left -= 1;
    }
    waiting.set(member, left);
    if (left > 0) return;
    rollout.proven.add(member.group);
    finish(rollout, member);
  }

  function finish(rollout: Rollout<R>, member: Participant<R>): void {
    rollout.waiting.delete(member);
    member.rollouts.delete(rollout);
    if (rollout.isReleased) {
      if (rollout.waiting.size === 0) complete(rollout);
    } else if (groups.size > 0 && [...groups.keys()].every((group) => rollout.proven.has(group))) release(rollout);
  }

  /** Gives a change to all proxies. */
  function release(rollout: Rollout<R>): void {
    if (rollout === tried) {
      tried = undefined;
      stopTimer?.();
    }
    rollout.isReleased = true;
    for (const [candidate, item] of rollout.candidates)
      if (isCurrent(candidate, item)) candidate.isReleased = !candidate.isRefused;
    const others = [...members].filter((member) => !rollout.testers.has(member));
    for (const member of others) give(rollout, member);
    for (const member of others) tell(member, rollout.items);
    if (rollout.waiting.size === 0) complete(rollout);
    for (const member of others) proceed(rollout, member);
    startTrial();
  }

  function complete({ candidates, testers, sinceMs }: Rollout<R>): void {
    for (const [candidate, item] of candidates) {
      if (!isCurrent(candidate, item) || candidate.isRefused) continue;
      candidate.trial = undefined;
      if (candidate.isAccepted || !item.ledger.content[item.kind].has(item.name))
        item.ledger.settle(item.kind, item.name);
    }
    if (sinceMs !== undefined) converged(nowMs() - sinceMs);
    candidates.clear();
    testers.clear();
  }

  /** Withholds what a proxy has rejected, and what came with it from its owner. */
  function withhold(candidate: Candidate<R>, item: Item<R>): void {
    const owner = ownerOf(candidate, item);
    const companions = [...(candidate.trial?.candidates ?? [])].filter(
      ([other, its]) =>
        other !== candidate &&
        item.kind !== 'endpoints' &&
        its.kind !== 'endpoints' &&
        !other.isRefused &&
        isCurrent(other, its) &&
        ownerOf(other, its) === owner,
    );
    candidate.companions = new Map(companions);
    for (const one of [candidate, ...candidate.companions.keys()]) one.isRefused = true;
    for (const member of members) tell(member, [item, ...candidate.companions.values()]);
  }

  function ledgerOf(content: Target<R>): Ledger<R> {
    const ledger = ledgers.get(content) ?? createLedger(content);
    ledgers.set(content, ledger);
    return ledger;
  }

  function locate(member: Participant<R>, kind: Kind, name: string): readonly [Candidate<R>, Item<R>] | undefined {
    for (const ledger of [member.shared, member.group]) {
      const item = { ledger, kind, name };
      const candidate = ledger.find(kind, name);
      if (candidate !== undefined && concerns(member, item)) return [candidate, item];
    }
    return undefined;
  }

  function leave(member: Participant<R>): void {
    members.delete(member);
    const some = groups.get(member.group);
    some?.delete(member);
    if (some?.size === 0) groups.delete(member.group);
    for (const rollout of member.rollouts) {
      rollout.testers.delete(member);
      finish(rollout, member);
    }
    if (tried === undefined) return;
    if (members.size > 0) addTesters(({ proxy }) => proxy.isReady());
    else {
      for (const [candidate, item] of tried.candidates) if (isCurrent(candidate, item)) enqueue(candidate, item);
      tried = undefined;
      stopTimer?.();
    }
  }

  return {
    publish(changes, sinceMs) {
      const since = members.size > 0 ? sinceMs : undefined;
      const direct = newRollout<R>(since);
      const directItems: Item<R>[] = [];
      const trying = tryingOwners(changes);
      // Whether endpoints wait depends on their cluster.
      const inOrder = changes.toSorted((a, b) => Number(a.kind === 'endpoints') - Number(b.kind === 'endpoints'));
      for (const { content, kind, name, before } of inOrder) {
        const ledger = ledgers.get(content);
        if (ledger === undefined) continue;
        const item = { ledger, kind, name };
        const last = ledger.find(kind, name);
        const candidate = ledger.publish({ kind, name, before, trial: direct });
        if (last !== undefined) queued?.candidates.delete(last);
        if (candidate !== undefined && !isUrgent(item, before, trying)) enqueue(candidate, item);
        else {
          directItems.push(item);
          if (candidate !== undefined) direct.candidates.set(candidate, item);
        }
        for (const [companion, its] of last?.companions ?? []) {
          if (!isCurrent(companion, its)) continue;
          companion.isRefused = companion.isReleased = false;
          enqueue(companion, its);
        }
      }
      direct.items = directItems;
      if (directItems.length > 0) release(direct);
      if (queued !== undefined) queued.sinceMs ??= since;
      startTrial();
    },
    join(own, shared, group, proxy) {
      const member: Participant<R> = {
        holds: (kind, name) => proxy.holds(kind, name),
        proxy,
        own,
        shared: ledgerOf(shared),
        group: ledgerOf(group),
        rollouts: new Set(),
      };
      members.add(member);
      groups.set(member.group, (groups.get(member.group) ?? new Set()).add(member));
      return {
        target: layered([own, member.shared.offersTo(member), member.group.offersTo(member)]),
        accepted(kind, name, version) {
          const [candidate, item] = locate(member, kind, name) ?? [];
          if (candidate === undefined || item?.ledger.content[kind].get(name)?.version !== version) return;
          candidate.isAccepted = true;
          const isOver = candidate.good === undefined || candidate.trial === undefined;
          if (isOver && !candidate.isRefused) item.ledger.settle(kind, name);
        },
        rejected({ kind, name, version }) {
          const [candidate, item] = locate(member, kind, name) ?? [];
          if (candidate === undefined || item === undefined) return false;
          if (item.ledger.content[kind].get(name)?.version !== version) return false;
          if (!candidate.isRefused) withhold(candidate, item);
          return true;
        },
        moved() {
          for (const rollout of member.rollouts) proceed(rollout, member);
          if (tried === undefined && queued === undefined) return;
          if (!proxy.isReady()) return;
          startTrial();
          addTesters((one) => one.proxy.isReady());
        },
        isHeldUp: () => tried !== undefined || queued !== undefined,
        leave: () => leave(member),
      };
    },
    drop: (group) => void ledgers.delete(group),
    isEmpty: () => members.size === 0,
    withheld: (kind) => [...ledgers.values()].reduce((sum, ledger) => sum + ledger.withheld(kind), 0),
  };
}
