import type { ServiceIdentity, Workload } from '../pod/workload.ts';
import type { Direction } from './routes.ts';

/**
 * Captured traffic, by what its proxy knows of it: nothing, without a control plane (`outbound`, `inbound`); that no Service has the
 * address (`passthrough`), or which ones the pod belongs to (`plain`); the Service and the endpoint that was picked (`service`); the Service
 * and the pod that has the address (`headless`); or the client's certificate (`secured`).
 */
export type Flow = Direction | 'passthrough' | 'plain' | 'service' | 'headless' | 'secured';

/**
 * Keys in the metadata `mesh` of clusters, of endpoints, and of listeners for one endpoint. The cluster of the pod itself has all of its
 * Services, by TLS server name.
 */
export const metadataKeys = { service: 'service', services: 'services', peer: 'peer' } as const;

const service = `%CLUSTER_METADATA(mesh:${metadataKeys.service})%`;
/** Of the names that a client can say, those of the pod's own Services count: with all others it could make up series without end. */
const called = `%CEL(xds.cluster_metadata.filter_metadata['mesh'].${metadataKeys.services}[connection.requested_server_name])%`;
const upstream = `source;${service};%UPSTREAM_PEER_URI_SAN%;%UPSTREAM_LOCAL_URI_SAN%`;

/** The same text for both directions, so that they have the same loggers, which are written once. */
const filterChain = '%FILTER_CHAIN_NAME%';

/**
 * Value of the label `reporter`, by flow: without a control plane, the name of the filter chain, which starts with the direction. Whatever else is known goes with it, as one text, so that a request costs one label: the
 * Service, the peer's identity, the proxy's own, and the peer itself. The metrics page makes Istio's labels of it. The client's certificate is that of a pod,
 * signed by the mesh. What a client can send as it likes, such as a header, is not in it.
 */
export const reporters: Readonly<Record<Flow, string>> = {
  outbound: filterChain,
  inbound: filterChain,
  passthrough: 'source',
  plain: `destination;${service}`,
  service: `${upstream};%UPSTREAM_METADATA(mesh:${metadataKeys.peer})%`,
  headless: `${upstream};%METADATA(LISTENER:mesh:${metadataKeys.peer})%`,
  secured: `destination;${called};%DOWNSTREAM_PEER_URI_SAN%;%DOWNSTREAM_LOCAL_URI_SAN%;%DOWNSTREAM_PEER_OTHERNAME_SAN%`,
};

/** Returns the direction of a flow. */
export function directionOf(flow: Flow): Direction {
  return flow === 'outbound' || flow === 'inbound'
    ? flow
    : reporters[flow].startsWith('source')
      ? 'outbound'
      : 'inbound';
}

/** Returns the name of the filter chain of captured traffic. */
export function filterChainName(flow: Flow, of: 'http' | 'tcp'): string {
  return `${directionOf(flow)}-${of}`;
}

/** Whether the other side is known, so that what it sends and gets has to be counted by itself. */
export function knowsPeer(flow: Flow): boolean {
  return flow === 'service' || flow === 'headless' || flow === 'secured';
}

/** Whether it arrives at a pod whose proxy has a control plane. */
export function isOfPod(flow: Flow): boolean {
  return flow === 'plain' || flow === 'secured';
}

/** Whether the flow is one of a proxy with a control plane. */
export function isOfMesh(flow: Flow): boolean {
  return flow !== 'outbound' && flow !== 'inbound';
}

/** A word between spaces. Names of owners are not validated by the API server. */
function word(text: string): string {
  return text === '' ? 'unknown' : text.slice(0, 253).replaceAll(/[^\w.:-]/g, '_');
}

/** What metrics say of a pod. */
export interface Peer {
  readonly workload: Pick<Workload, 'name'>;
  readonly namespace: string;
  readonly identity: ServiceIdentity;
}

/** Returns what metrics say of a pod, as certificates and endpoints carry it. */
export function peerText({ workload, namespace, identity: { app, version, name, revision } }: Peer): string {
  return [workload.name, namespace, app, version, name, revision].map(word).join(' ');
}

/** Returns what metrics say of a Service, as clusters carry it. */
export function serviceText(host: string, name: string, namespace: string): string {
  return [host, name, namespace].map(word).join(' ');
}
