import {
  decide,
  explainCapture,
  type Added,
  type InjectionRequest,
  type Json,
  type JsonObject,
  type Reason,
  type Snapshot,
} from '../../../index.ts';
import type { ExplainOptions } from './command.ts';
import { explanationText } from './text.ts';
import { passGate, type NamespaceLabels } from '../inject/run.ts';
import { inputFailure, loadSnapshot, readAnnotations, readInput, readLabels } from '../../manifests/input.ts';
import { exitCodes, report, usageFailure, type Failure, type Io } from '../../io.ts';
import { settingOrigins, type SettingOrigin } from './setting-origins.ts';
import { findWorkloads, ownerOf, type Workload } from '../../manifests/rewriting.ts';

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
  context: {
    readonly snapshot: Snapshot;
    readonly namespace: string;
    readonly labels: NamespaceLabels | undefined;
    readonly namespaceAnnotations?: InjectionRequest['namespaceAnnotations'];
    readonly where: string;
    readonly notes: readonly string[];
  },
): Explanation {
  const { namespace, labels, namespaceAnnotations, snapshot, where, notes } = context;
  const { apiVersion, kind, name } = workload;
  const object = { apiVersion, kind, name, namespace };
  const gate: GateAnswer =
    labels === undefined ? { asked: false } : { asked: true, ...passGate(workload, namespace, labels) };
  if (gate.asked && !gate.called) return { object, where, notes, gate, decision: undefined };
  const { outcome, reasons, warnings, added, capture } = decide(
    { pod: workload.pod.value, namespace, workload: ownerOf(workload), namespaceAnnotations },
    snapshot,
  );
  const rows = capture === undefined ? undefined : explainCapture(capture);
  const settings = added?.effective === undefined ? [] : settingOrigins(added.effective, snapshot);
  return { object, where, notes, gate, decision: { outcome, reasons, warnings, added, capture: rows, settings } };
}

async function explainFiles(
  options: ExplainOptions,
  snapshot: Snapshot,
  labels: NamespaceLabels | undefined,
  namespaceAnnotations: InjectionRequest['namespaceAnnotations'],
  io: Io,
): Promise<Explanation[] | Failure> {
  const input = await readInput(options, io);
  if ('problems' in input) return input;
  const { objects, problems } = findWorkloads(input);
  if (problems.length > 0) return inputFailure(problems);
  return objects.map(({ object, workload, where }): Explanation => {
    const namespace = object.namespace ?? options.namespace ?? 'default';
    if (workload !== undefined) {
      return explainWorkload(workload, { snapshot, namespace, labels, namespaceAnnotations, where, notes: [] });
    }
    const { apiVersion, kind, name } = object;
    return {
      object: { apiVersion, kind, name, namespace },
      where,
      notes: [object.passed],
      gate: undefined,
      decision: undefined,
    };
  });
}

/** Secrets may hide in values: of what is added only names, images and resources are shown. */
function publicView(added: Added | undefined): Json {
  if (added === undefined) return null;
  const container = (one: JsonObject): JsonObject => ({
    name: one['name'] ?? null,
    image: one['image'] ?? null,
    resources: one['resources'] ?? null,
  });
  const { effective: _, ...shown } = added;
  return {
    ...shown,
    profile: added.profile ?? null,
    initContainers: added.initContainers.map(container),
    containers: added.containers.map(container),
    volumes: added.volumes.map(({ name }) => name),
  };
}

function explanationJson(explanations: readonly Explanation[]): string {
  const view = explanations.map(({ decision, ...rest }) => ({
    ...rest,
    ...(decision === undefined ? {} : { decision: { ...decision, added: publicView(decision.added) } }),
  }));
  return `${JSON.stringify(view, null, 2)}\n`;
}

/** Runs `explain` and returns the exit code. A refused pod is an answer, not a failure. */
export async function runExplain(options: ExplainOptions, io: Io): Promise<number> {
  if ((options.pod === undefined) === (options.filename === undefined)) {
    return report(
      usageFailure('explain needs either -f or --pod', 'give a file with -f, or a live pod as --pod NAMESPACE/NAME'),
      io,
    );
  }
  const read = options.namespaceLabels === undefined ? { labels: undefined } : readLabels(options.namespaceLabels);
  if ('problems' in read) return report(read, io);
  const namespaced = readAnnotations(options.namespaceAnnotations ?? []);
  if ('problems' in namespaced) return report(namespaced, io);
  const loaded = await loadSnapshot(options);
  if ('problems' in loaded) return report(loaded, io);
  const { snapshot } = loaded;
  let explanations: readonly Explanation[] | Failure;
  if (options.pod === undefined) {
    explanations = await explainFiles(options, snapshot, read.labels, namespaced.annotations, io);
  } else {
    const { explainLivePod } = await import('./live-pod.ts');
    explanations = await explainLivePod(options.pod, options.kubeconfig, snapshot);
  }
  if ('problems' in explanations) return report(explanations, io);
  io.stdout(options.output === 'json' ? explanationJson(explanations) : explanationText(explanations));
  return exitCodes.fine;
}
