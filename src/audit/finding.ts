/** What is wrong with a pod, in the order in which it is told. */
export const findings = {
  missed: {
    reason: 'InjectionMissed',
    isWarning: true,
    meaning: 'without the sidecar that a new one would get',
    remedy: 'create them anew, such as with kubectl rollout restart',
  },
  uncaptured: {
    reason: 'CaptureMissing',
    isWarning: true,
    meaning: 'on a node that had not captured their traffic when they started',
    remedy: 'see whether the agent on their node is ready, and create them anew',
  },
  denied: {
    reason: 'InjectionWouldBeDenied',
    isWarning: true,
    meaning: 'such that a new one would be denied',
    remedy: 'correct this before the pods are created anew, such as when a node is drained',
  },
  outdated: {
    reason: 'InjectionOutdated',
    isWarning: false,
    meaning: 'not injected as a new one would be',
    remedy: 'create them anew when it suits, such as with sidecar-injector rollout restart --outdated',
  },
} as const satisfies Readonly<Record<string, FindingKind>>;

interface FindingKind {
  /** Reason of the Event. */
  readonly reason: string;
  readonly isWarning: boolean;
  /** What the pods are, after "3 pods are". */
  readonly meaning: string;
  readonly remedy: string;
}

/** Name of a finding, in metrics and options. */
export type Finding = keyof typeof findings;

/** All of them, the gravest first. */
export const findingNames = Object.keys(findings) as readonly Finding[];

/** Findings for which a pod may be evicted: its successor is better, as far as the settings say. */
export const evictable = ['missed', 'uncaptured'] as const satisfies readonly Finding[];

export type Evictable = (typeof evictable)[number];
