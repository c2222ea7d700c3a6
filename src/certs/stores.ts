/** What a Secret held when it was read. */
export interface StoredCa {
  /** Decoded values by key. A map, because a Secret's keys are anybody's. */
  readonly data: ReadonlyMap<string, string>;
  readonly resourceVersion: string;
  /** The API server's clock at the answer, when known; it is the clock that judges our certificates. */
  readonly serverTime?: Date;
}

/** The one Secret that all replicas share. It is never created, only filled. */
export interface CaStore {
  /** Resolves with undefined when there is no such Secret; rejects when nobody can tell. */
  read(): Promise<StoredCa | undefined>;
  /** Replaces all values, if the Secret is still the version that was read. Rejects when nobody can tell. */
  fill(data: ReadonlyMap<string, string>, resourceVersion: string): Promise<'written' | 'conflict' | 'missing'>;
}

/** The bundle that one webhook entry has now. */
export interface PublishedBundle {
  readonly entry: string;
  /** PEM text; undefined when the entry has none. */
  readonly bundle: string | undefined;
}

/** Where an API server reads which CA to trust: our entries of the webhook configuration. */
export interface BundlePublisher {
  /** Our entries; undefined when the configuration does not exist, empty when it has no entry of ours. */
  read(): Promise<readonly PublishedBundle[] | undefined>;
  /** Sets the bundle on each of our entries that has another one. `conflict`: changed meanwhile, read again. */
  publish(bundlePem: string): Promise<'written' | 'conflict' | 'missing'>;
}
