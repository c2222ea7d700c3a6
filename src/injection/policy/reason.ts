import { describeProblem, joinProblems, type Problem } from '../../grammar/problem.ts';
import { visible } from '../../grammar/visible.ts';

/** When a reason is worth a warning to the author of the pod. */
type Telling = 'always' | 'when asked' | 'never';

interface ReasonKind {
  readonly outcome: 'inject' | 'skip' | 'deny';
  readonly telling: Telling;
  /** Whether the pod has its sidecar from before. */
  readonly isInjected?: true;
  /** Meaning of the code, without the particulars of one pod; printed in the documentation. */
  readonly meaning: string;
  /** What to do about particulars with these words, which do not say so themselves. */
  readonly remedy?: { readonly of: string; readonly text: string };
}

function inject(meaning: string) {
  return { outcome: 'inject', telling: 'never', meaning } as const;
}

function skip(telling: Telling, meaning: string) {
  return { outcome: 'skip', telling, meaning } as const;
}

function leave(telling: Telling, meaning: string) {
  return { ...skip(telling, meaning), isInjected: true } as const;
}

function deny(meaning: string) {
  return { outcome: 'deny', telling: 'always', meaning } as const;
}

/** All reasons of decisions. The code is the same in warnings, audit annotations, metrics, logs and `explain`. */
export const reasons = {
  OptedIn: inject('The pod asks for it with sidecar.istio.io/inject=true.'),
  AlwaysInjectSelector: inject('An always-inject selector of the settings matches.'),
  PolicyEnabled: inject('The settings inject where nothing else decides.'),
  ProbesAdded: inject('Injected before; containers added since get their probes.'),
  HostNetwork: skip('when asked', 'The pod uses the node’s network; capture would change the node.'),
  WindowsPod: skip('always', 'The pod runs on Windows.'),
  MirrorPod: skip('when asked', 'A mirror of a static pod, which the API server cannot change.'),
  SystemNamespace: skip('always', 'Namespaces of Kubernetes and of the injector are never injected.'),
  ExcludedNamespace: skip('always', 'The settings exclude the namespace.'),
  Paused: skip('always', 'The settings pause injection.'),
  ForeignProxy: skip('always', 'Another mesh’s proxy is in the pod.'),
  ForeignStatus: skip('always', 'Another injector’s status annotation is on the pod.'),
  OptedOut: skip('never', 'The pod refuses it with sidecar.istio.io/inject=false.'),
  NeverInjectSelector: skip('never', 'A never-inject selector of the settings matches.'),
  PolicyDisabled: skip('never', 'The settings inject only where the pod asks.'),
  AlreadyInjected: leave('never', 'Everything is there already.'),
  ForeignImage: leave(
    'always',
    'Injected before, and an injected container has an image that the settings do not name.',
  ),
  OtherSettings: leave('always', 'Injected with other settings; it is left alone until it is created anew.'),
  InvalidInjectValue: deny('sidecar.istio.io/inject is neither true nor false.'),
  InvalidAnnotation: deny('An annotation has a value that is not allowed.'),
  UnknownTemplate: deny('The pod asks for a sidecar that does not exist.'),
  TemplateNotAllowed: deny('The sidecar is not for pods of this namespace.'),
  TemplateConflict: deny('Two of the sidecars do not go together.'),
  PrivilegeNotAllowed: deny('The sidecar needs privileges that the settings do not allow in this namespace.'),
  SecretNotAllowed: deny('The pod names a Secret for a sidecar, which the settings do not allow in this namespace.'),
  MissingInPod: deny('The sidecar needs a container or a volume that the pod does not have.'),
  MountConflict: deny('Two volumes would be mounted at one path of a container.'),
  NameConflict: deny('A container, volume or variable has a name that is to be injected.'),
  PortConflict: deny('A container declares a port of the proxy or of another sidecar.'),
  UserConflict: deny('A container of the pod runs as the proxy’s user or group and would bypass it.'),
  InvalidOverride: {
    ...deny('The pod’s own copy of an injected container sets what it may not.'),
    remedy: {
      of: 'may not be set',
      text: "take this out of the pod's own copy, or give the container another name if it is not meant to change ours",
    },
  },
  MeshNotReady: deny('The proxy is to take part in a mesh whose control plane has published no root certificate yet.'),
  ProfileMisfit: deny('A patch of the profile does not apply to the containers that this pod would get.'),
  IncompleteInjection: deny(
    'The status annotation names what is not there, or what no injection of this pod can have added.',
  ),
  AnnotationsTooLarge: deny('With our status the annotations would exceed Kubernetes’ limit.'),
  InvalidPod: deny('The pod does not have the shape of a pod.'),
  InvalidPatch: skip(
    'always',
    'The patch failed its verification, a defect of the injector. Denied instead with injection.onInvalidPatch: deny.',
  ),
  NotAPodCreation: skip('never', 'Only the creation of pods is injected.'),
} satisfies Record<string, ReasonKind>;

/** Code of a reason. */
export type ReasonCode = keyof typeof reasons;

/** One reason of one decision: the code and a sentence with the particulars. */
export interface Reason {
  readonly code: ReasonCode;
  readonly message: string;
}

/** Reasons of an outcome; never empty. */
export type Reasons = readonly [Reason, ...Reason[]];

/** Returns the reasons, or undefined if there are none. */
export function atLeastOne(found: readonly Reason[]): Reasons | undefined {
  const [first, ...rest] = found;
  return first === undefined ? undefined : [first, ...rest];
}

/** Returns a reason; the message defaults to the meaning of the code. Invisible characters of a user's text are escaped. */
export function reason(code: ReasonCode, message?: string): Reason {
  return { code, message: message === undefined ? reasons[code].meaning : visible(message) };
}

/** Returns a reason for the problems of one kind: one for each, except that fields for which the same holds are joined. */
export function reasonsOf(code: ReasonCode, problems: readonly Problem[]): Reason[] {
  const told = code === 'InvalidOverride' ? joinProblems(problems) : problems;
  return told.map((problem) => reason(code, describeProblem(problem)));
}

/** Returns the sentence followed by the code, by which documentation, log and metrics identify the reason. */
export function withCode({ code, message }: Reason): string {
  return `${message} (${code})`;
}

/** Returns the sentences of a denial, each with its code; a remedy is told once, with the last reason that it is for. */
export function denialSentences(found: readonly Reason[]): string[] {
  const remedyOf = ({ code, message }: Reason): string | undefined => {
    const { remedy }: ReasonKind = reasons[code];
    return remedy !== undefined && message.includes(remedy.of) ? remedy.text : undefined;
  };
  const last = found.findLast((one) => remedyOf(one) !== undefined);
  return found.map((one) => withCode(one === last ? { ...one, message: `${one.message}; ${remedyOf(one)}` } : one));
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

/** Returns whether a pod that is skipped for this reason has its sidecar, from before. */
export function isOfInjected(code: ReasonCode): boolean {
  const { isInjected }: ReasonKind = reasons[code];
  return isInjected === true;
}
