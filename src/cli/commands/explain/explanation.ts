import { explainCapture, type Added, type Injector, type Reason } from '../../../index.ts';
import { passGate } from '../../manifests/gate.ts';
import type { KnownNamespace } from '../../manifests/known-namespace.ts';
import { ownerOf, type Workload } from '../../manifests/rewriting.ts';
import { settingOrigins, type SettingOrigin } from './setting-origins.ts';

/** Gate 1, the API server's. Without known namespace labels nobody asked it. */
export type GateAnswer =
  | { readonly asked: false }
  | { readonly asked: true; readonly called: true; readonly entry: string }
  | { readonly asked: true; readonly called: false; readonly reasons: readonly string[] };

/** Gate 2, the injector's own, and what follows from it. */
export interface DecisionAnswer {
  readonly outcome: 'inject' | 'skip' | 'reject';
  readonly reasons: readonly Reason[];
  readonly warnings: readonly string[];
  readonly added: Added | undefined;
  readonly capture: ReturnType<typeof explainCapture> | undefined;
  /** What the pod is injected by, caps included; empty when it is not. */
  readonly settings: readonly SettingOrigin[];
}

/** What becomes of the pods of one object, and why. */
export interface Explanation {
  readonly object: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly namespace: string;
  };
  /** File and line, or where else the object was read. */
  readonly where: string;
  /** What is known beyond the two gates: the state of a live pod, an object that makes no pods. */
  readonly notes: readonly string[];
  readonly gate: GateAnswer | undefined;
  /** Undefined when gate 1 ends it, or when there is no pod. */
  readonly decision: DecisionAnswer | undefined;
}

/** Walks both gates for the pods of a workload. */
export function explainWorkload(
  workload: Workload,
  context: KnownNamespace & {
    readonly injector: Injector;
    readonly namespace: string;
    readonly where: string;
    readonly notes: readonly string[];
  },
): Explanation {
  const { namespace, labels, annotations: namespaceAnnotations, injector, where, notes } = context;
  const { apiVersion, kind, name } = workload;
  const object = { apiVersion, kind, name, namespace };
  const gate: GateAnswer =
    labels === undefined ? { asked: false } : { asked: true, ...passGate(workload, namespace, labels) };
  if (gate.asked && !gate.called) return { object, where, notes, gate, decision: undefined };
  const { outcome, reasons, warnings, added, capture } = injector.decide({
    pod: workload.pod.value,
    namespace,
    workload: ownerOf(workload),
    namespaceAnnotations,
  });
  const rows = capture === undefined ? undefined : explainCapture(capture);
  const settings = added?.effective === undefined ? [] : settingOrigins(added.effective, injector.snapshot);
  return { object, where, notes, gate, decision: { outcome, reasons, warnings, added, capture: rows, settings } };
}
