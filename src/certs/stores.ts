/** The CA Secret as it was read. */
export interface StoredCa {
  /** Decoded values by key. A map rather than an object, because anyone can choose the keys of a Secret. */
  readonly data: ReadonlyMap<string, string>;
  readonly resourceVersion: string;
  readonly annotations?: ReadonlyMap<string, string>;
  /** Time of the API server when it responded, if known; its clock decides whether our certificates are valid. */
  readonly serverTime?: Date;
}

/** The Secret that all replicas share. It is never created, only filled. */
export interface CaStore {
  /** Resolves with undefined if the Secret does not exist; rejects if that cannot be determined. */
  read(): Promise<StoredCa | undefined>;
  /** Replaces all values if the Secret still has this version. Rejects if the outcome cannot be determined. */
  fill(data: ReadonlyMap<string, string>, resourceVersion: string): Promise<'written' | 'conflict' | 'missing'>;
}

/** The current CA bundle of one webhook entry. */
export interface PublishedBundle {
  readonly entry: string;
  /** PEM; undefined if the entry has none. */
  readonly bundle: string | undefined;
}

/** Access to the CA bundles of our entries in the webhook configuration, which API servers trust. */
export interface BundlePublisher {
  /** Our entries; undefined if the configuration does not exist, empty if it has no entry of ours. */
  read(): Promise<readonly PublishedBundle[] | undefined>;
  /**
   * Sets the bundle on each of our entries whose bundle differs. `conflict` means that the configuration changed
   * concurrently and must be read again.
   */
  publish(bundlePem: string): Promise<'written' | 'conflict' | 'missing'>;
}
