import { Buffer } from 'node:buffer';
import jsonPatch from 'fast-json-patch';
import type { Operation } from '../../../src/json/operation.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import type { Answer } from '../http/https-client.ts';

/** What the tests read of an answer (k8s.io/api admission/v1 `AdmissionResponse`). */
export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: { readonly message: string; readonly reason: string; readonly code: number };
  readonly patchType?: string;
  readonly patch?: string;
  readonly warnings?: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

/** A pod with one container, and whatever the test adds to it. */
export function podOf(metadata: object = {}, spec: object = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-0', ...metadata },
    spec: { containers: [{ name: 'app', image: 'registry.example/app:1' }], ...spec },
  };
}

export const annotated = (annotations: object): JsonObject => podOf({ annotations });

/** The review of a pod's creation as the API server sends it; `request` replaces single fields. */
export function reviewOf(pod: unknown, request: object = {}): JsonObject {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      requestKind: { group: '', version: 'v1', kind: 'Pod' },
      requestResource: { group: '', version: 'v1', resource: 'pods' },
      name: '',
      namespace: 'shop',
      operation: 'CREATE',
      userInfo: { username: 'system:serviceaccount:kube-system:replicaset-controller' },
      object: pod,
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
      ...request,
    } as JsonObject,
  };
}

/** The response in an answer; throws when the answer is not an AdmissionReview of v1 with status 200. */
export function responseOf(answer: Answer): AdmissionResponse {
  if (answer.status !== 200) throw new Error(`status ${answer.status}: ${answer.text.slice(0, 200)}`);
  const review: { apiVersion: string; kind: string; response: AdmissionResponse } = JSON.parse(answer.text);
  if (review.apiVersion !== 'admission.k8s.io/v1' || review.kind !== 'AdmissionReview') {
    throw new Error(`not a review: ${answer.text.slice(0, 200)}`);
  }
  return review.response;
}

/** The patch's operations; none without a patch. */
export function operationsOf(response: AdmissionResponse): Operation[] {
  if (response.patch === undefined) return [];
  if (response.patchType !== 'JSONPatch') throw new Error(`patch type ${response.patchType}`);
  const operations: Operation[] = JSON.parse(Buffer.from(response.patch, 'base64').toString('utf8'));
  return operations;
}

/** The pod as the API server has it after the patch. The given pod stays as it is. */
export function patchedPod(pod: JsonObject, response: AdmissionResponse): PatchedPod {
  const copy = JSON.parse(JSON.stringify(pod)) as PatchedPod;
  jsonPatch.applyPatch(copy, operationsOf(response) as jsonPatch.Operation[], true);
  return copy;
}

interface Named {
  readonly name: string;
}

/** What the tests read of a pod. */
export interface PatchedPod extends JsonObject {
  readonly metadata: JsonObject & {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: JsonObject & {
    readonly containers: readonly (Named & JsonObject)[];
    readonly initContainers: readonly (Named & JsonObject)[];
    readonly volumes: readonly (Named & JsonObject)[];
  };
}

export const namesOf = (objects: readonly Named[]): string[] => objects.map(({ name }) => name);
