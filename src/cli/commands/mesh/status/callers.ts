import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../../../json/json.ts';
import type { Workload } from '../../../../pod/workload.ts';
import { readPod } from '../../../../mesh/world/pod.ts';

/** What is known of a client by its address. */
export type Caller =
  | {
      readonly type: 'pod';
      readonly pod: string;
      readonly workload: Pick<Workload, 'kind' | 'name'>;
      readonly hasProxy: boolean;
      /** When the pod was created, as Kubernetes writes times. */
      readonly created: string;
    }
  /** Processes of a node, pods with its network, and whatever comes through it. */
  | { readonly type: 'node'; readonly node: string }
  | { readonly type: 'unknown' };

const unknown: Caller = { type: 'unknown' };

function nodesOf(pods: readonly JsonObject[]): ReadonlyMap<string, Caller> {
  return new Map(
    pods.flatMap((pod) => {
      const status = objectMember(pod, 'status');
      const node = stringMember(objectMember(pod, 'spec'), 'nodeName');
      const addresses = objectsMember(status, 'hostIPs').flatMap((one) => stringMember(one, 'ip') ?? []);
      const first = stringMember(status, 'hostIP');
      return node === undefined
        ? []
        : [first ?? [], addresses].flat().map((ip) => [ip, { type: 'node', node }] as const);
    }),
  );
}

/** Returns what has an address now, by the pods of the cluster. */
export function callersByAddress(pods: readonly JsonObject[]): (address: string) => Caller {
  const known = new Map(nodesOf(pods));
  for (const object of pods) {
    if (member(objectMember(object, 'spec'), 'hostNetwork') === true) continue;
    const { key, addresses, workload, plainPorts, isOver } = readPod(object);
    if (isOver) continue;
    const { kind, name } = workload;
    const caller: Caller = {
      type: 'pod',
      pod: key,
      workload: { kind, name },
      hasProxy: plainPorts !== 'all',
      created: stringMember(objectMember(object, 'metadata'), 'creationTimestamp') ?? '',
    };
    for (const address of addresses) known.set(address, caller);
  }
  return (address) => known.get(address) ?? unknown;
}
