import { objectMember, objectsMember, stringMember, type JsonObject } from '../json/json.ts';

/** Read access to the parts of a raw pod. Nothing is copied, so later changes of the pod can invalidate the view. */
export interface PodView {
  readonly pod: JsonObject;
  readonly metadata: JsonObject | undefined;
  readonly spec: JsonObject | undefined;
  readonly labels: JsonObject | undefined;
  readonly annotations: JsonObject | undefined;
  readonly containers: readonly JsonObject[];
  readonly initContainers: readonly JsonObject[];
}

/** Creates the view. Parts that are missing or have another type are undefined, or empty lists. */
export function viewPod(pod: JsonObject): PodView {
  const metadata = objectMember(pod, 'metadata');
  const spec = objectMember(pod, 'spec');
  return {
    pod,
    metadata,
    spec,
    labels: objectMember(metadata, 'labels'),
    annotations: objectMember(metadata, 'annotations'),
    containers: objectsMember(spec, 'containers'),
    initContainers: objectsMember(spec, 'initContainers'),
  };
}

/** The pod's name for people: its own, or the prefix from which the API server will generate one. */
export function podName(view: PodView): string {
  const name = stringMember(view.metadata, 'name');
  if (name !== undefined && name !== '') return name;
  const prefix = stringMember(view.metadata, 'generateName');
  return prefix === undefined ? '(unnamed)' : `${prefix}*`;
}
