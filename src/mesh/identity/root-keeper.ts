import { minuteMs } from '../../certs/durations.ts';
import type { CaStore, StoredCa } from '../../certs/stores.ts';
import { readGivenAuthority } from './given-authority.ts';
import type { MeshAuthority } from './mesh-authority.ts';
import { begin, isSuccessor, nextStep, type Answers, type RootPolicy, type RootState } from './root-rotation.ts';
import { parseRoot, renderRoot } from './root-secret.ts';
import type { Times } from './workload-identity.ts';

/** Annotation of the Secret by which people ask for another root. Any new text does. */
export const rotateAnnotation = 'mesh.sidecar-injector.io/rotate';

export interface RootKeeperOptions {
  /** The Secret of the state, and its name. */
  readonly store: CaStore;
  readonly secret: string;
  /** The Secret in which somebody may give an authority, and its name. */
  readonly given: Pick<CaStore, 'read'>;
  readonly givenSecret: string;
  readonly clock: () => Date;
  /** Milliseconds since some moment, which no change of the clock makes jump. */
  readonly steadyMs: () => number;
  readonly policy: RootPolicy;
  /** Makes a root of our own. */
  readonly create: (now: Date) => MeshAuthority;
  /** Returns what proxies have answered to the state that is in use; undefined while that is not known. */
  readonly answers: () => Promise<Answers | undefined>;
  /** Called with each state that is in use from now on, and why. */
  readonly onState: (state: RootState, reason: string) => void;
}

/** The mesh's authority as a replica knows it. Whatever happens to the Secret, it goes on with what it has. */
export interface RootKeeper {
  readonly state: () => RootState;
  /** What the current phase waits for, a sentence. */
  readonly outlook: () => string;
  /** What is wrong, as sentences. */
  readonly problems: () => readonly string[];
  readonly times: () => Times;
  /** Reads the Secrets, takes what is new, and takes a step of the rotation if it is time. Never rejects. */
  look(): Promise<void>;
}

/** Times that a compare-and-swap is tried while other replicas do the same. */
const mostAttempts = 5;

/** Certificates are backdated by as much. */
const toleratedSkewMs = 5 * minuteMs;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Reads the authority of the mesh out of its Secret, and fills an empty one: with what is given, else with a new root. Throws a
 * sentence if the Secret does not exist, cannot be read, or holds something else.
 */
