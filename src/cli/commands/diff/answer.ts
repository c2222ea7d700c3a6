import { isObject, member, objectMember, parseJson, type Json, type JsonObject } from '../../../json/json.ts';
import { isApiError } from '../../../kubernetes/api-error.ts';
import { pathSegment, type ApiClient } from '../../../kubernetes/client.ts';
import { annotationNames } from '../../../pod/annotation-names.ts';
import { statusAnnotation } from '../../../pod/conventions.ts';

/** What the API server would have stored, or why it refuses. */
export type Answer = { readonly pod: JsonObject } | { readonly refusal: string };

/** Creates a pod by dry run. Rejects with an `ApiError` if the API server cannot be asked, or not by this user. */
async function create(client: ApiClient, namespace: string, pod: JsonObject): Promise<Answer> {
  const path = `/api/v1/namespaces/${pathSegment('namespace', namespace)}/pods?dryRun=All`;
  try {
    return { pod: (await client.post(path, pod)).body };
  } catch (error) {
    if (!isApiError(error, 'forbidden', 'invalid', 'refused', 'server-error')) throw error;
    if (error.message.includes('cannot create resource')) throw error;
    return { refusal: error.message.replace(/^POST \S+: the API server answered /, '') };
  }
}

/** Names that the API server makes anew for every pod. */
const randomVolume = /^kube-api-access-[a-z0-9]{5}$/;

function withoutRandomNames(value: Json): Json {
  if (typeof value === 'string') return value.replace(randomVolume, 'kube-api-access');
  if (Array.isArray(value)) return (value as readonly Json[]).map(withoutRandomNames);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withoutRandomNames(one ?? null)]));
}

/** The status without the record for undoing it, which depends on what the API server had added to the pod before: mounts of a token. */
function withoutRecord(annotations: JsonObject): JsonObject {
  const text = member(annotations, statusAnnotation);
  const status = typeof text === 'string' ? parseJson(text) : undefined;
  if (!isObject(status)) return annotations;
  const told = Object.fromEntries(Object.entries(status).filter(([key]) => key !== 'undo'));
  return { ...annotations, [statusAnnotation]: JSON.stringify(told) };
}

/** The pod without what differs between any two pods. */
function comparable({ pod }: { readonly pod: JsonObject }): JsonObject {
  const metadata = objectMember(pod, 'metadata');
  const labels = objectMember(metadata, 'labels') ?? {};
  const annotations = withoutRecord(objectMember(metadata, 'annotations') ?? {});
  return withoutRandomNames({ metadata: { labels, annotations }, spec: member(pod, 'spec') ?? {} }) as JsonObject;
}

function withLabel(pod: JsonObject, value: Json | undefined): JsonObject {
  const metadata = objectMember(pod, 'metadata');
  const others = Object.entries(objectMember(metadata, 'labels') ?? {}).filter(
    ([key]) => key !== annotationNames.inject,
  );
  const labels = Object.fromEntries(value === undefined ? others : [...others, [annotationNames.inject, value]]);
  return { ...pod, metadata: { ...metadata, labels } };
}

/** What the cluster makes of a new pod, its webhook included. */
export async function askCluster(client: ApiClient, namespace: string, pod: JsonObject): Promise<Answer> {
  const answer = await create(client, namespace, pod);
  return 'refusal' in answer ? answer : { pod: comparable(answer) };
}

/**
 * What the cluster makes of a pod that is injected already, or is not to be: everything else than our webhook, such as
 * defaults and other webhooks. The label that keeps ours away is taken off again.
 */
export async function askClusterAlone(client: ApiClient, namespace: string, pod: JsonObject): Promise<Answer> {
  const own = member(objectMember(objectMember(pod, 'metadata'), 'labels'), annotationNames.inject);
  const answer = await create(client, namespace, withLabel(pod, 'false'));
  return 'refusal' in answer ? answer : { pod: withLabel(comparable(answer), own) };
}
