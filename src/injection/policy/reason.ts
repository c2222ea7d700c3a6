import { visible } from '../../grammar/visible.ts';

/** When a reason is worth a warning to the author of the pod. */
type Telling = 'always' | 'when asked' | 'never';

interface ReasonKind {
  readonly outcome: 'inject' | 'skip' | 'deny';
  readonly telling: Telling;
  /** Meaning of the code, without the particulars of one pod; printed in the documentation. */
  readonly meaning: string;
}

/** All reasons of decisions. The code is the same in warnings, audit annotations, metrics, logs and `explain`. */
export const reasons = {
  OptedIn: { outcome: 'inject', telling: 'never', meaning: 'The pod asks for it with sidecar.istio.io/inject=true.' },
  AlwaysInjectSelector: {
    outcome: 'inject',
    telling: 'never',
    meaning: 'An always-inject selector of the settings matches.',
  },
  PolicyEnabled: { outcome: 'inject', telling: 'never', meaning: 'The settings inject where nothing else decides.' },
  ProbesAdded: {
    outcome: 'inject',
    telling: 'never',
    meaning: 'Injected before; containers added since get their probes.',
  },
  HostNetwork: {
    outcome: 'skip',
    telling: 'when asked',
    meaning: 'The pod uses the node’s network; capture would change the node.',
  },
  WindowsPod: { outcome: 'skip', telling: 'always', meaning: 'The pod runs on Windows.' },
  MirrorPod: {
    outcome: 'skip',
    telling: 'when asked',
    meaning: 'A mirror of a static pod, which the API server cannot change.',
  },
  SystemNamespace: {
    outcome: 'skip',
    telling: 'always',
    meaning: 'Namespaces of Kubernetes and of the injector are never injected.',
  },
  ExcludedNamespace: { outcome: 'skip', telling: 'always', meaning: 'The settings exclude the namespace.' },
  ForeignProxy: { outcome: 'skip', telling: 'always', meaning: 'Another mesh’s proxy is in the pod.' },
  ForeignStatus: { outcome: 'skip', telling: 'always', meaning: 'Another injector’s status annotation is on the pod.' },
  OptedOut: { outcome: 'skip', telling: 'never', meaning: 'The pod refuses it with sidecar.istio.io/inject=false.' },
  NeverInjectSelector: {
    outcome: 'skip',
    telling: 'never',
    meaning: 'A never-inject selector of the settings matches.',
  },
  PolicyDisabled: { outcome: 'skip', telling: 'never', meaning: 'The settings inject only where the pod asks.' },
  AlreadyInjected: { outcome: 'skip', telling: 'never', meaning: 'Everything is there already.' },
  ForeignImage: {
    outcome: 'skip',
    telling: 'always',
    meaning: 'Injected before, and an injected container has an image that the settings do not name.',
  },
  OtherSettings: {
    outcome: 'skip',
    telling: 'always',
    meaning: 'Injected with other settings; it is left alone until it is created anew.',
  },
  InvalidInjectValue: {
    outcome: 'deny',
    telling: 'always',
    meaning: 'sidecar.istio.io/inject is neither true nor false.',
  },
  InvalidAnnotation: {
    outcome: 'deny',
    telling: 'always',
    meaning: 'An annotation has a value that is not allowed.',
  },
  UnknownTemplate: { outcome: 'deny', telling: 'always', meaning: 'The pod asks for a sidecar that does not exist.' },
  TemplateNotAllowed: {
    outcome: 'deny',
    telling: 'always',
    meaning: 'The sidecar is not for pods of this namespace.',
  },
  TemplateConflict: { outcome: 'deny', telling: 'always', meaning: 'Two of the sidecars do not go together.' },
  PrivilegeNotAllowed: {
    outcome: 'deny',
    telling: 'always',
    meaning: 'The sidecar needs privileges that the settings do not allow in this namespace.',
  },
  SecretNotAllowed: {
    outcome: 'deny',
    telling: 'always',
    meaning: 'The pod names a Secret for a sidecar, which the settings do not allow in this namespace.',
  },
  MissingInPod: {
    outcome: 'deny',
    telling: 'always',
    meaning: 'The sidecar needs a container or a volume that the pod does not have.',
  },
  MountConflict: {
    outcome: 'deny',
    telling: 'always',
    meaning: 'Two volumes would be mounted at one path of a container.',
  },
  NameConflict: {
    outcome: 'deny',
    telling: 'always',
    meaning: 'A container, volume or variable has a name that is to be injected.',
  },
  PortConflict: {
    outcome: 'deny',
    telling: 'always',
    meaning: 'A container declares a port of the proxy or of another sidecar.',
  },
  UserConflict: {
    outcome: 'deny',
    telling: 'always',
    meaning: 'A container of the pod runs as the proxy’s user or group and would bypass it.',
  },
  InvalidOverride: {
    outcome: 'deny',
    telling: 'always',
    meaning: 'The pod’s own copy of an injected container sets what it may not.',
  },
  ProfileMisfit: {
    outcome: 'deny',
    telling: 'always',
    meaning: 'A patch of the profile does not apply to the containers that this pod would get.',
  },
  IncompleteInjection: {
    outcome: 'deny',
    telling: 'always',
    meaning: 'The status annotation names what is not there, or what no injection of this pod can have added.',
  },
  AnnotationsTooLarge: {
    outcome: 'deny',
    telling: 'always',
    meaning: 'With our status the annotations would exceed Kubernetes’ limit.',
  },
  InvalidPod: { outcome: 'deny', telling: 'always', meaning: 'The pod does not have the shape of a pod.' },
  InvalidPatch: {
    outcome: 'skip',
    telling: 'always',
    meaning: 'Our own patch failed its verification; a defect of the injector.',
  },
  NotAPodCreation: { outcome: 'skip', telling: 'never', meaning: 'Only the creation of pods is injected.' },
} as const satisfies Record<string, ReasonKind>;

/** Code of a reason. */
export type ReasonCode = keyof typeof reasons;

/** One reason of one decision: the code and a sentence with the particulars. */
export interface Reason {
  readonly code: ReasonCode;
  readonly message: string;
}

/** Returns a reason; the message defaults to the meaning of the code. What a text of a user hides in it is made visible. */
export function reason(code: ReasonCode, message?: string): Reason {
  return { code, message: message === undefined ? reasons[code].meaning : visible(message) };
}

/** Returns the sentence followed by the code, by which documentation, log and metrics identify the reason. */
export function withCode({ code, message }: Reason): string {
  return `${message} (${code})`;
}

/**
 * Returns whether a skip or denial for this reason is worth a warning.
 *
 * @param asked whether the pod itself asks for injection
 */
export function isWorthTelling(code: ReasonCode, asked: boolean): boolean {
  const { telling } = reasons[code];
  return telling === 'always' || (telling === 'when asked' && asked);
}
