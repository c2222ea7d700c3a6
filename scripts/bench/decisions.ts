import { createInjector, type Injector } from '../../src/injection/injector.ts';
import type { Decision } from '../../src/injection/decision.ts';
import { joinPatch } from '../../src/injection/patch/patch-text.ts';
import type { ReasonCode } from '../../src/injection/policy/reason.ts';
import { createSnapshot } from '../../src/injection/build-snapshot.ts';
import { apiVersion } from '../../src/settings/schema/object.ts';
import { objectMember, type JsonObject } from '../../src/json/json.ts';
import type { Effort } from './effort.ts';
import { manyVariables, typicalPod } from './pods.ts';
import { namespace, podKinds, receivedPod } from './reviews.ts';
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
  readonly sizes: readonly {
    readonly name: string;
    readonly patchBytes: number;
    readonly bootstrapBytes: number;
    readonly withoutMetricsBytes: number;
  }[];
}

/** The built-in settings, or a few others. */
function injectorOf(spec: object = {}): Injector {
  const result = createSnapshot({ settings: { apiVersion, kind: 'InjectorConfiguration', spec } });
  if ('problems' in result) throw new Error('the built-in settings are wrong');
  return createInjector(result.snapshot);
}

function decideOnce(pod: JsonObject, injector: Injector): Decision {
  return injector.decideInPlace({ pod, namespace });
}

function refusing(pod: JsonObject): JsonObject {
  const metadata = objectMember(pod, 'metadata') ?? {};
  const labels = { ...objectMember(metadata, 'labels'), 'sidecar.istio.io/inject': 'false' };
  return { ...pod, metadata: { ...metadata, labels } };
}

function injected(pod: JsonObject): JsonObject {
  const copy = structuredClone(pod);
  // By an injector that remembers nothing, so that the pod itself becomes what the patch makes of it.
  decideOnce(copy, injectorOf());
  return copy;
}

/** Makes one pod after the other, ready to be decided about. */
type PodSource = (serial: number) => JsonObject;

function samePod(pod: JsonObject): PodSource {
  const text = JSON.stringify(pod);
  return () => JSON.parse(text) as JsonObject;
}

function firstPods(): PodSource {
  return (serial) => JSON.parse(JSON.stringify(receivedPod(typicalPod(`checkout-${serial}`)))) as JsonObject;
}

/** A decision consumes its pod, so each gets a fresh one, parsed before the clock starts. */
function measureDecision(source: PodSource, injector: Injector, batches: number): Spread {
  const size = Math.min(500, Math.max(2, Math.round(4_000_000 / JSON.stringify(source(0)).length)));
  const values: number[] = [];
  for (let batch = 0; batch <= batches; batch++) {
    const pods = Array.from({ length: size }, (_, index) => source(batch * size + index));
    const startMs = performance.now();
    for (const pod of pods) decideOnce(pod, injector);
    const nanoseconds = ((performance.now() - startMs) * 1e6) / size;
    // The first batch warms up.
    if (batch > 0) values.push(nanoseconds);
  }
  return spreadOf(values);
}

function measureReading(pod: JsonObject, injector: Injector, batches: number): number {
  const text = JSON.stringify(pod);
  const size = Math.max(2, Math.round(5_000_000 / text.length));
  const values: number[] = [];
  for (let batch = 0; batch <= batches; batch++) {
    const startMs = performance.now();
    for (let index = 0; index < size; index++) decideOnce(JSON.parse(text) as JsonObject, injector);
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

function describeSizes(injector: Injector): InProcess['sizes'] {
  const plain = injectorOf({ proxy: { metrics: { istio: false } } });
  return podKinds.slice(0, 2).map(({ name, pod }) => {
    const decide = (settings: Injector) => decideOnce(structuredClone(receivedPod(pod('checkout'))), settings);
    const decision = decide(injector);
    return {
      name,
      patchBytes: Buffer.byteLength(joinPatch(decision.patch)),
      bootstrapBytes: bootstrapBytes(decision),
      withoutMetricsBytes: bootstrapBytes(decide(plain)),
    };
  });
}

interface Row {
  readonly what: string;
  readonly source: PodSource;
  /** The decision's reason; a bench of something else would look the same. */
  readonly code: ReasonCode;
}

function rowsOf(): Row[] {
  const typical = receivedPod(typicalPod('checkout'));
  return [
    { what: 'policy skip, typical pod', source: samePod(refusing(typical)), code: 'OptedOut' },
    ...podKinds.map(({ name, pod }): Row => ({
      what: `inject, ${name} pod`,
      source: samePod(receivedPod(pod('checkout'))),
      code: 'PolicyEnabled',
    })),
    { what: 'inject, typical pod, first of its workload', source: firstPods(), code: 'PolicyEnabled' },
    { what: 'reinvocation, typical pod', source: samePod(injected(typical)), code: 'AlreadyInjected' },
  ];
}

function expectReason({ what, source, code }: Row, injector: Injector): void {
  const [first] = decideOnce(source(0), injector).reasons;
  if (first.code !== code) throw new Error(`${what}: expected the reason ${code}, got ${first.code}: ${first.message}`);
}

/** Measures decisions in this process, on pods that are parsed already. */
export function measureDecisions(effort: Effort): InProcess {
  const injector = injectorOf();
  const decisions = rowsOf().map((row) => {
    expectReason(row, injector);
    return { what: row.what, nanoseconds: measureDecision(row.source, injector, effort.batches) };
  });
  return {
    decisions,
    linearity: {
      thousand: measureReading(receivedPod(manyVariables('checkout', 1_000)), injector, effort.batches),
      tenThousand: measureReading(receivedPod(manyVariables('checkout', 10_000)), injector, effort.batches),
    },
    sizes: describeSizes(injector),
  };
}
