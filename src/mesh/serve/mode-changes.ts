import { beginChange, nextStep, type ModeChange, type ModeStep } from '../plan/mode-change.ts';
import { textOfModes, type ModesOf, type PeerAuthentications, type PeerModes } from '../plan/peer-modes.ts';
import type { Pod } from '../world/pod.ts';
import type { ModeReport } from './mode-reports.ts';
import type { Touched, World } from '../world/world.ts';

/** How long it is waited for proxies that do not acknowledge: then those that take nothing but mutual TLS are closed all the same. */
const patienceMs = 30_000;

/** What timers of a proxy may be late. */
const slackMs = 500;

/** No pod at any step. */
const none = { opening: 0, clients: 0, closing: 0, draining: 0 };

/** Pods for which something is other than before. */
export interface Moved {
  /** Their proxies take something else. */
  readonly served: ReadonlySet<string>;
  /** Their clients call them by something else. */
  readonly called: ReadonlySet<string>;
}

/** Who has to acknowledge a change of a pod. The function is called after it is decided, before it is published, and returns one that says whether all have. */
type Awaited = (pod: string) => () => boolean;

/** Who has to acknowledge. */
export interface Acknowledgements {
  readonly ofProxy: Awaited;
  /** Returns who has to where clients of pods are told at this moment: many pods of a Service cost what one does. */
  readonly clients: () => Awaited;
  /** Returns how long the proxy of a pod keeps connections that it takes no longer. */
  readonly drainMs: (pod: string) => number;
}

/** Takes what a pod waits for now, which is nothing after the last step. */
export type Stepped = (pod: string, change: ModeChange | undefined, isOverdue: boolean) => void;

/** What the objects of a world say. */
type Says = Pick<PeerAuthentications, 'modesOf'>;

interface Underway {
  readonly change: ModeChange;
  readonly isAcknowledged: () => boolean;
  /** When the step began. */
  readonly sinceMs: number;
  /** When the change began. */
  readonly begunMs: number;
}

/** Leads pods to other modes, step by step. Pods that do not change are where the objects say. */
export interface ModeChanges {
  readonly servedBy: ModesOf<Pod>;
  readonly calledBy: ModesOf<Pod>;
  /** Takes the next world, and what objects say in it of a pod. */
  advance(before: World, after: World, touched: Touched, said: Says, says: Says): Pick<Moved, 'served'>;
  /** Takes the steps whose time has come. Others have to agree: proxies of other replicas call the same pods. */
  step(doOthersAgree: (step: ModeStep, sinceMs: number) => boolean): Moved;
  /** Returns how far a pod is; undefined if it does not change. */
  readonly changeOf: (pod: string) => ModeChange | undefined;
  /** Returns how many pods change, at each step. */
  report(): Pick<ModeReport, 'at' | 'unacknowledged'>;
  /** Whether no pod changes. */
  readonly isStill: () => boolean;
}

/**
 * Creates it without changes.
 *
 * @param says what objects say of a pod at the moment, in the last world that was taken
 * @param stepped called for each step of a pod; its last has no change any more. One is overdue if not all have acknowledged the step before
 */
export function createModeChanges(
  says: ModesOf<Pod>,
  acknowledgements: Acknowledgements,
  nowMs: () => number,
  stepped: Stepped,
): ModeChanges {
  const underway = new Map<string, Underway>();

  const pick =
    (of: 'served' | 'called'): ModesOf<Pod> =>
    (pod) =>
      underway.get(pod.key)?.change[of] ?? says(pod);

  /** Returns a function that says whether what a change waits for has come. */
  function endOf({ waitsFor }: ModeChange, pod: string, ofClients: () => Awaited): () => boolean {
    const { ofProxy, drainMs } = acknowledgements;
    if (waitsFor === 'clients') return ofClients()(pod);
    if (waitsFor !== 'draining') return ofProxy(pod);
    const drainedMs = nowMs() + drainMs(pod) + slackMs;
    return () => nowMs() >= drainedMs;
  }

  function put(
    pod: string,
    change: ModeChange | undefined,
    isOverdue = false,
    ofClients = acknowledgements.clients,
  ): void {
    stepped(pod, change, isOverdue);
    if (change === undefined) {
      underway.delete(pod);
      return;
    }
    const sinceMs = nowMs();
    const begunMs = change.waitsFor === 'opening' ? sinceMs : (underway.get(pod)?.begunMs ?? sinceMs);
    underway.set(pod, { change, isAcknowledged: endOf(change, pod, ofClients), sinceMs, begunMs });
  }

  function* changed(before: World, after: World, { guarding, pods }: Touched): Iterable<string> {
    if (guarding.size > 0 && before.rules.PeerAuthentication !== after.rules.PeerAuthentication) {
      yield* after.pod.keys();
    } else yield* pods;
  }

  return {
    servedBy: pick('served'),
    calledBy: pick('called'),
    advance(before, after, touched, said, says) {
      const moved = new Set<string>();
      for (const key of touched.pods) if (!after.pod.has(key)) underway.delete(key);
      for (const key of changed(before, after, touched)) {
        const [old, pod] = [before.pod.get(key), after.pod.get(key)];
        if (pod === undefined || pod.plainPorts === 'all') continue;
        const known = underway.get(key)?.change;
        // A pod that is new, or another one of the same name, has no clients yet.
        if (known === undefined && (old === undefined || old.uid !== pod.uid || old.plainPorts === 'all')) continue;
        const last = known ?? { served: said.modesOf(old ?? pod), called: said.modesOf(old ?? pod) };
        const target = says.modesOf(pod);
        if (known !== undefined && old?.uid === pod.uid && textsAreEqual(known.target, target)) continue;
        const change = old?.uid === pod.uid ? beginChange(last, target) : undefined;
        if (known === undefined && change === undefined) continue;
        put(key, change);
        moved.add(key);
      }
      return { served: moved };
    },
    step(doOthersAgree) {
      const moved = { served: new Set<string>(), called: new Set<string>() };
      let clients: Awaited | undefined;
      const ofClients = (): Awaited => (clients ??= acknowledgements.clients());
      for (const [pod, { change, isAcknowledged, sinceMs, begunMs }] of underway) {
        const { waitsFor } = change;
        const isOverdue = !isAcknowledged() || (waitsFor !== 'draining' && !doOthersAgree(waitsFor, begunMs));
        const isPatient = waitsFor === 'draining' || nowMs() - sinceMs < patienceMs;
        if (isOverdue && isPatient) continue;
        const next = nextStep(change);
        put(pod, next, isOverdue, ofClients);
        if (next?.waitsFor === 'clients') moved.called.add(pod);
        if (next?.waitsFor === 'closing') moved.served.add(pod);
      }
      return moved;
    },
    changeOf: (pod) => underway.get(pod)?.change,
    report() {
      const at = { ...none };
      const unacknowledged = { ...none };
      for (const { change, isAcknowledged } of underway.values()) {
        at[change.waitsFor] += 1;
        if (!isAcknowledged()) unacknowledged[change.waitsFor] += 1;
      }
      return { at, unacknowledged };
    },
    isStill: () => underway.size === 0,
  };
}

function textsAreEqual(one: PeerModes, other: PeerModes): boolean {
  return textOfModes(one) === textOfModes(other);
}
