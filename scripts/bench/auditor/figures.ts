import { spreadOf, type Spread } from '../statistics.ts';

/** How much, and how often. */
export interface AuditorEffort {
  /** Namespaces with injected pods. */
  readonly labelled: number;
  /** Namespaces whose pods have no sidecar and want none. */
  readonly unlabelled: number;
  /** Deployments of each namespace. */
  readonly owners: number;
  /** Pods of each Deployment. */
  readonly pods: number;
  /** Deployments, in as many namespaces with injected pods, of which the pods were missed. */
  readonly missed: number;
  /** How often a reader that knows nothing of pods and the auditor start, one after the other. */
  readonly rounds: number;
  /** Namespaces that are labelled and lose the label again; not more than there are without it. */
  readonly changes: number;
  readonly restSeconds: number;
}

/** What something has cost a process. */
export interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
}

/** What reading all pods once has cost a process, from its start on. */
export interface Look extends Cost {
  /** The most memory that it ever had, bytes. */
  readonly peakBytes: number;
}

/** What the auditor has asked the API server for, by verb and resource. */
export type Requests = ReadonlyMap<string, number>;

/** A stretch of time. */
export interface Period extends Cost {
  readonly requests: Requests;
  /** Events that it wrote. */
  readonly events: number;
}

/** What was measured. */
export interface AuditorRun {
  readonly pods: number;
  /** Bytes of the JSON of all pods. */
  readonly listBytes: number;
  readonly plain: readonly Look[];
  readonly first: readonly Look[];
  /** The first look of the process that is measured further. */
  readonly start: Period;
  readonly labelled: readonly Period[];
  readonly unlabelled: readonly Period[];
  readonly rest: Period;
  /** The settings change, so that all pods are judged anew and injected ones are outdated. */
  readonly anew: Period;
  /** The most memory that the auditor ever had, bytes. */
  readonly peakBytes: number;
}

/** Median, least and most of one figure. */
export function spreadBy<T>(all: readonly T[], figure: (one: T) => number): Spread {
  return spreadOf(all.map(figure));
}

/** Shares of the figures of one round, round by round. */
export function shareOf(own: readonly Look[], other: readonly Look[], key: keyof Look): Spread {
  return spreadOf(own.map((look, round) => look[key] / (other[round]?.[key] ?? Number.NaN)));
}
