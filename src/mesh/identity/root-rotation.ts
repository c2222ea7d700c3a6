import { dayMs, hourMs, minuteMs, secondMs } from '../../certs/durations.ts';
import { isSameAuthority, type MeshAuthority } from './mesh-authority.ts';

/**
 * Phase of a rotation of the mesh's root. `stable`: one authority, and its roots alone are trusted. `trust`: the roots of the next
 * one are trusted as well, and the current one signs. `sign`: the next one has become the current one, and the roots of the
 * previous one are still trusted.
 */
export type RootPhase = 'stable' | 'trust' | 'sign';

/** What all replicas share. */
export interface RootState {
  /** Signs now. */
  readonly current: MeshAuthority;
  /** Will sign; in phase `trust` only. */
  readonly next?: MeshAuthority;
  /** Roots that sign nothing any more, but whose certificates may still be in use. */
  readonly previous: readonly string[];
  readonly phase: RootPhase;
  /** Counts how often another authority began to sign. */
  readonly generation: number;
  /** When the phase began. */
  readonly since: Date;
  /** The last request for a rotation that was followed. */
  readonly request: string;
  /** Whether this rotation does not wait for proxies that are away. */
  readonly isUrgent: boolean;
}

/** Connected proxies of all replicas, and those that hold what the phase gives them. */
export interface Answers {
  readonly proxies: number;
  readonly holding: number;
  /** Replicas that do not say. */
  readonly silentReplicas: number;
}

/** What decides on the next step. */
export interface RootFacts {
  /** The earlier and the later of this clock and the API server's. One of the two may be wrong, so that what both say counts. */
  readonly earliestMs: number;
  readonly latestMs: number;
  /** How long the phase has lasted. */
  readonly ageMs: number;
  /** Undefined while it is not known. */
  readonly answers: Answers | undefined;
  /** Whether somebody has said who signs; undefined for `given` then says that it is of no use. */
  readonly isGiven: boolean;
  readonly given: MeshAuthority | undefined;
  /** What people ask for with an annotation; empty if they do not. */
  readonly request: string;
  /** Makes a root of our own. */
  readonly create: () => MeshAuthority;
}

