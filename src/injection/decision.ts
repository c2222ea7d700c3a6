import type { CaptureIntent } from '../capture/intent.ts';
import type { PodSettings } from '../settings/effective.ts';
import type { JsonObject, NamedObject } from '../json/json.ts';
import type { Workload } from '../pod/workload.ts';
import type { Operation } from '../json/operation.ts';
import type { PatchText } from './patch/patch-text.ts';
import type { Reasons } from './policy/reason.ts';

/** A pod that is about to be created. */
export interface InjectionRequest {
  /** The pod as received, `{metadata, spec}`. */
  readonly pod: JsonObject;
  /** Namespace of the request; the pod's own may be absent. */
  readonly namespace: string;
  /**
   * Owner of the pods if the pod is its template; otherwise it is read from the pod's owner references.
   */
  readonly workload?: Workload | undefined;
  /** Labels of the namespace if the caller knows them; those of the Pod Security Standards cause a warning. */
  readonly namespaceLabels?: Readonly<Record<string, string>> | undefined;
  /** Annotations of the namespace if the caller knows them; OpenShift stores its id ranges there. */
  readonly namespaceAnnotations?: Readonly<Record<string, string>> | undefined;
  /** Proxy variables from the address on which the webhook was called; istiod mode only. */
  readonly proxyVariables?: Readonly<Record<string, string>> | undefined;
}

/** Summary of what the plan adds, for display. The API server's answer does not need it. */
export interface Added {
  readonly initContainers: readonly NamedObject[];
  readonly containers: readonly NamedObject[];
  readonly volumes: readonly NamedObject[];
  readonly imagePullSecrets: readonly string[];
  /** Rewritten probes and hooks of the application, each as `container field`. */
  readonly probes: readonly string[];
  /** Application containers that get a preStop sleep, each as `container 5 s`. */
  readonly sleeps: readonly string[];
  /** Variables and mounts added to application containers, each as `container: variables A, B`. */
  readonly edits: readonly string[];
  readonly templates: readonly string[];
  /** Native sidecar or classic container. */
  readonly native: boolean;
  readonly profile: string | undefined;
  /** PodSettings settings of the pod; undefined in istiod mode, where Istio's own settings apply. */
  readonly effective: PodSettings | undefined;
}

/** Outcome of one request. Answer, warnings, audit annotations, log, metrics and command line depend on this alone. */
export interface Decision {
  readonly outcome: 'inject' | 'skip' | 'deny';
  readonly reasons: Reasons;
  /** Sentences for the author of the pod, each a single line of at most 256 characters. */
  readonly warnings: readonly string[];
  /**
   * Empty unless the outcome is inject. JSON Pointers are relative to the pod. Values may be frozen, because other
   * decisions share them: copy before changing.
   */
  readonly operations: readonly Operation[];
  /** The operations as JSON text, written before they were verified; empty without operations. */
  readonly patch: PatchText;
  readonly added: Added | undefined;
  /** What is captured; undefined without a proxy or with interception mode NONE. */
  readonly capture: CaptureIntent | undefined;
  readonly settingsHash: string;
}

/** Returns a decision that changes nothing. */
export function decisionWithoutPatch(
  outcome: 'skip' | 'deny',
  reasons: Decision['reasons'],
  warnings: readonly string[],
  settingsHash: string,
): Decision {
  return { outcome, reasons, warnings, operations: [], patch: [], added: undefined, capture: undefined, settingsHash };
}
