import type { ClusterNamespace } from '../cluster/cluster-namespace.ts';

/** Expects that a sidecar does in a busy pod what it is there for, seen from outside of the pod. */
export type Duty = (namespace: ClusterNamespace, pod: string) => Promise<void>;

/** What a file of `duties/` says of its sidecar. A pod `client`, which trusts `/tmp/ca.pem`, can ask what it serves. */
export interface DutyFile {
  readonly duty: Duty;
  /** The annotations without which the sidecar is not injected. */
  readonly parameters?: Readonly<Record<string, string>>;
}
