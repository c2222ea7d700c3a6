import type { CaptureIntent } from '../capture/intent.ts';
import type { Effective } from '../settings/effective.ts';
import type { JsonObject } from '../json/json.ts';
import type { Workload } from '../pod/workload.ts';
import type { Operation } from '../json/operation.ts';
import type { PatchText } from './patch/patch-text.ts';
import type { NamedObject } from './plan/plan.ts';
import type { Reason } from './policy/reason.ts';

/** A pod that is about to be created. */
export interface InjectionRequest {
  /** Raw pod, `{metadata, spec}`. */
  readonly pod: JsonObject;
  /** Namespace of the request; the pod's own may be absent. */
  readonly namespace: string;
  /** Owner, when the caller knows it; otherwise it is read from the pod's owner references. */
  readonly workload?: Workload | undefined;
  /** Annotations of the namespace, where the caller knows them; OpenShift keeps its ranges of users there. */
  readonly namespaceAnnotations?: Readonly<Record<string, string>> | undefined;
  /** Variables of the proxy that the address names on which the webhook was asked; mode istiod only. */
  readonly proxyVariables?: Readonly<Record<string, string>> | undefined;
}

/** What the plan adds, for people: the API server's answer does not need it. */
export interface Added {
  readonly initContainers: readonly NamedObject[];
  readonly containers: readonly NamedObject[];
  readonly volumes: readonly NamedObject[];
  readonly imagePullSecrets: readonly string[];
  /** Probes and hooks of the application that the proxy answers from now on, `container field`. */
  readonly probes: readonly string[];
  /** Application containers that sleep before they are asked to stop, `container 5 s`. */
  readonly sleeps: readonly string[];
  /** Variables and mounts that the application's containers get, `container: variables A, B`. */
  readonly edits: readonly string[];
  readonly templates: readonly string[];
  /** Native sidecar or classic container. */
  readonly native: boolean;
  readonly profile: string | undefined;
  /** What the pod was injected by; undefined in mode istiod, whose settings are Istio's own. */
  readonly effective: Effective | undefined;
}

/** Outcome of one request. Answer, warnings, audit, log, metric and command line read only this. */
export interface Decision {
  readonly outcome: 'inject' | 'skip' | 'reject';
  readonly reasons: readonly [Reason, ...Reason[]];
  /** Sentences for the person who creates the pod; each a single line of at most 256 characters. */
  readonly warnings: readonly string[];
  /**
   * Empty unless the outcome is inject. Pointers are relative to the pod. Values may be frozen, because other decisions
   * have them too: copy what is to be changed.
   */
  readonly operations: readonly Operation[];
  /** The operations as JSON text, written before they were verified; empty without operations. */
  readonly patch: PatchText;
  readonly added: Added | undefined;
  /** What is captured; undefined without a proxy or with interception mode NONE. */
  readonly capture: CaptureIntent | undefined;
  readonly settingsHash: string;
}

/** A decision that changes nothing. */
export function decisionWithoutPatch(
  outcome: 'skip' | 'reject',
  reasons: Decision['reasons'],
  warnings: readonly string[],
  settingsHash: string,
): Decision {
  return { outcome, reasons, warnings, operations: [], patch: [], added: undefined, capture: undefined, settingsHash };
}