/** How long a phase lasts at least, and how long those that do not answer are waited for. */
interface Patience {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** Times of a rotation. */
export interface RootPolicy {
  /** How often the Secrets are read: a step that another replica takes is followed within this time. */
  readonly roundMs: number;
  /** How long proxies come back to a replica that has started: until then, what it knows of them says nothing. */
  readonly arrivalMs: number;
  /** Life of a root of our own. */
  readonly lifetimeMs: number;
  /** Fraction of its life after which it is replaced. */
  readonly rotateAt: number;
  readonly usual: Patience;
  readonly urgent: Patience;
}

export const defaultRootPolicy: RootPolicy = {
  roundMs: 10 * secondMs,
  arrivalMs: minuteMs,
  lifetimeMs: 365 * dayMs,
  rotateAt: 2 / 3,
  // A proxy that is away has a certificate for a day at most: whoever has not come back by then has none. The hour is for
  // replicas that read the Secret late.
  usual: { leastMs: dayMs + hourMs, mostMs: 2 * (dayMs + hourMs) },
  urgent: { leastMs: minuteMs, mostMs: 10 * minuteMs },
};

/** The next state, or that it stays as it is; with the reason, one sentence for people. */
export interface RootStep {
  readonly state?: RootState;
  readonly reason: string;
}

/** Roots that stay trusted at most, should authorities expire one after the other. */
const mostPrevious = 4;

/** A request that begins with this word does not wait for proxies that are away. */
const urgent = /^now\b/;

/** Returns the roots that proxies are to know, PEM, each once. */
export function trustedRoots({ current, next, previous }: RootState): readonly string[] {
  return [...new Set([...current.roots, ...(next?.roots ?? []), ...previous])];
}

/**
 * Decides on the next step. Any replica may take it: each is one compare-and-swap of the Secret, and whoever comes second reads
 * what the first has written.
 *
 * | phase | when | step |
 * |---|---|---|
 * | any | the current authority has expired | the next or the given one signs, else a new one |
 * | any | the given one is another, with a root that all proxies know | it signs |
 * | stable | the given one is another | trust |
 * | stable | nobody gives one; two thirds of its life are over, or somebody asks | trust, with a new one |
 * | trust | the given one is the current one again | stable |
 * | trust | the given one is another than the next | trust, from the beginning unless it has the same root |
 * | trust | the time is over, and all have answered | sign |
 * | sign | the time is over, and all have answered | stable, without the old roots |
 */
export function nextStep(state: RootState, facts: RootFacts, policy: RootPolicy = defaultRootPolicy): RootStep {
  const { current, phase } = state;
  const { given, request } = facts;
  if (!isUsable(current, facts)) return replaceUnusable(state, facts);
  if (given !== undefined && !isSameAuthority(given, current)) {
    const change = followGiven(state, given, facts);
    if (change !== undefined) return change;
  }
  if (request !== '' && request !== state.request && !facts.isGiven) {
    const asked = { ...state, request, isUrgent: state.isUrgent || urgent.test(request) };
    if (phase !== 'stable')
      return { state: asked, reason: 'the rotation that is under way is the one that is asked for' };
    return { state: begin(asked, facts.create(), facts), reason: 'a rotation is asked for' };
  }
  if (phase === 'stable') return beginWhenDue(state, facts, policy);
  const { next } = state;
  if (phase === 'trust') {
    if (given !== undefined && isSameAuthority(given, current)) {
      return { state: cancel(state, facts), reason: 'the authority that is given is the current one again' };
    }
    if (next === undefined || !isUsable(next, facts)) return replaceNext(state, facts);
  }
  const wait = waitsFor(state, facts, policy);
  if (wait !== undefined) return { reason: wait };
  if (next === undefined)
    return { state: settle(state, facts), reason: 'no certificate of the old root is in use any more' };
  return { state: become(state, next, facts), reason: 'all proxies know the next root' };
}

function isUsable({ notBeforeMs, notAfterMs }: MeshAuthority, { earliestMs, latestMs }: RootFacts): boolean {
  return notBeforeMs <= latestMs && notAfterMs > earliestMs;
}

/** No certificate of this authority is of any use, so that nothing is lost by replacing it at once. */
function replaceUnusable(state: RootState, facts: RootFacts): RootStep {
  const { current, next } = state;
  const ends = new Date(current.notAfterMs).toISOString();
  const expired =
    current.notAfterMs <= facts.earliestMs
      ? `the authority has expired on ${ends}`
      : `the authority is not valid before ${new Date(current.notBeforeMs).toISOString()}`;
  const ready = [facts.given, next].find((one) => one !== undefined && isUsable(one, facts));
  if (ready !== undefined) return { state: become(state, ready, facts), reason: `${expired}, and there is another` };
  if (facts.isGiven) return { reason: `${expired}, and no other is given` };
  return { state: become(state, facts.create(), facts), reason: expired };
}

/** Returns the step to another authority than the current one; undefined if that step has been taken, or must wait. */
function followGiven(state: RootState, given: MeshAuthority, facts: RootFacts): RootStep | undefined {
  const { current, next, previous, phase } = state;
  if ([...current.roots, ...previous].includes(given.anchor)) {
    return { state: become(state, given, facts), reason: 'another authority with a known root is given' };
  }
  if (phase === 'stable') {
    return { state: begin(state, given, facts), reason: 'an authority with another root is given' };
  }
  // The roots of one rotation are enough: the next one begins when this is over.
  if (phase === 'sign' || next === undefined || isSameAuthority(given, next)) return undefined;
  if (next.roots.includes(given.anchor)) {
    return { state: { ...state, next: given }, reason: 'another authority with the root of the next one is given' };
  }
  return { state: begin(state, given, facts), reason: 'another authority is given than the one that was to be next' };
}

function beginWhenDue(state: RootState, facts: RootFacts, { rotateAt }: RootPolicy): RootStep {
  const { notBeforeMs, notAfterMs } = state.current;
  if (facts.isGiven) return { reason: 'whoever gives the authority replaces it' };
  const dueMs = notBeforeMs + rotateAt * (notAfterMs - notBeforeMs);
  const due = new Date(dueMs).toISOString();
  if (facts.earliestMs < dueMs) return { reason: `the root is replaced from ${due} on` };
  return {
    state: begin(state, facts.create(), facts),
    reason: `the root has been due for replacement since ${due}`,
  };
}

function replaceNext(state: RootState, facts: RootFacts): RootStep {
  const reason = 'the next authority is not valid now';
  if (facts.isGiven) return { state: cancel(state, facts), reason };
  return { state: begin(state, facts.create(), facts), reason };
}

/** Returns what a phase still waits for; undefined if it is over. */
function waitsFor(state: RootState, facts: RootFacts, policy: RootPolicy): string | undefined {
  const { leastMs, mostMs } = state.isUrgent ? policy.urgent : policy.usual;
  if (facts.ageMs < leastMs) {
    return `${Math.ceil((leastMs - facts.ageMs) / minuteMs)} min more for proxies that are away`;
  }
  if (facts.answers === undefined) return 'proxies are coming to this replica, which has just started';
  const { proxies, holding, silentReplicas } = facts.answers;
  if (holding === proxies && silentReplicas === 0) return undefined;
  // Nobody can hold up the others for ever; but what most proxies do not take is wrong.
  if (facts.ageMs >= mostMs && (holding > proxies / 2 || proxies === 0)) return undefined;
  const silent = silentReplicas === 0 ? '' : `, and ${silentReplicas} replicas do not say`;
  return `${holding} of ${proxies} connected proxies have answered${silent}`;
}

/** Returns the state in which the roots of another authority are trusted, which is to sign then. */
export function begin(state: RootState, next: MeshAuthority, { latestMs }: Pick<RootFacts, 'latestMs'>): RootState {
  return { ...state, next, phase: 'trust', since: new Date(latestMs) };
}

/** Returns the state without a next authority, which has signed nothing. */
function cancel(canceled: RootState, facts: RootFacts): RootState {
  const { next: _, ...state } = canceled;
  return state.previous.length === 0
    ? settle(state, facts)
    : { ...state, phase: 'sign', since: new Date(facts.latestMs) };
}

function settle({ current, generation, request }: RootState, { latestMs }: RootFacts): RootState {
  return { current, previous: [], phase: 'stable', generation, since: new Date(latestMs), request, isUrgent: false };
}

/** Returns the state in which another authority signs. Roots that it does not have stay trusted. */
function become(state: RootState, current: MeshAuthority, facts: RootFacts): RootState {
  const { request, isUrgent, phase } = state;
  const former = new Set([...state.previous, ...state.current.roots]);
  const previous = [...former].filter((root) => !current.roots.includes(root)).slice(-mostPrevious);
  const generation = state.generation + 1;
  if (previous.length === 0) return settle({ ...state, current, generation }, facts);
  const isLasting = phase === 'sign' && previous.every((root) => state.previous.includes(root));
  const since = isLasting ? state.since : new Date(facts.latestMs);
  return { current, previous, phase: 'sign', generation, since, request, isUrgent };
}

/**
 * Returns whether what a Secret holds has come from a state by steps of a rotation. Else somebody has put in another authority, or
 * an old copy of the Secret, and proxies would not know what it signs.
 */
export function isSuccessor(stored: RootState, state: RootState): boolean {
  if (stored.generation > state.generation) return true;
  const known = trustedRoots(stored);
  return stored.generation === state.generation && state.current.roots.every((root) => known.includes(root));
}
