import { decide } from '../../../index.ts';
import { applyToValue } from '../../../json/apply.ts';
import {
  isObject,
  member,
  objectMember,
  objectsMember,
  stringMember,
  type Json,
  type JsonObject,
} from '../../../json/json.ts';
import { keyOf } from '../../../kubernetes/object-key.ts';
import type { FoundObject } from '../../../manifests/workloads.ts';
import { typeOf } from '../../../mesh/report/world-of-objects.ts';
import { hasLabels } from '../../../pod/label-selector.ts';
import { builtInSnapshot } from './built-in.ts';

/** Objects as a cluster would have them, and what stands for addresses that only a cluster gives. */
export interface Applied {
  readonly objects: readonly JsonObject[];
  /** In words, by address. */
  readonly words: ReadonlyMap<string, string>;
}

/** Gives out addresses that no cluster has (240.0.0.0/4 is reserved). */
function createAddresses(words: Map<string, string>) {
  return (meaning: string): string => {
    const number = words.size + 1;
    const address = `240.${number >> 16}.${(number >> 8) & 255}.${number & 255}`;
    words.set(address, meaning);
    return address;
  };
}

function withMetadata(object: JsonObject, metadata: JsonObject): JsonObject {
  return { ...object, metadata: { ...objectMember(object, 'metadata'), ...metadata } };
}

/** Pods of one workload that are made at most. */
const mostReplicas = 50;

/** The pods of a workload. Their owner is named as the cluster's controllers name it. */
function podsOfWorkload({ kind, apiVersion: version, name, object, pods, ...found }: FoundObject, namespace: string) {
  const replicas = Number(member(objectMember(object, 'spec'), 'replicas') ?? 1);
  const owner = { apiVersion: version, kind, name, controller: true };
  return pods.flatMap(({ value }) =>
    Array.from({ length: Math.min(replicas, mostReplicas) }, (_, index) =>
      withMetadata(
        { ...value, apiVersion: 'v1', kind: 'Pod' },
        {
          name: `${name}-${index}`,
          generateName: `${name}-`,
          namespace: found.namespace ?? namespace,
          ownerReferences: [owner],
        },
      ),
    ),
  );
}

/** Returns the number of a Service's target port in a pod; undefined if the pod has no port of its name. */
function targetOf(port: JsonObject, pod: JsonObject): number | undefined {
  const target = member(port, 'targetPort') ?? member(port, 'port');
  if (typeof target !== 'string') return Number(target);
  const containers = objectsMember(objectMember(pod, 'spec'), 'containers');
  const found = containers
    .flatMap((one) => objectsMember(one, 'ports'))
    .find((one) => stringMember(one, 'name') === target);
  return found === undefined ? undefined : Number(member(found, 'containerPort'));
}

function addressesOf(pod: JsonObject): readonly string[] {
  return objectsMember(objectMember(pod, 'status'), 'podIPs').flatMap((one) => stringMember(one, 'ip') ?? []);
}

/** The EndpointSlices that the cluster's controller would make of a Service's pods: one for each pod, whose ports may differ. */
function slicesOf(service: JsonObject, pods: readonly JsonObject[]): readonly JsonObject[] {
  const metadata = objectMember(service, 'metadata');
  const spec = objectMember(service, 'spec');
  const selector = objectMember(spec, 'selector');
  const [name, namespace] = ['name', 'namespace'].map((key) => stringMember(metadata, key) ?? '');
  if (selector === undefined || Object.keys(selector).length === 0) return [];
  const own = pods.filter((pod) => {
    const of = objectMember(pod, 'metadata');
    return stringMember(of, 'namespace') === namespace && hasLabels(objectMember(of, 'labels'), selector);
  });
  return own.flatMap((pod, index): readonly JsonObject[] => {
    const [address] = addressesOf(pod);
    const podName = stringMember(objectMember(pod, 'metadata'), 'name') ?? '';
    const ports = objectsMember(spec, 'ports').flatMap((port): readonly JsonObject[] => {
      const number = targetOf(port, pod);
      const protocol = stringMember(port, 'protocol') ?? 'TCP';
      return number === undefined ? [] : [{ name: stringMember(port, 'name') ?? '', port: number, protocol }];
    });
    if (address === undefined) return [];
    return [
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { namespace, name: `${name}-${index}`, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        ports,
        endpoints: [
          { addresses: [address], conditions: { ready: true }, targetRef: { kind: 'Pod', namespace, name: podName } },
        ],
      },
    ];
  });
}

