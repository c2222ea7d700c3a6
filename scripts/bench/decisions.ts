import { decideInPlace } from '../../src/injection/decide.ts';
import type { Decision } from '../../src/injection/decision.ts';
import { createSnapshot, type Snapshot } from '../../src/injection/snapshot.ts';
import { isObject, objectMember, objectsMember, type JsonObject } from '../../src/settings/json.ts';
import type { Effort } from './effort.ts';
import { manyVariables, typicalPod } from './pods.ts';
import { namespace, receivedPod, workloads } from './reviews.ts';
import { spreadOf, type Spread } from './statistics.ts';

/** What one decision costs inside the process, without JSON, TLS and HTTP. */
export interface DecisionCost {
  readonly what: string;
  readonly nanoseconds: Spread;
}

/** Everything that is measured inside this process. */
export interface InProcess {
  readonly decisions: readonly DecisionCost[];
  /** Reading a review's text and deciding, microseconds. */
  readonly linearity: { readonly thousand: number; readonly tenThousand: number };
  readonly sizes: readonly { readonly name: string; readonly patchBytes: number; readonly bootstrapBytes: number }[];
}

function builtInSnapshot(): Snapshot {
  const result = createSnapshot();
  if ('problems' in result) throw new Error('the built-in settings are wrong');
  return result.snapshot;
}

function decideOnce(pod: JsonObject, snapshot: Snapshot): Decision {
  return decideInPlace({ pod, namespace }, snapshot);
}

function refusing(pod: JsonObject): JsonObject {
  const metadata = objectMember(pod, 'metadata') ?? {};
  const labels = { ...objectMember(metadata, 'labels'), 'sidecar.istio.io/inject': 'false' };
  return { ...pod, metadata: { ...metadata, labels } };
}

function injected(pod: JsonObject, snapshot: Snapshot): JsonObject {
  const copy = structuredClone(pod);
  decideOnce(copy, snapshot);
  return copy;
}

/** A decision consumes its pod, so each gets a fresh one, parsed before the clock starts. */
function measureDecision(pod: JsonObject, snapshot: Snapshot, batches: number): Spread {
  const text = JSON.stringify(pod);
  const size = Math.min(500, Math.max(2, Math.round(4_000_000 / text.length)));
  const values: number[] = [];
  for (let batch = 0; batch <= batches; batch++) {
    const pods = Array.from({ length: size }, () => JSON.parse(text) as JsonObject);
    const startMs = performance.now();
    for (const one of pods) decideOnce(one, snapshot);
    const nanoseconds = ((performance.now() - startMs) * 1e6) / size;
    // The first batch warms up.
    if (batch > 0) values.push(nanoseconds);
  }
  return spreadOf(values);
}

function measureReading(pod: JsonObject, snapshot: Snapshot, batches: number): number {
  const text = JSON.stringify(pod);
  const size = Math.max(2, Math.round(5_000_000 / text.length));
  const values: number[] = [];
  for (let batch = 0; batch <= batches; batch++) {
    const startMs = performance.now();
    for (let index = 0; index < size; index++) decideOnce(JSON.parse(text) as JsonObject, snapshot);
    if (batch > 0) values.push(((performance.now() - startMs) * 1_000) / size);
  }
  return spreadOf(values).median;
}

function bootstrapBytes(decision: Decision): number {
  for (const container of [...(decision.added?.initContainers ?? []), ...(decision.added?.containers ?? [])]) {
    const args = container['args'];
    if (!Array.isArray(args)) continue;
    const text: unknown = args[args.indexOf('--config-yaml') + 1];
    if (typeof text === 'string') return Buffer.byteLength(text);
  }
  return 0;
}

function describeSizes(snapshot: Snapshot): InProcess['sizes'] {
  return workloads.slice(0, 2).map(({ name, pod }) => {
    const decision = decideOnce(structuredClone(receivedPod(pod)), snapshot);
    return { name, patchBytes: Buffer.byteLength(decision.patch), bootstrapBytes: bootstrapBytes(decision) };
  });
}

/** Checks that a measured pod takes the way that its row names; a bench of something else would look the same. */
function expectOutcome(pod: JsonObject, snapshot: Snapshot, code: string): JsonObject {
  const [first] = decideOnce(structuredClone(pod), snapshot).reasons;
  if (first.code !== code) throw new Error(`expected the reason ${code}, got ${first.code}: ${first.message}`);
  if (!isObject(pod) || objectsMember(objectMember(pod, 'spec'), 'containers').length === 0) {
    throw new Error('the pod has no containers');
  }
  return pod;
}

/** Measures decisions in this process, on pods that are parsed already. */
export function measureDecisions(effort: Effort): InProcess {
  const snapshot = builtInSnapshot();
  const typical = receivedPod(typicalPod());
  const rows: [what: string, pod: JsonObject, code: string][] = [
    ['policy skip, typical pod', refusing(typical), 'OptedOut'],
    ...workloads.map(({ name, pod }): [string, JsonObject, string] => [
      `inject, ${name} pod`,
      receivedPod(pod),
      'PolicyEnabled',
    ]),
    ['reinvocation, typical pod', injected(typical, snapshot), 'AlreadyInjected'],
  ];
  const decisions = rows.map(([what, pod, code]) => ({
    what,
    nanoseconds: measureDecision(expectOutcome(pod, snapshot, code), snapshot, effort.batches),
  }));
  return {
    decisions,
    linearity: {
      thousand: measureReading(receivedPod(manyVariables(1_000)), snapshot, effort.batches),
      tenThousand: measureReading(receivedPod(manyVariables(10_000)), snapshot, effort.batches),
    },
    sizes: describeSizes(snapshot),
  };
}
