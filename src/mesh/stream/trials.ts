import { isCurrent, newRollout, owes, tell, type Participant, type Rollout } from './rollout.ts';
import type { Candidate, Item, Ledger } from './ledger.ts';
import type { Versioned } from './target.ts';

/** How long a change waits for proxies that try it, before others do. */
const patienceMs = 3_000;

/** How long a proxy may take from having accepted a listener to asking for its routes. */
const attentionMs = 100;

/** What trials need of the outside. */
export interface TrialOptions {
  readonly nowMs: () => number;
  /** Calls the function after a time, and returns a function that prevents it. */
  readonly after: (milliseconds: number, action: () => void) => () => void;
  /** Takes how long a change took until the last proxy that gets it has answered. */
  readonly converged: (milliseconds: number) => void;
}

/** Lets one proxy of each group try changes, and then gives them to the others. One trial goes on at a time; what comes then waits. */
export interface Trials<R extends Versioned> {
  /** Takes a candidate for the next trial. */
  enqueue(candidate: Candidate<R>, item: Item<R>, sinceMs: number | undefined): void;
  /** Forgets a candidate of which a newer version is there. */
  forget(candidate: Candidate<R>): void;
  /** Starts the next trial, if none goes on and a proxy is there. */
  start(): void;
  /** Gives a change to all proxies. */
  release(rollout: Rollout<R>): void;
  /** Takes the news that a proxy has said something. */
  moved(member: Participant<R>): void;
  /** Takes the news that a proxy has gone. */
  left(member: Participant<R>): void;
  /** Returns whether something is tried or waits for it. */
  isBusy(): boolean;
}

/** Proxies by what they share: the same listeners, or the same view. Each is in one group of each sort. */
export type Groups<R extends Versioned> = ReadonlyMap<Ledger<R>, Set<Participant<R>>>;

/** Returns all proxies of the groups, each once. */
export function everyone<R extends Versioned>(groups: Groups<R>): readonly Participant<R>[] {
  return [...groups].flatMap(([{ below }, some]) => (below === undefined ? [...some] : []));
}

