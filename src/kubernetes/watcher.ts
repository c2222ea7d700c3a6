import { isObject, objectMember, objectsMember, parseJson, stringMember, type JsonObject } from '../json/json.ts';
import { ApiError, isApiError, messageOf } from './api-error.ts';
import type { ApiClient } from './client.ts';
import { keyOf } from './object-key.ts';

/** A change of one object: what it is now, or undefined once it is gone. */
export interface ObjectChange {
  /** `<namespace>/<name>`, or the name of an object without namespace. */
  readonly key: string;
  readonly object: JsonObject | undefined;
}

/** What a watcher reports about itself. */
export type WatchState =
  /** All objects have been listed, and changes follow. */
  | { readonly type: 'synced'; readonly objects: number }
  /** Nothing is known of changes since the last contact; the next attempt follows after the delay. */
  | { readonly type: 'failed'; readonly error: ApiError; readonly retryMs: number };

/** Time and chance, so that tests can rule over both. */
export interface WatchPace {
  /** A number from 0 to below 1. */
  readonly random: () => number;
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

export interface WatcherOptions {
  readonly client: Pick<ApiClient, 'get' | 'stream'>;
  /** Path of the collection, such as `/api/v1/pods`. */
  readonly path: string;
  /**
   * Objects in one response, where all together may be too large for one: the list is then read from the store, because
   * what the API server has in memory comes as a whole. Its changes come page by page, so that no more than a page is held.
   */
  readonly pageSize?: number;
  /** Takes changes; those of a list come together, unless it is read in pages. */
  readonly onChanges: (changes: readonly ObjectChange[]) => void;
  readonly onState: (state: WatchState) => void;
  /** Called for each sign of life: a page of a list, an event, a bookmark (about every minute). */
  readonly onContact: () => void;
  readonly pace: WatchPace;
}

/** A running watcher. */
export interface Watcher {
  /** Resolves when all objects have been listed once, or it was stopped. */
  readonly synced: Promise<void>;
  stop(): void;
}

const defaultPageSize = 500;
/** Where all objects together are too large: an injected pod takes 30 to 60 KB, and a response may have 8 MiB. */
const largePageSize = 100;
/** How long one watch lasts; the API server ends it then, and the jitter spreads those of several replicas. */
const watchSeconds = { least: 240, jitter: 120 } as const;
/** A bookmark comes about every minute, so a connection without any byte is dead well before this. */
const inactivityMs = 180_000;
const backOffMs = { first: 200, most: 30_000 } as const;

/** What is remembered of an object, so that a list shows what has changed meanwhile. */
interface Known {
  readonly uid: string;
  readonly version: string;
}

function knownOf(object: JsonObject): Known {
  const metadata = objectMember(object, 'metadata');
  return {
    uid: stringMember(metadata, 'uid') ?? '',
    version: stringMember(metadata, 'resourceVersion') ?? '',
  };
}

/** The list is too old for a watch to continue from it. */
const expired = Symbol('expired');

/**
 * Lists a collection and watches it from there on, until it is stopped. Whatever fails is tried again. A list that follows a
 * watch is compared with what is known, by uid, so that a deletion or a replacement that was missed is found.
 */
export function startWatcher(options: WatcherOptions): Watcher {
  const { client, path, onChanges, onState, pace } = options;
  const stopping = new AbortController();
  const known = new Map<string, Known>();
  const { promise: synced, resolve: resolveSynced } = Promise.withResolvers<void>();
  let failures = 0;
  let { pageSize } = options;

  /** Reads the page that a continuation leads to; the first one for an empty text. */
  async function readPage(next: string): Promise<JsonObject> {
    // Version 0 is what the API server has in memory: cheap, and consistent with the watch that continues from it.
    const first = pageSize === undefined ? '&resourceVersion=0' : '';
    const from = next === '' ? first : `&continue=${encodeURIComponent(next)}`;
    try {
      return (await client.get(`${path}?limit=${pageSize ?? defaultPageSize}${from}`)).body;
    } catch (error) {
      // It is too large for one answer, since from memory it comes as a whole. From now on it is read in smaller parts.
      if (!isApiError(error, 'bad-answer') || pageSize === 1) throw error;
      pageSize = pageSize === undefined ? largePageSize : Math.ceil(pageSize / 8);
      return readPage(next);
    }
  }

  async function list(): Promise<string> {
    const listed = new Set<string>();
    const held: JsonObject[] = [];
    let version = '';
    let next = '';
    do {
      const body = await readPage(next);
      const metadata = objectMember(body, 'metadata');
      const items = objectsMember(body, 'items');
      options.onContact();
      for (const object of items) listed.add(keyOf(object));
      if (options.pageSize === undefined) held.push(...items);
      else tell(adopt(items));
      version = stringMember(metadata, 'resourceVersion') ?? '';
      next = stringMember(metadata, 'continue') ?? '';
    } while (next !== '');
    tell([...forget(listed), ...adopt(held)]);
    return version;
  }

  function tell(changes: readonly ObjectChange[]): void {
    if (changes.length > 0) onChanges(changes);
  }

  /** Remembers objects of a list, and returns which of them are new, replaced or changed. */
  function adopt(objects: readonly JsonObject[]): ObjectChange[] {
    return objects.flatMap((object) => {
      const key = keyOf(object);
      const value = knownOf(object);
      const before = known.get(key);
      known.set(key, value);
      if (before?.uid === value.uid && before.version === value.version) return [];
      const isReplaced = before !== undefined && before.uid !== value.uid;
      return [...(isReplaced ? [{ key, object: undefined }] : []), { key, object }];
    });
  }

  /** Forgets what a list does not have, and returns it as gone. */
  function forget(listed: ReadonlySet<string>): ObjectChange[] {
    const gone = [...known.keys()].filter((key) => !listed.has(key));
    for (const key of gone) known.delete(key);
    return gone.map((key) => ({ key, object: undefined }));
  }

  /** Takes a line of a watch, and returns the version to continue from. */
  function take(line: string): string {
    const event = parseJson(line);
    const object = isObject(event) ? objectMember(event, 'object') : undefined;
    if (!isObject(event) || object === undefined) {
      throw new ApiError('bad-answer', `GET ${path}: a line of the watch is not an event`);
    }
    const type = stringMember(event, 'type');
    if (type === 'ERROR') throw errorOfEvent(object);
    const value = knownOf(object);
    const key = keyOf(object);
    if (type === 'DELETED') {
      known.delete(key);
      onChanges([{ key, object: undefined }]);
    } else if (type === 'ADDED' || type === 'MODIFIED') {
      tell(adopt([object]));
    } else if (type !== 'BOOKMARK') {
      throw new ApiError('bad-answer', `GET ${path}: the watch has an event of the type ${String(type)}`);
    }
    return value.version;
  }

  function errorOfEvent(status: JsonObject): ApiError | typeof expired {
    const code = status['code'];
    if (code === 410) return expired;
    return new ApiError('server-error', `GET ${path}: the watch ended: ${stringMember(status, 'message') ?? ''}`);
  }

  /** Watches from a version until it ends, again and again; returns when a new list is needed. */
  async function follow(from: string): Promise<void> {
    let version = from;
    while (!stopping.signal.aborted) {
      const seconds = Math.round(watchSeconds.least + watchSeconds.jitter * pace.random());
      const query = `watch=1&allowWatchBookmarks=true&resourceVersion=${encodeURIComponent(version)}&timeoutSeconds=${seconds}`;
      // What is thrown for a line must end the call, which knows only its own errors.
      const broken = new AbortController();
      let problem: unknown;
      let isQuiet = true;
      const signal = AbortSignal.any([stopping.signal, broken.signal]);
      await client.stream(
        `${path}?${query}`,
        (line) => {
          if (problem !== undefined) return;
          isQuiet = false;
          try {
            version = take(line);
            failures = 0;
            options.onContact();
          } catch (error) {
            problem = error;
            broken.abort();
          }
        },
        { signal, inactivityMs },
      );
      if (problem === expired) return;
      if (problem !== undefined) throw problem;
      // An API server that ends watches at once must not be asked again and again without a pause.
      if (isQuiet) await pace.sleep(backOffMs.first, stopping.signal);
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const version = await list();
        failures = 0;
        onState({ type: 'synced', objects: known.size });
        resolveSynced();
        await follow(version);
      } catch (thrown) {
        if (stopping.signal.aborted) break;
        const error =
          thrown instanceof ApiError ? thrown : new ApiError('bad-answer', `GET ${path}: ${messageOf(thrown)}`);
        // A version that the API server has forgotten is no failure: a new list has a newer one.
        if (error.statusCode === 410) {
          await pace.sleep(backOffMs.first, stopping.signal);
          continue;
        }
        const retryMs = Math.min(backOffMs.most, backOffMs.first * 2 ** failures) * (0.5 + pace.random() / 2);
        failures += 1;
        onState({ type: 'failed', error, retryMs });
        await pace.sleep(retryMs, stopping.signal);
      }
    }
  }

  void run().finally(resolveSynced);
  return { synced, stop: () => stopping.abort() };
}
