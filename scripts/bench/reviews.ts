import type { JsonObject } from '../../src/json/json.ts';
import { reviewOf } from '../review.ts';
import { ownedFields } from './managed-fields.ts';
import { manyVariables, smallPod, typicalPod } from './pods.ts';

/** One kind of pod that the bench sends, and how hard. */
export interface PodKind {
  readonly name: string;
  readonly what: string;
  /** A pod of the workload with this name. */
  readonly pod: (name: string) => JsonObject;
  /** Reviews of one throughput round. */
  readonly perRound: number;
  /** Reviews a second of the latency measurement, far below what the server can do. */
  readonly ratePerSecond: number;
}

export const namespace = 'shop';

/** Names of the workloads whose pods are created in turn. */
export const workloadNames: readonly string[] = Array.from({ length: 10 }, (_, index) => `checkout-${index}`);

/** What is measured, in the order of the table. */
export const podKinds: readonly PodKind[] = [
  {
    name: 'small',
    what: 'one container, one probe',
    pod: smallPod,
    perRound: 4_000,
    ratePerSecond: 200,
  },
  {
    name: 'typical',
    what: 'two containers and an init container, four probes, three volumes',
    pod: typicalPod,
    perRound: 4_000,
    ratePerSecond: 200,
  },
  {
    name: '1,000 env',
    what: 'the typical pod with 1,000 variables more',
    pod: (name) => manyVariables(name, 1_000),
    perRound: 600,
    ratePerSecond: 100,
  },
  {
    name: '10,000 env',
    what: 'the typical pod with 10,000 variables more',
    pod: (name) => manyVariables(name, 10_000),
    perRound: 64,
    ratePerSecond: 8,
  },
];

function managed(pod: JsonObject): JsonObject {
  const { generateName, labels, annotations, ownerReferences } = pod['metadata'] as JsonObject;
  const owned = { metadata: { generateName, labels, annotations, ownerReferences }, spec: pod['spec'] };
  const present = JSON.parse(JSON.stringify(owned)) as JsonObject;
  return {
    manager: 'kube-controller-manager',
    operation: 'Update',
    apiVersion: 'v1',
    time: '2026-03-02T09:30:00Z',
    fieldsType: 'FieldsV1',
    fieldsV1: ownedFields(present),
  };
}

/** The pod as it arrives in a review: with the managedFields that the API server has put in by then. */
export function receivedPod(pod: JsonObject): JsonObject {
  return { ...pod, metadata: { ...(pod['metadata'] as JsonObject), managedFields: [managed(pod)] }, status: {} };
}

/** The text of its review. */
export function reviewText(pod: JsonObject): string {
  return JSON.stringify(reviewOf(receivedPod(pod), namespace));
}
