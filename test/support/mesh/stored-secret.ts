import type { CaStore, StoredCa } from '../../../src/certs/stores.ts';

/** A Secret that replicas share, and that people edit. */
export interface StoredSecret {
  readonly store: CaStore;
  readonly data: () => Readonly<Record<string, string>>;
  /** Replaces the values; undefined deletes the Secret. */
  put(data: Readonly<Record<string, string>> | undefined): void;
  annotate(annotations: Readonly<Record<string, string>>): void;
}

/** Creates one; `serverTime` is that of its API server. */
export function createStoredSecret(
  first: Readonly<Record<string, string>> | undefined,
  serverTime?: () => Date,
): StoredSecret {
  let content = first;
  let annotations: Readonly<Record<string, string>> = {};
  let version = 1;
  const stored = (data: Readonly<Record<string, string>>): StoredCa => ({
    data: new Map(Object.entries(data)),
    resourceVersion: String(version),
    annotations: new Map(Object.entries(annotations)),
    ...(serverTime && { serverTime: serverTime() }),
  });
  return {
    store: {
      read: () => Promise.resolve(content && stored(content)),
      fill(filled, resourceVersion) {
        if (content === undefined) return Promise.resolve('missing');
        if (resourceVersion !== String(version)) return Promise.resolve('conflict');
        content = Object.fromEntries(filled);
        version += 1;
        return Promise.resolve('written');
      },
    },
    data: () => content ?? {},
    put(data) {
      content = data;
      version += 1;
    },
    annotate(changed) {
      annotations = changed;
      version += 1;
    },
  };
}
