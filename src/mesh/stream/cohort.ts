import type { Kind } from '../resources/kinds.ts';
import { createLedger, type Candidate, type Item, type Ledger } from './ledger.ts';
import { isUrgent, tryingOwners, type Published } from './published.ts';
import { companionsOf, concerns, isCurrent, newRollout, tell, type Participant, type Proxy } from './rollout.ts';
import { createTrials, everyone, type TrialOptions } from './trials.ts';
import { changing, emptyTarget, layered, type Changes, type Target, type Versioned } from './target.ts';
import { kinds } from '../resources/kinds.ts';

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
  /** Returns whether its target is what is newest of all that it may get. */
  isOfferedNewest(): boolean;
  /** To be called after each of its messages. */
  moved(): void;
  /** Puts it into another view. It gets what is newest there, as a proxy that starts does. */
  useView(view: Target<R>): void;
  leave(): void;
}

/**
 * The proxies of one build of Envoy. What is new goes to one of them first, and to the others when it has accepted it; so what Envoy
 * rejects is rejected once, and a proxy that starts gets the last version that was accepted.
 *
 * - Proxies with the same listeners form a group, and of each group one proxy tries a change. It is one that is up and waits for nothing.
 * - So does one of each view in which the change differs; for the others there, what all share is the last good version.
 * - Where that proxy takes long, more of them try. The first that has answered for all counts.
 * - A proxy may lie. So where there are proxies of several parties, two of different parties try, and what only one of them rejects
 *   is not withheld.
 * - What came together from one owner stays together: if one of its resources is rejected, the others and removals wait as well.
 * - Endpoints are not tried, because they must not wait, unless their cluster is.
 * - While nothing was ever accepted, proxies that start get what is newest: they cannot do without.
 */
export interface Cohort<R extends Versioned> {
  /** Takes changes that came at this time. */
  publish(changes: readonly Published<R>[], sinceMs: number): void;
  /**
   * Takes in a proxy, whose target has these layers: its own, what differs in its view from what all share, what all share, and its
   * listeners, which make its group.
   */
  join(own: Target<R>, shared: Target<R>, group: Target<R>, proxy: Proxy, view?: Target<R>): Member<R>;
  /** Forgets a group or a view that no proxy has any more. */
  drop(layer: Target<R>): void;
  isEmpty(): boolean;
  /** Returns how many resources of a kind are withheld, because a proxy has rejected them. */
  withheld(kind: Kind): number;
}

