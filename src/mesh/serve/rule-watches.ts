import type { ApiClient } from '../../kubernetes/client.ts';
import { findCollections } from '../../kubernetes/served-collections.ts';
import {
  startWatcher,
  type ObjectChange,
  type Watcher,
  type WatchPace,
  type WatchState,
} from '../../kubernetes/watcher.ts';
import type { RuleKind } from '../rules/object-ref.ts';
import { ruleKinds } from '../rules/rule-kinds.ts';

/** How often it is asked which kinds there are, and how long one must be away before its objects count as gone. */
const timesMs = { look: 10_000, retry: 1_000, gone: 60_000 } as const;

/** Watches of the kinds of rules, whose definitions come and go while the cluster runs. */
export interface RuleWatches {
  /** Resolves when it is known which kinds there are, and the objects of these have been given on. */
  readonly synced: Promise<void>;
  stop(): void;
}

export interface RuleWatchOptions {
  readonly client: Pick<ApiClient, 'get' | 'stream'>;
  readonly pace: WatchPace;
  readonly nowMs: () => number;
  readonly onChanges: (kind: RuleKind, changes: readonly ObjectChange[]) => void;
  readonly onState: (kind: RuleKind, state: WatchState) => void;
  readonly onContact: (kind: RuleKind) => void;
  /** Called when a kind is watched under a path from now on, or is not served any more. */
  readonly onServed: (kind: RuleKind, path: string | undefined) => void;
  /** Called when the API server has not said which kinds it serves. */
  readonly onUnknown: (error: unknown) => void;
}

interface KindWatch {
  /** Undefined if it is not served; null before it is known whether it is. */
  path: string | undefined | null;
  watcher: Watcher | undefined;
  /** Objects that were given on. */
  readonly keys: Set<string>;
  /** Since when the kind is not served, while its objects are still there. */
  goneMs: number | undefined;
}

const kindNames = Object.keys(ruleKinds) as readonly RuleKind[];
const groups = new Map(
  kindNames.map((kind) => {
    const { group } = ruleKinds[kind];
    const ofGroup = kindNames.filter((one) => ruleKinds[one].group === group);
    const versions = new Set(ofGroup.flatMap((one) => ruleKinds[one].versions));
    return [group, [...versions]] as const;
  }),
);

/**
 * Watches each kind of rules for as long as the API server has it. An API server that does not know a kind any more may have lost
 * it: its objects are given on as gone after a minute.
 */
export function startRuleWatches(options: RuleWatchOptions): RuleWatches {
  const { client, pace, nowMs } = options;
  const stopping = new AbortController();
  const watches = new Map<RuleKind, KindWatch>(
    kindNames.map((kind) => [kind, { path: null, watcher: undefined, keys: new Set(), goneMs: undefined }]),
  );
  const { promise: isLooked, resolve: resolveLooked } = Promise.withResolvers<void>();

  function give(kind: RuleKind, watch: KindWatch, changes: readonly ObjectChange[]): void {
    for (const { key, object } of changes) {
      if (object === undefined) watch.keys.delete(key);
      else watch.keys.add(key);
    }
    if (changes.length > 0) options.onChanges(kind, changes);
  }

  function start(kind: RuleKind, watch: KindWatch, path: string): void {
    /** Objects of an earlier watch that this one has not seen. */
    let missing: Set<string> | undefined = new Set(watch.keys);
    const isCurrent = (): boolean => watch.watcher === watcher;
    const watcher: Watcher = startWatcher({
      client,
      path,
      pace,
      onChanges(changes) {
        if (!isCurrent()) return;
        for (const { key } of changes) missing?.delete(key);
        give(kind, watch, changes);
      },
      onState(state) {
        if (!isCurrent()) return;
        if (state.type === 'synced' && missing !== undefined) {
          give(
            kind,
            watch,
            [...missing].map((key) => ({ key, object: undefined })),
          );
          missing = undefined;
        }
        options.onState(kind, state);
      },
      onContact() {
        if (isCurrent()) options.onContact(kind);
      },
    });
    watch.watcher = watcher;
  }

  function turn(kind: RuleKind, path: string | undefined): void {
    const watch = watches.get(kind);
    if (watch === undefined || watch.path === path) return;
    watch.watcher?.stop();
    watch.watcher = undefined;
    watch.path = path;
    watch.goneMs = path === undefined ? nowMs() : undefined;
    options.onServed(kind, path);
    if (path !== undefined) start(kind, watch, path);
  }

  /** Gives on as gone what has not been served for long. */
  function settle(): void {
    for (const [kind, watch] of watches) {
      if (watch.goneMs === undefined || nowMs() - watch.goneMs < timesMs.gone) continue;
      watch.goneMs = undefined;
      give(
        kind,
        watch,
        [...watch.keys].map((key) => ({ key, object: undefined })),
      );
    }
  }

  async function look(): Promise<void> {
    for (const [group, versions] of groups) {
      const paths = await findCollections(client, group, versions);
      if (stopping.signal.aborted) return;
      for (const kind of kindNames) {
        const { group: own, plural } = ruleKinds[kind];
        if (own === group) turn(kind, paths.get(plural));
      }
    }
    settle();
    resolveLooked();
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      let pauseMs: number = timesMs.look;
      try {
        await look();
      } catch (error) {
        if (stopping.signal.aborted) break;
        options.onUnknown(error);
        pauseMs = timesMs.retry;
      }
      await pace.sleep(pauseMs * (0.5 + pace.random() / 2), stopping.signal);
    }
  }

  void run().finally(resolveLooked);
  return {
    synced: isLooked.then(async () => {
      await Promise.all([...watches.values()].flatMap(({ watcher }) => watcher?.synced ?? []));
    }),
    stop() {
      stopping.abort();
      for (const { watcher } of watches.values()) watcher?.stop();
    },
  };
}
