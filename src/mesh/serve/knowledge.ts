import { createHash } from 'node:crypto';
import { isObject, member, objectMember, parseJson, stringMember } from '../../json/json.ts';
import type { ObjectChange } from '../../kubernetes/watcher.ts';
import type { WatchedKind } from './world-feed.ts';

/** What a replica says of its objects of a kind, so that replicas can be compared. */
export interface KindKnowledge {
  /** A hash of which objects there are, each with its version. It does not depend on how they came. */
  readonly digest: string;
  /** Seconds since the last change. */
  readonly quietSeconds: number;
  /** Whether the replica's own watch has told nothing for too long. */
  readonly isStale: boolean;
}

/** By kind of object. */
export type Knowledge = ReadonlyMap<string, KindKnowledge>;

/** Hashes of all objects that were seen. */
export interface Digests {
  note(kind: WatchedKind, changes: readonly ObjectChange[]): void;
  /** Returns what is known, given the kinds that are stale. */
  knowledge(stale: ReadonlySet<WatchedKind>): Knowledge;
}

interface KindDigest {
  readonly parts: Map<string, bigint>;
  /** Exclusive or of all parts: one change costs one hash, whatever the number of objects. */
  sum: bigint;
  changedMs: number;
}

function hashOf({ key, object }: ObjectChange): bigint {
  const metadata = objectMember(object, 'metadata');
  const text = [key, stringMember(metadata, 'uid'), stringMember(metadata, 'resourceVersion')].join(' ');
  return createHash('sha256').update(text).digest().readBigUInt64BE();
}

/** Creates the digests of kinds without objects. */
export function createDigests(kinds: readonly WatchedKind[], nowMs: () => number): Digests {
  const digests = new Map<WatchedKind, KindDigest>(
    kinds.map((kind) => [kind, { parts: new Map(), sum: 0n, changedMs: nowMs() }]),
  );
  return {
    note(kind, changes) {
      const digest = digests.get(kind);
      if (digest === undefined) return;
      for (const change of changes) {
        const part = change.object === undefined ? 0n : hashOf(change);
        digest.sum ^= (digest.parts.get(change.key) ?? 0n) ^ part;
        if (change.object === undefined) digest.parts.delete(change.key);
        else digest.parts.set(change.key, part);
      }
      digest.changedMs = nowMs();
    },
    knowledge: (stale) =>
      new Map(
        [...digests].map(([kind, { sum, changedMs }]) => {
          const quietSeconds = Math.max(0, Math.floor((nowMs() - changedMs) / 1_000));
          return [kind, { digest: sum.toString(16), quietSeconds, isStale: stale.has(kind) }];
        }),
      ),
  };
}

/** Writes what a replica says to its peers. */
export function writeKnowledge(knowledge: Knowledge): string {
  return JSON.stringify(Object.fromEntries(knowledge));
}

/** Reads what a peer said; undefined if it is anything else. */
export function readKnowledge(text: string): Knowledge | undefined {
  const body = parseJson(text);
  if (!isObject(body)) return undefined;
  const entries = Object.entries(body).map(([kind, value]): readonly [string, KindKnowledge] | undefined => {
    const [digest, quiet, isStale] = isObject(value)
      ? [stringMember(value, 'digest'), member(value, 'quietSeconds'), member(value, 'isStale')]
      : [];
    if (digest === undefined || typeof quiet !== 'number' || typeof isStale !== 'boolean') return undefined;
    return [kind, { digest, quietSeconds: quiet, isStale }];
  });
  return entries.includes(undefined) ? undefined : new Map(entries.filter((entry) => entry !== undefined));
}

/** A difference counts only if nothing has changed on either side for this time: until then, one may just be a little ahead. */
const quietSeconds = 30;

/** Kinds of which a replica knows less than its peers, and kinds of which it is not clear who is right. */
export interface Comparison {
  /** This replica's watch is stale, and a peer whose watch is not has other objects. */
  readonly behind: readonly string[];
  /** Both watches seem to work, and the objects have differed for a while. */
  readonly divergent: readonly string[];
}

/** Compares a replica with its peers. Versions of objects have no order that may be relied on, so only signs of life tell who is older. */
export function compareKnowledge(own: Knowledge, peers: readonly Knowledge[]): Comparison {
  const differing = [...own].flatMap(([kind, mine]) => {
    const others = peers.flatMap((peer) => peer.get(kind) ?? []).filter(({ isStale }) => !isStale);
    return others.filter(({ digest }) => digest !== mine.digest).map((other) => ({ kind, mine, other }));
  });
  const isQuiet = (one: KindKnowledge): boolean => one.quietSeconds >= quietSeconds;
  const kindsOf = (some: typeof differing): readonly string[] => [...new Set(some.map(({ kind }) => kind))];
  return {
    behind: kindsOf(differing.filter(({ mine }) => mine.isStale)),
    divergent: kindsOf(differing.filter(({ mine, other }) => !mine.isStale && isQuiet(mine) && isQuiet(other))),
  };
}