/** Creates a cohort without proxies. */
export function createCohort<R extends Versioned>(options: TrialOptions): Cohort<R> {
  const ledgers = new Map<Target<R>, Ledger<R>>();
  const groups = new Map<Ledger<R>, Set<Participant<R>>>();
  /** That of proxies for which nothing differs from what all share. */
  const plainView: Target<R> = { ...emptyTarget };
  const trials = createTrials({ ...options, groups });

  /** Withholds what a proxy has rejected, and what came with it from its owner, from those for whom the party may decide. */
  function withhold(candidate: Candidate<R>, item: Item<R>, party: string): void {
    const companions = [...companionsOf(candidate, item)];
    for (const [one] of companions) one.doubters.add(party);
    if (!isEnough(candidate, item)) return;
    candidate.companions = new Map(companions.filter(([one, its]) => isEnough(one, its)));
    for (const one of [candidate, ...candidate.companions.keys()]) one.isRefused = true;
    for (const member of everyone(groups)) tell(member, [item, ...candidate.companions.values()]);
  }

  /** Returns whether two parties have rejected it, or the only one that gets it. */
  function isEnough({ doubters }: Candidate<R>, item: Item<R>): boolean {
    if (doubters.size > 1) return true;
    return everyone(groups).every((member) => doubters.has(member.proxy.party) || !concerns(member, item));
  }

  function ledgerOf(content: Target<R>, below?: Ledger<R>): Ledger<R> {
    const ledger = ledgers.get(content) ?? createLedger(content, below);
    ledgers.set(content, ledger);
    return ledger;
  }

  /** Returns what is not yet in force of a version, if the proxy gets it from there. */
  function locate(
    member: Participant<R>,
    { kind, name, version }: Pick<R, 'kind' | 'name' | 'version'>,
  ): readonly [Candidate<R>, Item<R>] | undefined {
    for (const ledger of [member.view, member.shared, member.group]) {
      const item = { ledger, kind, name };
      const candidate = ledger.find(kind, name);
      if (candidate === undefined || ledger.content[kind].get(name)?.version !== version) continue;
      if (concerns(member, item)) return [candidate, item];
    }
    return undefined;
  }

  function enter(member: Participant<R>, ledger: Ledger<R>): void {
    groups.set(ledger, (groups.get(ledger) ?? new Set()).add(member));
  }

  function exit(member: Participant<R>, ledger: Ledger<R>): void {
    const some = groups.get(ledger);
    some?.delete(member);
    if (some?.size === 0) groups.delete(ledger);
  }

  function leave(member: Participant<R>): void {
    exit(member, member.group);
    exit(member, member.view);
    trials.left(member);
  }

  /** Returns the names that a view has, or had until now. */
  function namesOf(...targets: readonly Target<R>[]): Changes {
    return Object.fromEntries(
      kinds.map((kind) => [kind, new Set(targets.flatMap((target) => [...target[kind].keys()]))]),
    );
  }

  return {
    publish(changes, sinceMs) {
      const since = groups.size > 0 ? sinceMs : undefined;
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
        if (last !== undefined) trials.forget(last);
        if (candidate !== undefined && !isUrgent(item, before, trying)) trials.enqueue(candidate, item, since);
        else directItems.push(item);
        if (candidate?.trial === direct) {
          candidate.isReleased = true;
          direct.candidates.set(candidate, item);
        }
        for (const [companion, its] of last?.companions ?? []) {
          if (!isCurrent(companion, its)) continue;
          companion.isRefused = companion.isReleased = false;
          trials.enqueue(companion, its, since);
        }
      }
      direct.items = directItems;
      if (directItems.length > 0) trials.release(direct);
      trials.start();
    },
    join(own, shared, group, proxy, view = plainView) {
      const common = ledgerOf(shared);
      const member: Participant<R> = {
        holds: (kind, name) => proxy.holds(kind, name),
        proxy,
        own,
        view: ledgerOf(view, common),
        viewed: emptyTarget,
        shared: common,
        group: ledgerOf(group),
        rollouts: new Set(),
      };
      const look = (): void => {
        enter(member, member.view);
        member.viewed = member.view.offersTo(member);
      };
      enter(member, member.group);
      look();
      return {
        target: layered([own, changing(() => member.viewed), common.offersTo(member), member.group.offersTo(member)]),
        useView(next) {
          const before = member.viewed;
          exit(member, member.view);
          member.view = ledgerOf(next, common);
          look();
          proxy.changed(namesOf(before, member.viewed));
          trials.moved(member);
        },
        accepted(kind, name, version) {
          const [candidate, item] = locate(member, { kind, name, version }) ?? [];
          if (candidate === undefined || item === undefined) return;
          candidate.isAccepted = true;
          const isOver = candidate.good === undefined || candidate.trial === undefined;
          if (isOver && !candidate.isRefused) item.ledger.settle(kind, name);
        },
        rejected(resource) {
          const [candidate, item] = locate(member, resource) ?? [];
          if (candidate === undefined || item === undefined) return false;
          candidate.doubters.add(proxy.party);
          if (!candidate.isRefused) withhold(candidate, item, proxy.party);
          return candidate.isRefused;
        },
        moved: () => trials.moved(member),
        isHeldUp: () => trials.isBusy(),
        isOfferedNewest: () =>
          !trials.isBusy() && [member.view, common, member.group].every((ledger) => ledger.isInForce()),
        leave: () => leave(member),
      };
    },
    drop: (layer) => void ledgers.delete(layer),
    isEmpty: () => groups.size === 0,
    withheld: (kind) => [...ledgers.values()].reduce((sum, ledger) => sum + ledger.withheld(kind), 0),
  };
}
