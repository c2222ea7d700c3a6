import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import { serviceOf, workloadOf, type ServiceIdentity, type Workload } from '../../pod/workload.ts';
import { viewPod } from '../../pod/view.ts';
import { keyOf } from '../../kubernetes/object-key.ts';
import { capturedPorts, type CapturedPorts } from './captured-ports.ts';

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
  /** Ports on which its proxy takes mutual TLS of the mesh: those that are captured, and none without a proxy of the mesh. */
  readonly securePorts: CapturedPorts;
  readonly isTerminating: boolean;
  /** Whether it has ended, so that its address may belong to another pod. */
  readonly isOver: boolean;
}

function textsOf(metadata: JsonObject | undefined, key: 'labels' | 'annotations'): Readonly<Record<string, string>> {
  const entries = Object.entries(objectMember(metadata, key) ?? {});
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** Reads a pod. The API server has validated it. */
export function readPod(object: JsonObject): Pod {
  const view = viewPod(object);
  const { metadata, spec } = view;
  const status = objectMember(object, 'status');
  const phase = stringMember(status, 'phase');
  const labels = textsOf(metadata, 'labels');
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
    securePorts: capturedPorts(labels, textsOf(metadata, 'annotations')),
    isTerminating: member(metadata, 'deletionTimestamp') !== undefined,
    isOver: phase === 'Succeeded' || phase === 'Failed',
  };
}
