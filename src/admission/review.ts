import { isObject, member, objectMember, stringMember, type JsonObject } from '../json/json.ts';

/** The only supported version: Kubernetes removed v1beta1 registrations in 1.22. */
export const reviewVersion = 'admission.k8s.io/v1';

/** The fields of an AdmissionReview's request that are used (k8s.io/api admission/v1 `AdmissionRequest`). */
export interface AdmissionRequest {
  readonly uid: string;
  readonly operation: string;
  readonly namespace: string;
  /** `version/kind` of the object, prefixed with its group unless that is the core group. */
  readonly kind: string;
  readonly subResource: string;
  readonly dryRun: boolean;
  readonly object: JsonObject | undefined;
  /** The object as it was, if it is changed or deleted. */
  readonly oldObject: JsonObject | undefined;
}

export type Decoded = { readonly request: AdmissionRequest } | { readonly problem: string };

function kindText(kind: JsonObject | undefined): string {
  const group = stringMember(kind, 'group') ?? '';
  return [group, stringMember(kind, 'version') ?? '', stringMember(kind, 'kind') ?? '']
    .filter((part) => part !== '')
    .join('/');
}

/** Parses an AdmissionReview. A problem is a sentence for the response with status 400; it never quotes the body. */
export function decodeReview(text: string): Decoded {
  let review: unknown;
  try {
    review = JSON.parse(text);
  } catch {
    return { problem: text.trim() === '' ? 'The body is empty.' : 'The body is not JSON.' };
  }
  if (!isObject(review)) return { problem: 'The body is not a JSON object.' };
  const apiVersion = member(review, 'apiVersion');
  const kind = member(review, 'kind');
  if (apiVersion !== reviewVersion || kind !== 'AdmissionReview') {
    return { problem: `The body is not an AdmissionReview of ${reviewVersion}.` };
  }
  const request = objectMember(review, 'request');
  if (request === undefined) return { problem: 'The AdmissionReview has no request.' };
  const uid = stringMember(request, 'uid');
  if (uid === undefined || uid === '') return { problem: 'The request has no uid.' };
  const object = objectMember(request, 'object');
  return {
    request: {
      uid,
      operation: stringMember(request, 'operation') ?? '',
      // API servers up to 1.23 omit the namespace in the object, so the request's is used.
      namespace:
        stringMember(request, 'namespace') ?? stringMember(objectMember(object, 'metadata'), 'namespace') ?? '',
      kind: kindText(objectMember(request, 'kind')),
      subResource: stringMember(request, 'subResource') ?? '',
      dryRun: member(request, 'dryRun') === true,
      object,
      oldObject: objectMember(request, 'oldObject'),
    },
  };
}
