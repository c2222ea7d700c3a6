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
import { every, pace } from './pace.ts';

interface Options {
  readonly client: ApiClient;
  readonly injector: () => Injector;
  readonly log: Log;
  readonly onFailure: () => void;
  /** Takes each pod that was listed, is new or has changed. */
  readonly onPod: (record: PodRecord) => void;
  /** Milliseconds that only count up. */
  readonly nowMs: () => number;
}

/** All pods of the cluster, judged. */
export interface PodWatch {
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
/** After all pods were listed, so many times the time that it took passes before they are listed again. */
const restFactor = 10;

/** A namespace with all its labels, which selectors may ask for, and the annotations that decisions depend on. */
function namespaceOf(name: string, object: JsonObject): PodNamespace {
  const facts = readFacts(object);
  return { name, labels: facts.labels, annotations: relevantFacts(facts)?.annotations ?? {} };
}

/**
 * Lists and watches pods and namespaces, and judges each pod. When the settings, the registration or a namespace changes, all pods
 * are listed and judged anew, because what is kept of a pod does not suffice for it.
 */
export function watchPods({ client, injector, log, onFailure, onPod, nowMs }: Options): PodWatch {
  const namespaces = new Map<string, PodNamespace>();
  let yardstick: Yardstick | undefined;
  let entries: Yardstick['entries'] | undefined;
  let roster = createRoster();
  let pods: Watcher | undefined;
  let isListed = false;
  let isStale = false;
  /** Namespaces of pods that were listed before their namespace was. */
  const strangers = new Set<string>();
  let begunMs = 0;
  let restUntilMs = 0;

  const onState =
    (kind: string) =>
    (state: WatchState): void => {
      if (state.type === 'synced') return;
      onFailure();
      log.warn({ kind, detail: state.error.message, retryMs: Math.round(state.retryMs) }, 'a watch failed');
    };

  function takeNamespaces(changes: readonly ObjectChange[]): void {
    for (const { key, object } of changes) {
      const before = namespaces.get(key);
      const facts = object === undefined ? undefined : namespaceOf(key, object);
      if (facts === undefined) namespaces.delete(key);
      else namespaces.set(key, facts);
      // The pods of a namespace that goes are told of one by one, and one that is new has none yet.
      if (facts === undefined || (before === undefined && !strangers.has(key))) continue;
      if (!isSame(before, facts)) isStale = true;
    }
  }

  function takePods(changes: readonly ObjectChange[]): void {
    for (const { key, object } of changes) {
      const [name = ''] = key.split('/', 1);
      const namespace = namespaces.get(name);
      if (namespace === undefined) strangers.add(name);
      const record =
        object === undefined || namespace === undefined || yardstick === undefined
          ? undefined
          : recordOf(object, namespace, yardstick);
      roster.take(key, record);
      if (record !== undefined) onPod(record);
    }
  }

  function judgeAnew(): void {
    if (entries === undefined) return;
    const current = injector();
    if (!isStale && yardstick?.injector === current && yardstick.entries === entries) return;
    if (nowMs() < restUntilMs) return;
    isStale = false;
    isListed = false;
    strangers.clear();
    begunMs = nowMs();
    yardstick = { entries, injector: current };
    pods?.stop();
    roster = createRoster();
    const begun = yardstick;
    pods = startWatcher({
      client,
      path: '/api/v1/pods',
      pageSize,
      pace,
      onChanges: (changes) => {
        if (yardstick === begun) takePods(changes);
      },
      onContact: () => undefined,
      onState(state) {
        onState('pods')(state);
        if (state.type !== 'synced' || yardstick !== begun) return;
        if (!isListed) restUntilMs = nowMs() + restFactor * (nowMs() - begunMs);
        isListed = true;
        log.info({ pods: roster.size }, 'all pods have been looked at');
      },
    });
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
    roster: () => roster,
    isSettled: () => isListed && !isStale && yardstick?.injector === injector() && yardstick.entries === entries,
    stop() {
      isStopped = true;
      for (const stop of stops) stop();
      watcher.stop();
      pods?.stop();
    },
  };
}