/** Creates trials for proxies by their groups. */
export function createTrials<R extends Versioned>({
  nowMs,
  after,
  converged,
  groups,
}: TrialOptions & { readonly groups: Groups<R> }): Trials<R> {
  /** What waits until the trial is over, and what is being tried. */
  let queued: Rollout<R> | undefined;
  let tried: Rollout<R> | undefined;
  let stopTimer: (() => void) | undefined;

  function enqueue(candidate: Candidate<R>, item: Item<R>, sinceMs?: number): void {
    queued ??= newRollout();
    queued.sinceMs ??= sinceMs;
    candidate.trial = queued;
    queued.candidates.set(candidate, item);
  }

  function start(): void {
    if (tried !== undefined || queued === undefined || groups.size === 0) return;
    const next = queued;
    queued = undefined;
    if (next.candidates.size === 0) return;
    tried = next;
    tried.items = [...tried.candidates.values()];
    tried.ledgers = new Set(tried.items.map(({ ledger }) => ledger));
    stopTimer = after(patienceMs, hurry);
    after(attentionMs, () => listen(next));
    addTesters();
  }

  /** Gives the change to proxies that are up, of each group to two of different parties; to more while nobody has accepted all of it. */
  function addTesters(): void {
    const rollout = tried;
    if (rollout === undefined) return;
    const chosen: Participant<R>[] = [];
    for (const [group, some] of groups) {
      if (isProven(rollout, group)) continue;
      const asked = [...rollout.testers].filter((member) => some.has(member));
      const parties = new Set(asked.map(({ proxy }) => proxy.party));
      let isTried = asked.some((member) => rollout.waiting.has(member));
      if (isTried && parties.size > 1) continue;
      let isComplete = true;
      for (const member of some) {
        if (parties.has(member.proxy.party)) continue;
        if (!member.proxy.isReady()) {
          isComplete = false;
          continue;
        }
        parties.add(member.proxy.party);
        chosen.push(member);
        isTried = true;
        if (parties.size > 1) break;
      }
      // Whoever could contradict those that have rejected it has been asked.
      if (!isTried && isComplete && asked.length > 0) rollout.proven.add(group);
    }
    ask(rollout, new Set(chosen));
  }

  /** Returns whether a proxy of a group has answered for all of a change. One in which a view differs is tried by others, too. */
  function isProven({ proven, ledgers }: Rollout<R>, group: Ledger<R>): boolean {
    return proven.has(group) || (group.below !== undefined && !ledgers.has(group));
  }

  function ask(rollout: Rollout<R>, chosen: Iterable<Participant<R>>): void {
    for (const member of chosen) {
      rollout.testers.add(member);
      give(rollout, member);
      tell(member, rollout.items);
    }
    for (const member of chosen) proceed(rollout, member);
  }

  /** Gives the change to one proxy more of each group, rather to one of a party that has not been asked. */
  function addMore(rollout: Rollout<R>, isFit: (member: Participant<R>) => boolean): void {
    const chosen: Participant<R>[] = [];
    for (const [group, some] of groups) {
      if (isProven(rollout, group)) continue;
      const parties = new Set([...rollout.testers].map(({ proxy }) => proxy.party));
      const fit = [...some].filter((member) => !rollout.testers.has(member) && isFit(member));
      const next = fit.find(({ proxy }) => !parties.has(proxy.party)) ?? fit[0];
      if (next !== undefined) chosen.push(next);
      // Who is slow is not the first to try what comes next.
      for (const member of rollout.waiting.keys()) if (some.delete(member)) some.add(member);
    }
    ask(rollout, new Set(chosen));
  }

  function hurry(): void {
    if (tried === undefined) return;
    if (tried.proven.size > 0) {
      release(tried);
      return;
    }
    stopTimer = after(patienceMs, hurry);
    // Nobody has been up for a second time: better a proxy that is busy than no change at all.
    const isAnyFit = tried.isHurried && tried.waiting.size === 0;
    tried.isHurried = true;
    addMore(tried, ({ proxy }) => isAnyFit || proxy.isReady() || proxy.isInSync());
  }

  function give(rollout: Rollout<R>, member: Participant<R>): void {
    rollout.waiting.set(member, rollout.items.length);
    member.rollouts.add(rollout);
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
    if (!isInDoubt(rollout, member)) rollout.proven.add(member.group).add(member.view);
    finish(rollout, member);
  }

  /** Returns whether a proxy has rejected something that may be good. */
  function isInDoubt({ candidates }: Rollout<R>, { proxy }: Participant<R>): boolean {
    for (const [candidate, item] of candidates) {
      const { doubters, isAccepted, isRefused } = candidate;
      if (doubters.has(proxy.party) && !isAccepted && !isRefused && isCurrent(candidate, item)) return true;
    }
    return false;
  }

  function finish(rollout: Rollout<R>, member: Participant<R>): void {
    rollout.waiting.delete(member);
    member.rollouts.delete(rollout);
    if (rollout.isReleased) {
      if (rollout.waiting.size === 0) complete(rollout);
      return;
    }
    addTesters();
    if (rollout === tried && groups.size > 0 && [...groups.keys()].every((group) => isProven(rollout, group)))
      release(rollout);
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
    const others = everyone(groups).filter((member) => !rollout.testers.has(member));
    for (const member of others) give(rollout, member);
    for (const member of others) tell(member, rollout.items);
    if (rollout.waiting.size === 0) complete(rollout);
    for (const member of others) proceed(rollout, member);
    start();
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

  return {
    enqueue,
    forget: (candidate) => void queued?.candidates.delete(candidate),
    start,
    release,
    moved(member) {
      for (const rollout of member.rollouts) proceed(rollout, member);
      if ((tried === undefined && queued === undefined) || !member.proxy.isReady()) return;
      start();
      addTesters();
    },
    left(member) {
      for (const rollout of member.rollouts) {
        rollout.testers.delete(member);
        finish(rollout, member);
      }
      if (tried === undefined) return;
      if (groups.size > 0) addTesters();
      else {
        for (const [candidate, item] of tried.candidates) if (isCurrent(candidate, item)) enqueue(candidate, item);
        tried = undefined;
        stopTimer?.();
      }
    },
    isBusy: () => tried !== undefined || queued !== undefined,
  };
}