/**
 * Returns the objects of files as a cluster would have them once they are applied: Services have addresses, workloads have as many
 * pods as they ask for, pods are injected in mode mesh by the built-in settings, and Services whose endpoints nothing says lead to the pods that they select.
 *
 * @param live objects that the cluster has; a Service keeps its address, and workloads their pods
 */
export function asApplied(
  objects: readonly JsonObject[],
  found: readonly FoundObject[],
  namespace: string,
  live: readonly JsonObject[],
): Applied {
  const words = new Map<string, string>();
  const nextAddress = createAddresses(words);
  const snapshot = builtInSnapshot();
  const placed = objects.map((object) =>
    withMetadata(object, { namespace: stringMember(objectMember(object, 'metadata'), 'namespace') ?? namespace }),
  );
  const known = new Map(live.map((object) => [`${typeOf(object)} ${keyOf(object)}`, object]));

  function withAddress(service: JsonObject): JsonObject {
    const spec = objectMember(service, 'spec') ?? {};
    if (stringMember(spec, 'clusterIP') !== undefined || stringMember(spec, 'type') === 'ExternalName') return service;
    const before = objectMember(known.get(`Service. ${keyOf(service)}`), 'spec');
    const clusterIP = stringMember(before, 'clusterIP') ?? nextAddress(`address of Service ${keyOf(service)}`);
    const clusterIPs: Json = (before && member(before, 'clusterIPs')) ?? [clusterIP];
    return { ...service, spec: { ...spec, clusterIP, clusterIPs } };
  }

  function running(pod: JsonObject): JsonObject {
    if (addressesOf(pod).length > 0) return pod;
    const { operations } = decide(
      { pod, namespace: stringMember(objectMember(pod, 'metadata'), 'namespace') ?? namespace },
      snapshot,
    );
    const injected = applyToValue(pod, operations) as JsonObject;
    const status = { phase: 'Running', podIPs: [{ ip: nextAddress(`address of pod ${keyOf(pod)}`) }] };
    return { ...injected, status };
  }

  const templates = found
    .filter(({ kind, pods }) => kind !== 'Pod' && pods.length > 0 && live.length === 0)
    .flatMap((one) => podsOfWorkload(one, namespace));
  const isKind = (kind: string) => (object: JsonObject) => typeOf(object) === kind;
  const pods = [...placed.filter(isKind('Pod.')), ...templates].map(running);
  const services = placed.filter(isKind('Service.')).map(withAddress);
  const others = placed.filter((object) => !['Pod.', 'Service.'].includes(typeOf(object)));
  const sliced = new Set(
    others.map((object) => {
      const metadata = objectMember(object, 'metadata');
      return `${stringMember(metadata, 'namespace') ?? ''}/${stringMember(objectMember(metadata, 'labels'), 'kubernetes.io/service-name') ?? ''}`;
    }),
  );
  const slices = services
    .filter((service) => live.length === 0 && !sliced.has(keyOf(service)))
    .flatMap((service) => slicesOf(service, pods));
  return { objects: [...services, ...pods, ...slices, ...others].filter(isObject), words };
}

/** Writes the words for addresses that only a cluster gives in their place. */
export function withWords(text: string, words: Applied['words']): string {
  return text.replaceAll(/240(?:\.\d+){3}/g, (address) => {
    const meaning = words.get(address);
    return meaning === undefined ? address : `<${meaning}>`;
  });
}
