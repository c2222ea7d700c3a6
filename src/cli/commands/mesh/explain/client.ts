import { parse } from 'yaml';
import type { TrafficIntent } from '../../../../envoy/intent.ts';
import type { Self } from '../../../../envoy/self.ts';
import { readTrafficMetadata } from '../../../../envoy/traffic-metadata.ts';
import { quote } from '../../../../grammar/problem.ts';
import { didYouMean } from '../../../../grammar/suggestion.ts';
import { isObject, member, objectAt, objectsMember, stringMember, type JsonObject } from '../../../../json/json.ts';
import { objectMember } from '../../../../json/json.ts';
import { keyOf } from '../../../../kubernetes/object-key.ts';
import { typeOf } from '../../../../mesh/report/world-of-objects.ts';
import { readPod, type Pod } from '../../../../mesh/world/pod.ts';
import { names } from '../../../../pod/conventions.ts';
import { resolveBase } from '../../../../settings/effective.ts';
import { exitCodes, type Failure } from '../../../io.ts';
import type { WrittenClient } from './call.ts';
import { builtInSnapshot } from '../built-in.ts';

/** The pod that calls. */
export interface CallingPod {
  readonly pod: Pod;
  /** What its proxy says of itself; undefined if it has no proxy of the mesh. */
  readonly traffic: TrafficIntent | undefined;
  /** Whether that could not be read, so that the built-in settings stand in its place. */
  readonly isAssumed: boolean;
}

/** Aliases are expanded: a bootstrap of ours has some hundred, and a pod can have any text. */
const mostAliases = 20_000;

/** Returns the metadata of the node in the bootstrap of a pod's proxy. */
function nodeMetadata(pod: JsonObject): JsonObject | undefined {
  const spec = objectMember(pod, 'spec');
  const containers = ['initContainers', 'containers'].flatMap((key) => objectsMember(spec, key));
  const proxy = containers.find((one) => stringMember(one, 'name') === names.proxyContainer);
  const args = member(proxy, 'args');
  const text = Array.isArray(args) ? args[args.indexOf('--config-yaml') + 1] : undefined;
  if (typeof text !== 'string') return undefined;
  try {
    const bootstrap: unknown = parse(text, { maxAliasCount: mostAliases });
    return isObject(bootstrap) ? objectAt(bootstrap, ['node', 'metadata']) : undefined;
  } catch {
    return undefined;
  }
}

function assumed(self: Self, workload: string): TrafficIntent {
  const settings = resolveBase(builtInSnapshot().settings, undefined);
  return { settings, workload: { name: workload }, httpInboundPorts: [], opaqueInboundPorts: [], self };
}

/** Returns what the proxy of a pod says of itself, or else the built-in settings. */
export function trafficOf(pod: Pod, objects: readonly JsonObject[]): TrafficIntent & { readonly isAssumed: boolean } {
  const self = { address: pod.addresses[0] ?? '', name: pod.name, namespace: pod.namespace };
  const object = objects.find((one) => typeOf(one) === 'Pod.' && keyOf(one) === pod.key);
  const metadata = object && nodeMetadata(object);
  const told = metadata && readTrafficMetadata(metadata, self);
  return { ...(told ?? assumed(self, pod.workload.name)), isAssumed: told === undefined };
}

/** Finds the pod that SRC names, one of several of a workload. */
export function findClient(
  { kind, name }: WrittenClient,
  namespace: string,
  objects: readonly JsonObject[],
): CallingPod | Failure {
  const raw = objects.filter((object) => typeOf(object) === 'Pod.');
  const pods = raw.map((object) => ({ pod: readPod(object) })).filter(({ pod }) => pod.namespace === namespace);
  const isMeant = ({ workload, name: own }: Pod): boolean =>
    kind === 'pod' ? own === name : workload.kind.toLowerCase() === kind && workload.name === name;
  const [found] = pods
    .filter(({ pod }) => isMeant(pod))
    .toSorted((one, other) => Number(one.pod.isOver) - Number(other.pod.isOver));
  if (found === undefined) {
    const known = pods.map(({ pod }) => (kind === 'pod' ? pod.name : pod.workload.name));
    return {
      problems: [`there is no pod of ${kind}/${name} in namespace ${quote(namespace)}${didYouMean(name, known)}`],
      remedy: 'name a pod or a workload that has one, and its namespace with -n',
      code: exitCodes.failed,
    };
  }
  const { pod } = found;
  if (pod.plainPorts === 'all') return { pod, traffic: undefined, isAssumed: false };
  const { isAssumed, ...traffic } = trafficOf(pod, objects);
  return { pod, traffic, isAssumed };
}
