import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import { keyOf } from '../../kubernetes/object-key.ts';
import { texts } from './texts.ts';

/** One port of all endpoints of a slice. */
export interface SlicePort {
  /** Name of the Service's port; empty if the Service has only this one. */
  readonly name: string;
  /** The port that is listened on; undefined if the slice leaves it open. */
  readonly number: number | undefined;
  readonly transport: string;
}

/** Where a Service can be reached. */
export interface Endpoint {
  readonly address: string;
  readonly isReady: boolean;
  readonly isServing: boolean;
  readonly isTerminating: boolean;
  /** `<namespace>/<name>` of the pod behind it; undefined if none is named. */
  readonly pod: string | undefined;
  /** Name of the pod in DNS, such as `db-0` of a StatefulSet. */
  readonly hostname: string | undefined;
}

/** An EndpointSlice of a Service. */
export interface EndpointSlice {
  readonly key: string;
  readonly uid: string;
  /** `<namespace>/<name>` of its Service; undefined for a slice of nothing. */
  readonly service: string | undefined;
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly Endpoint[];
}

const serviceLabel = 'kubernetes.io/service-name';

function readEndpoint(endpoint: JsonObject, namespace: string): readonly Endpoint[] {
  const conditions = objectMember(endpoint, 'conditions');
  const target = objectMember(endpoint, 'targetRef');
  const isPod = stringMember(target, 'kind') === 'Pod';
  // Absent conditions: `ready` and `serving` count as true, `terminating` as false (discovery.k8s.io/v1).
  const isReady = member(conditions, 'ready') !== false;
  // Only the first address is meant to be used.
  const [address] = texts(endpoint, 'addresses');
  if (address === undefined) return [];
  return [
    {
      address,
      isReady,
      isServing: (member(conditions, 'serving') ?? isReady) === true,
      isTerminating: member(conditions, 'terminating') === true,
      pod: isPod
        ? `${stringMember(target, 'namespace') ?? namespace}/${stringMember(target, 'name') ?? ''}`
        : undefined,
      hostname: stringMember(endpoint, 'hostname'),
    },
  ];
}

/** Reads an EndpointSlice. The API server has validated it. */
export function readEndpointSlice(object: JsonObject): EndpointSlice {
  const metadata = objectMember(object, 'metadata');
  const namespace = stringMember(metadata, 'namespace') ?? '';
  const service = stringMember(objectMember(metadata, 'labels'), serviceLabel);
  // Names of hosts are not supported by kube-proxy either.
  const isAddresses = stringMember(object, 'addressType') !== 'FQDN';
  return {
    key: keyOf(object),
    uid: stringMember(metadata, 'uid') ?? '',
    service: service === undefined || service === '' ? undefined : `${namespace}/${service}`,
    ports: objectsMember(object, 'ports').map((port) => {
      const number = member(port, 'port');
      return {
        name: stringMember(port, 'name') ?? '',
        number: typeof number === 'number' ? number : undefined,
        transport: stringMember(port, 'protocol') ?? 'TCP',
      };
    }),
    endpoints: isAddresses ? objectsMember(object, 'endpoints').flatMap((one) => readEndpoint(one, namespace)) : [],
  };
}
