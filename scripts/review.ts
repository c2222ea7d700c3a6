import type { JsonObject } from '../src/json/json.ts';

/** The AdmissionReview that kube-apiserver sends for a pod that a ReplicaSet creates. */
export function reviewOf(pod: JsonObject, namespace: string): JsonObject {
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const resource = { group: '', version: 'v1', resource: 'pods' };
  return {
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
      object: pod,
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    },
  };
}
