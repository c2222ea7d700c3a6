import { objectMember, stringMember, type JsonObject } from '../../../../json/json.ts';
import { listAll } from '../../../../kubernetes/list.ts';
import { pathSegment, type ApiClient } from '../../../../kubernetes/client.ts';
import { indexPeerAuthentications } from '../../../../mesh/plan/peer-modes.ts';
import { worldOfObjects } from '../../../../mesh/report/world-of-objects.ts';
import { listRules } from '../objects.ts';
import { callersByAddress } from './callers.ts';
import type { StatusOptions } from './options.ts';
import { askForPlainText, type Server } from './plain-text.ts';
import { podPages } from './pod-pages.ts';
import { askReplicas, type AskedReplica } from './replicas.ts';

/** What is to be said of a mesh. */
export interface MeshStatus {
  readonly replicas: readonly AskedReplica[];
  /** How many pods of the cluster have a proxy of the mesh. */
  readonly pods: number;
  /** Whether every replica says that its proxies count who calls in plain text. Otherwise, nobody may be named although somebody calls. */
  readonly isPlainTextTold: boolean;
  /** In the namespace that was asked for. */
  readonly servers: readonly Server[];
}

function namespaceOf(object: JsonObject): string {
  return stringMember(objectMember(object, 'metadata'), 'namespace') ?? '';
}

/** Reads the status of a mesh. Rejects with an `ApiError` if the API server does not say what there is; pods that do not answer are named. */
export async function readStatus(client: ApiClient, options: StatusOptions, nowMs: number): Promise<MeshStatus> {
  const { namespace, controlPlaneNamespace, service, rootNamespace } = options;
  const own = `/apis/discovery.k8s.io/v1/namespaces/${pathSegment('namespace', controlPlaneNamespace)}/endpointslices`;
  const [pods, slices, authentications] = await Promise.all([
    listAll(client, '/api/v1/pods'),
    listAll(client, own),
    listRules(client, 'PeerAuthentication'),
  ]);
  const pages = podPages(client);
  const { rules, pod: known } = worldOfObjects(
    [...pods.map((pod) => ({ ...pod, apiVersion: 'v1', kind: 'Pod' })), ...authentications],
    '',
  );
  const isOfService = (slice: JsonObject): boolean =>
    stringMember(objectMember(objectMember(slice, 'metadata'), 'labels'), 'kubernetes.io/service-name') === service;
  const [replicas, servers] = await Promise.all([
    askReplicas(
      pages,
      slices.filter(isOfService),
      pods.filter((pod) => namespaceOf(pod) === controlPlaneNamespace),
    ),
    askForPlainText({
      pages,
      pods: pods.filter((pod) => namespace === undefined || namespaceOf(pod) === namespace),
      peers: indexPeerAuthentications(rules, rootNamespace),
      callerAt: callersByAddress(pods),
      nowMs,
    }),
  ]);
  const inMesh = [...known.values()].filter(({ plainPorts, isOver }) => plainPorts !== 'all' && !isOver);
  const isPlainTextTold = replicas.length > 0 && replicas.every((one) => 'said' in one && one.said.countsPlainText);
  return { replicas, pods: inMesh.length, isPlainTextTold, servers };
}
