import { readEntries } from '../audit/reading.ts';
import { readFacts, relevantFacts, type PodNamespace } from '../injection/namespace-facts.ts';
import { recordOf, type PodRecord, type Yardstick } from '../audit/pod-record.ts';
import { createRoster, type Roster } from '../audit/roster.ts';
import type { Injector } from '../injection/injector.ts';
import { isSame, type JsonObject } from '../json/json.ts';
import { messageOf } from '../kubernetes/api-error.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import { readWebhookConfiguration } from '../kubernetes/objects.ts';
import { startWatcher, type ObjectChange, type Watcher, type WatchState } from '../kubernetes/watcher.ts';
import type { Log } from '../telemetry/log.ts';
import { createNamespaceLooks } from './namespace-looks.ts';
import { pace } from './pace.ts';

interface Options {
  readonly client: ApiClient;
  readonly injector: () => Injector;
  readonly log: Log;
  readonly onFailure: () => void;
  /** Takes each pod that was listed, is new or has changed. */
  readonly onPod: (record: PodRecord) => void;
  /** Milliseconds that only count up. */
  readonly nowMs: () => number;
  /** Calls back again and again; returns a function that ends it. */
  readonly every: (milliseconds: number, action: () => void) => () => void;
}

/** All pods of the cluster, judged. */
export interface PodWatch {
  /** As they were judged last; while all are judged anew, as they were before that. */
  readonly roster: () => Roster;
  /** Whether all pods were judged by what is in force now. */
  readonly isSettled: () => boolean;
  stop(): void;
}

/** An injected pod takes 30 to 60 KB, and a response may have 8 MiB. */
const pageSize = 100;
/** How often it is looked whether pods are to be judged anew: by other settings, labels of namespaces or selectors. */
const lookMs = 2_000;
const registrationMs = 15_000;
/** After pods were listed, so many times the time that it took passes before they are listed again. */
const restFactor = 10;

/** One look at all pods by one yardstick, and what has become of them since. */
interface Round {
  readonly yardstick: Yardstick;
  readonly roster: Roster;
  readonly watcher: Watcher;
  /** Whether all pods have been listed. */
  isListed: boolean;
}

/** A namespace with all its labels, which selectors may ask for, and the annotations that decisions depend on. */
function namespaceOf(name: string, object: JsonObject): PodNamespace {
  const facts = readFacts(object);
  return { name, labels: facts.labels, annotations: relevantFacts(facts)?.annotations ?? {} };
}

/**
 * Lists and watches pods and namespaces, and judges each pod. When the settings or the registration change, all pods are listed and
 * judged anew, because what is kept of a pod does not suffice for it; when a namespace changes, its pods are.
 */
export function watchPods({ client, injector, log, onFailure, onPod, nowMs, every }: Options): PodWatch {
  const namespaces = new Map<string, PodNamespace>();
  let entries: Yardstick['entries'] | undefined;
  let round: Round | undefined;
  let shown = createRoster();
  /** Namespaces of pods that were listed before their namespace was. */
  const strangers = new Set<string>();
  let restUntilMs = 0;

  function failed(kind: string, fields: { readonly detail: string; readonly retryMs?: number }): void {
    onFailure();
    log.warn({ kind, ...fields }, 'a watch failed');
  }

  const onState =
    (kind: string) =>
    (state: WatchState): void => {
      if (state.type === 'synced') return;
      failed(kind, { detail: state.error.message, retryMs: Math.round(state.retryMs) });
    };

  const looks = createNamespaceLooks({
    client,
    pageSize,
    restFactor,
    onPods: (changes) => {
      if (round !== undefined) judge(changes, round);
    },
    onFailure: (detail) => failed('pods', { detail }),
    nowMs,
  });

  function takeNamespaces(changes: readonly ObjectChange[]): void {
    for (const { key, object } of changes) {
      const before = namespaces.get(key);
      const facts = object === undefined ? undefined : namespaceOf(key, object);
      if (facts === undefined) namespaces.delete(key);
      else namespaces.set(key, facts);
      // The pods of a namespace that goes are told of one by one, and one that is new has none yet.
      if (facts === undefined || (before === undefined && !strangers.has(key))) continue;
      if (!isSame(before, facts)) looks.add(key);
    }
  }

  function judge(changes: readonly ObjectChange[], { yardstick, roster }: Round): void {
    for (const { key, object } of changes) {
      const [name = ''] = key.split('/', 1);
      const namespace = namespaces.get(name);
      if (namespace === undefined) strangers.add(name);
      const record =
        object === undefined || namespace === undefined ? undefined : recordOf(object, namespace, yardstick);
      roster.take(key, record);
      if (record !== undefined) onPod(record);
    }
  }

  const isInForce = ({ yardstick }: Round): boolean =>
    yardstick.injector === injector() && yardstick.entries === entries;

  function judgeAnew(): void {
    if (entries === undefined) return;
    if (round !== undefined && isInForce(round)) {
      if (round.isListed) looks.begin();
      return;
    }
    if (nowMs() < restUntilMs) return;
    round?.watcher.stop();
    looks.clear();
    strangers.clear();
    round = beginRound({ entries, injector: injector() });
  }

  function beginRound(yardstick: Yardstick): Round {
    const begunMs = nowMs();
    const roster = createRoster();
    const watcher = startWatcher({
      client,
      path: '/api/v1/pods',
      pageSize,
      pace,
      onChanges(changes) {
        if (round !== begun) return;
        for (const { key } of changes) looks.touch(key);
        judge(changes, begun);
      },
      onContact: () => undefined,
      onState(state) {
        onState('pods')(state);
        if (state.type !== 'synced' || round !== begun) return;
        if (!begun.isListed) restUntilMs = nowMs() + restFactor * (nowMs() - begunMs);
        begun.isListed = true;
        shown = roster;
        log.info({ pods: roster.size }, 'all pods have been looked at');
      },
    });
    const begun: Round = { yardstick, roster, watcher, isListed: false };
    return begun;
  }

  async function readRegistration(): Promise<void> {
    try {
      const found = await readWebhookConfiguration(client);
      const read = found === undefined ? [] : readEntries(found);
      if (!isSame(read, entries)) entries = read;
      if (found === undefined) log.warn('there is no registration of the webhook: no pod counts as missed');
    } catch (error) {
      onFailure();
      log.warn({ detail: messageOf(error) }, 'the registration of the webhook could not be read');
    }
  }

  const watcher = startWatcher({
    client,
    path: '/api/v1/namespaces',
    pace,
    onChanges: takeNamespaces,
    onContact: () => undefined,
    onState: onState('namespaces'),
  });
  let isStopped = false;
  const stops = [every(registrationMs, () => void readRegistration())];
  void Promise.all([watcher.synced, readRegistration()]).then(() => {
    if (isStopped) return;
    judgeAnew();
    stops.push(every(lookMs, judgeAnew));
  });
  return {
    roster: () => shown,
    isSettled: () => round !== undefined && round.isListed && isInForce(round) && looks.isDone(),
    stop() {
      isStopped = true;
      for (const stop of stops) stop();
      watcher.stop();
      round?.watcher.stop();
      looks.clear();
    },
  };
}
