import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import { annotationNames } from '../../pod/annotation-names.ts';
import { serviceOf, workloadOf, type ServiceIdentity, type Workload } from '../../pod/workload.ts';
import { viewPod } from '../../pod/view.ts';
import { keyOf } from '../../kubernetes/object-key.ts';

/** A pod, as far as a mesh needs it. */
export interface Pod {
  readonly key: string;
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly addresses: readonly string[];
  readonly workload: Workload;
  readonly identity: ServiceIdentity;
  /** Whether its proxy takes mutual TLS of the mesh. */
  readonly hasMeshProxy: boolean;
  readonly isTerminating: boolean;
  /** Whether it has ended, so that its address may belong to another pod. */
  readonly isOver: boolean;
}

function labelsOf(metadata: JsonObject | undefined): Readonly<Record<string, string>> {
  const entries = Object.entries(objectMember(metadata, 'labels') ?? {});
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** Reads a pod. The API server has validated it. */
export function readPod(object: JsonObject): Pod {
  const view = viewPod(object);
  const { metadata, spec } = view;
  const status = objectMember(object, 'status');
  const phase = stringMember(status, 'phase');
  const labels = labelsOf(metadata);
  const workload = workloadOf(view);
  return {
    key: keyOf(object),
    uid: stringMember(metadata, 'uid') ?? '',
    name: stringMember(metadata, 'name') ?? '',
    namespace: stringMember(metadata, 'namespace') ?? '',
    labels,
    serviceAccount: stringMember(spec, 'serviceAccountName') ?? 'default',
    addresses: objectsMember(status, 'podIPs').flatMap((one) => stringMember(one, 'ip') ?? []),
    workload,
    identity: serviceOf(view, workload),
    hasMeshProxy: labels[annotationNames.tlsMode] === 'istio',
    isTerminating: member(metadata, 'deletionTimestamp') !== undefined,
    isOver: phase === 'Succeeded' || phase === 'Failed',
  };
}
