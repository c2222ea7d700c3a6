import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import { annotationNames } from '../../pod/annotation-names.ts';
import { serviceOf, workloadOf, type ServiceIdentity, type Workload } from '../../pod/workload.ts';
import { containersOf } from '../../pod/containers.ts';
import { names, ports } from '../../pod/conventions.ts';
import { viewPod, type PodView } from '../../pod/view.ts';
import { portList } from '../../grammar/grammar.ts';
import { onePort, type PortRange } from '../../grammar/port-range.ts';
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
  /** Ports on which it takes no mutual TLS of the mesh: `all`, or those that pass by its proxy. */
  readonly plainPorts: 'all' | readonly PortRange[];
  /** How long its proxy keeps connections that it takes no longer, in seconds. */
  readonly drainSeconds: number;
  readonly isTerminating: boolean;
  /** Whether it has ended, so that its address may belong to another pod. */
  readonly isOver: boolean;
}

function labelsOf(metadata: JsonObject | undefined): Readonly<Record<string, string>> {
  const entries = Object.entries(objectMember(metadata, 'labels') ?? {});
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** Ports of every proxy, which no capture leads to it: its pages for metrics and health. */
const ownPorts: readonly PortRange[] = [ports.status, ports.health, ports.metrics, ports.tunnel].map(onePort);

/** Returns its proxy, if that has a token for this mesh, which no other mesh's has, nor one that stands alone beside what an earlier injection left. */
function proxyOf(view: PodView): JsonObject | undefined {
  return containersOf(view).find(
    ({ name, raw }) =>
      name === names.proxyContainer &&
      objectsMember(raw, 'volumeMounts').some((mount) => stringMember(mount, 'name') === names.meshTokenVolume),
  )?.raw;
}

/** Envoy's default of `--drain-time-s`. */
const defaultDrainSeconds = 600;

function drainSecondsOf(proxy: JsonObject | undefined): number {
  const words = proxy?.['args'];
  const told = Array.isArray(words) ? Number(words[words.indexOf('--drain-time-s') + 1]) : Number.NaN;
  return Number.isInteger(told) && told >= 0 ? told : defaultDrainSeconds;
}

/** Reads what an injection has left: the proxy, a label that the pod may have set to another value, and an annotation. */
function plainPortsOf(view: PodView): Pod['plainPorts'] {
  const { labels, annotations, spec } = view;
  // Pods with the node's network share its addresses with others, and have no proxy.
  const isOfNode = member(spec, 'hostNetwork') === true;
  if (stringMember(labels, annotationNames.tlsMode) !== 'istio' || isOfNode || proxyOf(view) === undefined)
    return 'all';
  const text = stringMember(annotations, annotationNames.bypassedInboundPorts);
  if (text === undefined) return ownPorts;
  const bypassed = portList.parse(text);
  return 'value' in bypassed ? [...ownPorts, ...bypassed.value] : 'all';
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
    plainPorts: plainPortsOf(view),
    drainSeconds: drainSecondsOf(proxyOf(view)),
    isTerminating: member(metadata, 'deletionTimestamp') !== undefined,
    isOver: phase === 'Succeeded' || phase === 'Failed',
  };
}