export async function openRoot(options: RootKeeperOptions): Promise<RootKeeper> {
  const { store, secret, givenSecret, clock, steadyMs, policy } = options;
  let skewMs = 0;
  let problems: readonly string[] = [];
  let outlook = '';
  let isLooking = false;
  let seen = { key: '', sinceMs: 0 };

  function times(): Times {
    const nowMs = clock().getTime();
    return { earliestMs: nowMs + Math.min(skewMs, 0), latestMs: nowMs + Math.max(skewMs, 0) };
  }

  const create = (): MeshAuthority => options.create(new Date(times().earliestMs));

  async function read(): Promise<StoredCa> {
    const stored = await store.read();
    if (stored === undefined) throw new Error(`the Secret ${secret} does not exist: apply the manifest that holds it`);
    skewMs = stored.serverTime === undefined ? 0 : stored.serverTime.getTime() - clock().getTime();
    return stored;
  }

  /** Returns what is given, and what is wrong with it. */
  async function readGiven(): Promise<{ isGiven: boolean; given?: MeshAuthority; problem?: string }> {
    try {
      const stored = await options.given.read();
      const given = stored && readGivenAuthority(stored.data, new Date(times().earliestMs));
      return given === undefined ? { isGiven: false } : { isGiven: true, given };
    } catch (error) {
      return { isGiven: true, problem: `the Secret ${givenSecret}: ${messageOf(error)}` };
    }
  }

  const requestOf = ({ annotations }: StoredCa): string => annotations?.get(rotateAnnotation)?.trim() ?? '';

  /** Returns how long a phase has lasted: by the clocks, or as long as it was seen, so that a clock that went back delays nothing. */
  function ageOf({ phase, since }: RootState): number {
    const key = `${phase} ${since.getTime()}`;
    if (seen.key !== key) seen = { key, sinceMs: steadyMs() };
    return Math.max(times().earliestMs - since.getTime(), steadyMs() - seen.sinceMs);
  }

  async function first(): Promise<RootState> {
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const stored = await read();
      const parsed = parseRoot(stored.data);
      if (parsed.kind === 'invalid') {
        const remedy = 'put back what was there, or remove all keys to have a new authority made';
        throw new Error(`the Secret ${secret}: ${parsed.problem}; ${remedy}`);
      }
      if (parsed.kind === 'filled') return parsed.state;
      const { given, problem } = await readGiven();
      if (problem !== undefined) throw new Error(problem);
      const state: RootState = {
        current: given ?? create(),
        previous: [],
        phase: 'stable',
        generation: 1,
        since: new Date(times().latestMs),
        request: requestOf(stored),
        isUrgent: false,
      };
      if ((await store.fill(renderRoot(state, stored.data), stored.resourceVersion)) === 'written') return state;
    }
    throw new Error(`the Secret ${secret} could not be filled: others change it all the time`);
  }

  let state = await first();
  let inUse = JSON.stringify(state);

  function use(next: RootState, reason: string): void {
    state = next;
    const text = JSON.stringify(next);
    if (text === inUse) return;
    inUse = text;
    options.onState(next, reason);
  }

  /** Returns the state that is to be continued, and why the Secret has to be written if it holds another. */
  function continued({ data }: StoredCa): { readonly state: RootState; readonly repair?: string } {
    const parsed = parseRoot(data);
    if (parsed.kind === 'empty') return { state, repair: 'the Secret was emptied, and what was there is put back' };
    if (parsed.kind === 'invalid') throw new Error(parsed.problem);
    if (isSuccessor(parsed.state, state)) return { state: parsed.state };
    const { current } = parsed.state;
    if (current.notAfterMs <= times().earliestMs) {
      throw new Error('it holds another authority, which has expired');
    }
    return { state: begin(state, current, times()), repair: 'somebody has put another authority into the Secret' };
  }

  /** Returns whether another replica was faster. */
  async function attempt(found: string[]): Promise<boolean> {
    const stored = await read();
    const { isGiven, given, problem } = await readGiven();
    if (problem !== undefined) found.push(`${problem}; what signs now stays`);
    const { state: base, repair } = continuedOrNothing(stored, found);
    if (base === undefined) return false;
    if (repair === undefined) use(base, 'another replica has taken a step');
    const request = requestOf(stored);
    if (request !== '' && request !== base.request && isGiven) {
      found.push(
        `the annotation ${rotateAnnotation} has no effect: the Secret ${givenSecret} says which authority signs`,
      );
    }
    const ageMs = ageOf(base);
    const answers = base.phase === 'stable' ? undefined : await options.answers();
    const step = nextStep(base, { ...times(), ageMs, answers, isGiven, given, request, create }, policy);
    outlook = step.reason;
    const wanted = step.state ?? (repair === undefined ? undefined : base);
    if (wanted === undefined) return false;
    const outcome = await store.fill(renderRoot(wanted, stored.data), stored.resourceVersion);
    if (outcome === 'missing') found.push(`the Secret ${secret} does not exist: apply the manifest that holds it`);
    if (outcome === 'written') use(wanted, repair ?? step.reason);
    return outcome === 'conflict';
  }

  function continuedOrNothing(stored: StoredCa, found: string[]): { state?: RootState; repair?: string } {
    try {
      return continued(stored);
    } catch (error) {
      const remedy = 'put back what was there, or remove all keys to have it put back';
      found.push(`the Secret ${secret}: ${messageOf(error)}; this replica goes on with what it has: ${remedy}`);
      return {};
    }
  }

  return {
    state: () => state,
    outlook: () => outlook,
    problems: () => problems,
    times,
    async look() {
      if (isLooking) return;
      isLooking = true;
      const found: string[] = [];
      try {
        let again = true;
        for (let attempts = 0; again && attempts < mostAttempts; attempts += 1) {
          found.length = 0;
          again = await attempt(found);
        }
      } catch (error) {
        found.push(messageOf(error));
      }
      if (Math.abs(skewMs) > toleratedSkewMs) {
        const side = skewMs > 0 ? 'behind' : 'ahead of';
        found.push(`this clock is ${Math.round(Math.abs(skewMs) / minuteMs)} min ${side} the API server's`);
      }
      problems = found;
      isLooking = false;
    },
  };
}
