import type { JsonObject } from '../../src/settings/json.ts';
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

/** An AdmissionReview as kube-apiserver sends it for a pod that a ReplicaSet creates. */
export function reviewText(pod: JsonObject): string {
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const resource = { group: '', version: 'v1', resource: 'pods' };
  return JSON.stringify({
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: '5c4f1a52-8f6b-4c33-9a5e-2a1c64f3d0b7',
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      namespace,
      operation: 'CREATE',
      userInfo: {
        username: 'system:serviceaccount:kube-system:replicaset-controller',
        uid: '0b1f0a8e-6c58-4a51-9a35-0c8e2f7f7a11',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
        extra: { 'authentication.kubernetes.io/credential-id': ['JTI=8f5d2f0c-52a5-4b0e-8d0a-0b7f3d1f6a55'] },
      },
      object: receivedPod(pod),
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    },
  });
}
