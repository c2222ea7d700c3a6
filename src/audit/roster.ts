import { findingNames, type Finding } from './finding.ts';
import { ownerKey, type Owner, type PodRecord } from './pod-record.ts';

/** Pods of one owner with one finding. */
export interface Group {
  readonly key: string;
  readonly owner: Owner;
  readonly finding: Finding;
  readonly pods: readonly PodRecord[];
}

/** All pods of a cluster, by namespace and name. */
export interface Roster {
  /** Takes what has become of a pod; undefined if it is gone. */
  take(key: string, record: PodRecord | undefined): void;
  /** Number of pods. */
  readonly size: number;
  /** What was found, the gravest first, and then as it was found. */
  groups(): readonly Group[];
  /** Uids of the pods of an owner. */
  podsOf(owner: Owner): ReadonlySet<string>;
}

/** Creates an empty one. */
export function createRoster(): Roster {
  const all = new Map<string, PodRecord>();
  const byOwner = new Map<string, Set<string>>();
  /** Only pods with a finding, so that a look costs nothing where all is well. */
  const found = new Map<string, Map<string, PodRecord>>();

  function remove(key: string): void {
    const before = all.get(key);
    if (before === undefined) return;
    all.delete(key);
    const owner = ownerKey(before.owner);
    const uids = byOwner.get(owner);
    uids?.delete(before.uid);
    if (uids?.size === 0) byOwner.delete(owner);
    if (before.finding === undefined) return;
    const group = found.get(`${before.finding} ${owner}`);
    group?.delete(key);
    if (group?.size === 0) found.delete(`${before.finding} ${owner}`);
  }

  return {
    take(key, record) {
      remove(key);
      if (record === undefined) return;
      all.set(key, record);
      const owner = ownerKey(record.owner);
      byOwner.set(owner, (byOwner.get(owner) ?? new Set()).add(record.uid));
      if (record.finding === undefined) return;
      const group = `${record.finding} ${owner}`;
      found.set(group, (found.get(group) ?? new Map<string, PodRecord>()).set(key, record));
    },
    get size() {
      return all.size;
    },
    groups() {
      const groups = [...found].flatMap(([key, records]): Group[] => {
        const pods = [...records.values()];
        const [first] = pods;
        return first?.finding === undefined ? [] : [{ key, owner: first.owner, finding: first.finding, pods }];
      });
      return findingNames.flatMap((name) => groups.filter(({ finding }) => finding === name));
    },
    podsOf: (owner) => new Set(byOwner.get(ownerKey(owner))),
  };
}
