import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import { keyOf } from '../../kubernetes/object-key.ts';
import { texts } from './texts.ts';

/** One port of a Service. */
export interface ServicePort {
  /** Name of the port; empty if the Service has only this one. */
  readonly name: string;
  readonly number: number;
  readonly transport: string;
  readonly appProtocol: string | undefined;
}

/** A Service, as far as a mesh needs it. */
export interface Service {
  /** `<namespace>/<name>`. */
  readonly key: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  /** Virtual addresses, one for each family; none for a headless Service. */
  readonly addresses: readonly string[];
  readonly isHeadless: boolean;
  /** Host name of a Service of type ExternalName. */
  readonly externalName: string | undefined;
  /** Whether all connections of one client go to the same endpoint. */
  readonly hasAffinity: boolean;
  /** Whether clients may only be sent to endpoints on their own node. */
  readonly isNodeLocal: boolean;
  /** What it says of endpoints that are to be preferred, as `<field>: <value>`. */
  readonly preferences: readonly string[];
  readonly ports: readonly ServicePort[];
  /** The annotation `networking.istio.io/exportTo`, as it is written. */
  readonly exportTo: string | undefined;
}

/** Wishes for close endpoints, by where they are written. The annotation has an older name. */
function preferencesOf(metadata: JsonObject | undefined, spec: JsonObject | undefined): readonly string[] {
  const annotations = objectMember(metadata, 'annotations');
  const wishes = [
    ['spec.trafficDistribution', stringMember(spec, 'trafficDistribution')] as const,
    ...['service.kubernetes.io/topology-mode', 'service.kubernetes.io/topology-aware-hints'].map(
      (name) => [name, stringMember(annotations, name)] as const,
    ),
  ];
  return wishes.flatMap(([name, value]) =>
    value === undefined || value.toLowerCase() === 'disabled' ? [] : [`${name}: ${value}`],
  );
}

/** Reads a Service. The API server has validated it. */
export function readService(object: JsonObject): Service {
  const metadata = objectMember(object, 'metadata');
  const spec = objectMember(object, 'spec');
  const clusterIp = stringMember(spec, 'clusterIP');
  const clusterIps = texts(spec, 'clusterIPs');
  const addresses = clusterIps.length > 0 ? clusterIps : [clusterIp ?? ''];
  return {
    key: keyOf(object),
    name: stringMember(metadata, 'name') ?? '',
    namespace: stringMember(metadata, 'namespace') ?? '',
    uid: stringMember(metadata, 'uid') ?? '',
    addresses: addresses.filter((address) => address !== '' && address !== 'None'),
    isHeadless: clusterIp === 'None',
    externalName: stringMember(spec, 'type') === 'ExternalName' ? stringMember(spec, 'externalName') : undefined,
    hasAffinity: stringMember(spec, 'sessionAffinity') === 'ClientIP',
    isNodeLocal: stringMember(spec, 'internalTrafficPolicy') === 'Local',
    preferences: preferencesOf(metadata, spec),
    ports: objectsMember(spec, 'ports').map((port) => ({
      name: stringMember(port, 'name') ?? '',
      number: Number(member(port, 'port')),
      transport: stringMember(port, 'protocol') ?? 'TCP',
      appProtocol: stringMember(port, 'appProtocol'),
    })),
    exportTo: stringMember(objectMember(metadata, 'annotations'), 'networking.istio.io/exportTo'),
  };
}
