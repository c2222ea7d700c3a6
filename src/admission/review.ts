import { isObject, member, objectMember, stringMember, type JsonObject } from '../json/json.ts';

/** The only version that is understood: v1beta1 registrations are gone since Kubernetes 1.22. */
export const reviewVersion = 'admission.k8s.io/v1';

/** What of an AdmissionReview's request matters (k8s.io/api admission/v1 `AdmissionRequest`). */
export interface AdmissionRequest {
  readonly uid: string;
  readonly operation: string;
  readonly namespace: string;
  /** `version/kind` of the object, with the group in front unless it is the core group. */
  readonly kind: string;
  readonly subResource: string;
  readonly dryRun: boolean;
  readonly object: JsonObject | undefined;
}

export type Decoded = { readonly request: AdmissionRequest } | { readonly problem: string };

function kindText(kind: JsonObject | undefined): string {
  const group = stringMember(kind, 'group') ?? '';
  return [group, stringMember(kind, 'version') ?? '', stringMember(kind, 'kind') ?? '']
    .filter((part) => part !== '')
    .join('/');
}

/** Reads an AdmissionReview. A problem is a sentence for the HTTP 400 answer; it never repeats the body. */
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
      // Servers up to 1.23 leave the namespace out of the object, so the request's counts.
      namespace:
        stringMember(request, 'namespace') ?? stringMember(objectMember(object, 'metadata'), 'namespace') ?? '',
      kind: kindText(objectMember(request, 'kind')),
      subResource: stringMember(request, 'subResource') ?? '',
      dryRun: member(request, 'dryRun') === true,
      object,
    },
  };
}
