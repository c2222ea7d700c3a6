import type { KeyedCertificate } from './authority.ts';
import { hourMs } from './durations.ts';
import { defaultPolicy, needsLeaf } from './rotation.ts';

/** A certificate with its key and its validity. */
export interface Leaf extends KeyedCertificate {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** A leaf that is renewed in time, for as long as it is kept. */
export interface KeptLeaf {
  readonly current: () => Leaf;
  /** Ends the renewals. */
  release(): void;
}

/** How often it is looked whether a leaf is due: a clock may be moved, and timers sleep with the machine. */
const lookMs = hourMs;

/**
 * Issues a leaf, and a new one whenever the last has spent two thirds of its life (up to a tenth of it earlier, so that replicas
 * do not renew at once). If a renewal fails, the old leaf stays in use and the next look tries again. Throws if the first fails.
 */
export function keepLeaf(options: {
  readonly issue: (now: Date) => Leaf;
  readonly clock: () => Date;
  /** A number from 0 to below 1. */
  readonly random: () => number;
  /** Calls the function each time so many milliseconds have passed; returns a function that ends it. */
  readonly every: (milliseconds: number, action: () => void) => () => void;
  readonly onRenewed: (leaf: Leaf) => void;
  readonly onFailed: (error: unknown) => void;
}): KeptLeaf {
  const { issue, clock, random } = options;
  let leaf = issue(clock());
  let jitter = random();

  function look(): void {
    const now = clock();
    const validity = { notBeforeMs: leaf.notBefore.getTime(), notAfterMs: leaf.notAfter.getTime() };
    const facts = { nowMs: now.getTime(), jitter, signedByCurrent: true };
    if (!needsLeaf(validity, facts, defaultPolicy).due) return;
    try {
      leaf = issue(now);
      jitter = random();
      options.onRenewed(leaf);
    } catch (error) {
      options.onFailed(error);
    }
  }

  const release = options.every(lookMs, look);
  return { current: () => leaf, release };
}
