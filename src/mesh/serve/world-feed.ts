import type { JsonObject } from '../../json/json.ts';
import type { ApiClient } from '../../kubernetes/client.ts';
import { startWatcher, type ObjectChange, type WatchPace, type WatchState } from '../../kubernetes/watcher.ts';
import type { RuleKind } from '../rules/object-ref.ts';
import { readSafely } from '../rules/reading.ts';
import { isRuleKind, ruleKinds } from '../rules/rule-kinds.ts';
import { readEndpointSlice } from '../world/endpoint-slice.ts';
import { readPod } from '../world/pod.ts';
import { readService } from '../world/service.ts';
import type { ObjectKind, WorldEvent } from '../world/world.ts';
import { startRuleWatches, type RuleWatchOptions } from './rule-watches.ts';

/** Collections that every cluster has, by kind of object. */
const paths: Readonly<Record<ObjectKind, string>> = {
  service: '/api/v1/services',
  slice: '/apis/discovery.k8s.io/v1/endpointslices',
  pod: '/api/v1/pods',
};

/** Kinds of objects that are always watched. */
export const clusterKinds = Object.keys(paths) as readonly ObjectKind[];

/** A kind of object that is watched, if the API server has it. */
export type WatchedKind = ObjectKind | RuleKind;

/** All kinds of objects that are watched. */
export const watchedKinds: readonly WatchedKind[] = [...clusterKinds, ...(Object.keys(ruleKinds) as RuleKind[])];

const readers: Readonly<{ [K in ObjectKind]: (key: string, object: JsonObject | undefined) => WorldEvent }> = {
  service: (key, object) => ({ kind: 'service', key, value: object && readService(object) }),
  slice: (key, object) => ({ kind: 'slice', key, value: object && readEndpointSlice(object) }),
  pod: (key, object) => ({ kind: 'pod', key, value: object && readPod(object) }),
};

function eventOf(kind: WatchedKind, { key, object }: ObjectChange): WorldEvent {
  if (!isRuleKind(kind)) return readers[kind](key, object);
  return { kind, key, value: object && readSafely<unknown>(kind, object, ruleKinds[kind].read) } as WorldEvent;
}

/** Waits between changes: the first is given on at once, and while more follow, fewer and larger portions. */
const quietMs = { first: 5, most: 640 } as const;

/** Watches of all collections of a world. */
export interface WorldFeed {
  /** Resolves when every collection has been listed, and its objects have been given on. */
  readonly synced: Promise<void>;
  stop(): void;
}

/** Starts the watches. `onEvents` takes changes in portions, in the order in which they came. */
export function startWorldFeed(options: {
  readonly client: Pick<ApiClient, 'get' | 'stream'>;
  readonly onEvents: (events: readonly WorldEvent[]) => void;
  readonly onState: (kind: WatchedKind, state: WatchState) => void;
  /** Called with each portion of changed objects, as they came. */
  readonly onObjects: (kind: WatchedKind, changes: readonly ObjectChange[]) => void;
  /** Called for each sign of life of the API server about a kind. */
  readonly onContact: (kind: WatchedKind) => void;
  readonly onServed: RuleWatchOptions['onServed'];
  readonly onUnknown: RuleWatchOptions['onUnknown'];
  readonly nowMs: () => number;
  readonly pace: WatchPace;
}): WorldFeed {
  let pending: WorldEvent[] = [];
  let timer: NodeJS.Timeout | undefined;
  let waitMs: number = quietMs.first;

  function flush(): void {
    const events = pending;
    pending = [];
    timer = undefined;
    if (events.length === 0) {
      // It was quiet for one wait: the next change is given on at once again.
      waitMs = quietMs.first;
      return;
    }
    options.onEvents(events);
    waitMs = Math.min(waitMs * 2, quietMs.most);
    timer = setTimeout(flush, waitMs);
  }

  function take(kind: WatchedKind, changes: readonly ObjectChange[]): void {
    options.onObjects(kind, changes);
    for (const change of changes) pending.push(eventOf(kind, change));
    timer ??= setTimeout(flush, quietMs.first);
  }

  const watchers = clusterKinds.map((kind) =>
    startWatcher({
      client: options.client,
      path: paths[kind],
      onChanges: (changes) => take(kind, changes),
      onState: (state) => options.onState(kind, state),
      onContact: () => options.onContact(kind),
      pace: options.pace,
    }),
  );
  const rules = startRuleWatches({ ...options, onChanges: take });
  return {
    synced: Promise.all([...watchers, rules].map((watcher) => watcher.synced)).then(() => {
      clearTimeout(timer);
      flush();
    }),
    stop() {
      clearTimeout(timer);
      for (const watcher of [...watchers, rules]) watcher.stop();
    },
  };
}
