import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../../../json/json.ts';
import { readGuardReport } from '../../../../mesh/serve/guard-reports.ts';
import { readModeReport } from '../../../../mesh/serve/mode-reports.ts';
import { doesCountPlainText, guardsPath, modesPath } from '../../../../runtime/report-peers.ts';
import { allOf, type Named, type PodPages } from './pod-pages.ts';
import type { Series } from './series.ts';

/** What a replica of the control plane says of itself; undefined what one of another version does not say. */
export interface Replica {
  readonly version: string;
  /** Proxies that are connected to it, and those of them that hold all that they should. */
  readonly proxies: number | undefined;
  readonly inSync: number | undefined;
  /** Resources that a proxy has rejected, and that others do not get. */
  readonly rejected: number | undefined;
  /** Pods that change to another mode of mutual TLS. */
  readonly changing: number;
  /** Objects that protect pods and are not in force in all of its proxies. */
  readonly notInForce: number;
  /** Whether its proxies count who calls them in plain text. */
  readonly countsPlainText: boolean;
}

/** A replica by its pod, with what it says, or why it says nothing. */
export type AskedReplica = Named & ({ readonly said: Replica } | { readonly problem: string });

const prefix = 'sidecar_injector_mesh_';
const wanted = new Set(['build_info', 'streams', 'streams_in_sync', 'withheld_resources'].map((one) => prefix + one));

/** The control plane's port for metrics, unless the pod says another. */
const usualPort = 9_090;

function metricsPort(pod: JsonObject): number {
  const ports = objectsMember(objectMember(pod, 'spec'), 'containers').flatMap((one) => objectsMember(one, 'ports'));
  const port = ports.find((one) => stringMember(one, 'name') === 'metrics');
  return Number(member(port, 'containerPort') ?? usualPort);
}

function sum(series: readonly Series[], name: string): number | undefined {
  const some = series.filter((one) => one.name === prefix + name);
  return some.length === 0 ? undefined : some.reduce((total, { value }) => total + value, 0);
}

async function ask(pages: PodPages, { pod, ...named }: Named & { readonly pod: JsonObject }): Promise<AskedReplica> {
  const port = metricsPort(pod);
  try {
    const series = await pages.series(named, port, '/metrics', (name) => wanted.has(name));
    const page = await pages.json(named, port, modesPath);
    const modes = readModeReport(JSON.stringify(page));
    const guards = readGuardReport(JSON.stringify(await pages.json(named, port, guardsPath)));
    const version = series.find(({ name }) => name === `${prefix}build_info`)?.labels['version'];
    if (version === undefined || modes === undefined || guards === undefined)
      return { ...named, problem: 'its answer is not that of a control plane' };
    const said = {
      version,
      proxies: sum(series, 'streams'),
      inSync: sum(series, 'streams_in_sync'),
      rejected: sum(series, 'withheld_resources'),
      changing: Object.values(modes.at).reduce((total, count) => total + count, 0),
      notInForce: guards.unheld.length,
      countsPlainText: doesCountPlainText(page),
    };
    return { ...named, said };
  } catch (error) {
    return { ...named, problem: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Asks the replicas of a control plane: the pods that are endpoints of its Service, ready or not.
 *
 * @param slices EndpointSlices of the Service
 * @param pods pods of its namespace
 */
export async function askReplicas(
  pages: PodPages,
  slices: readonly JsonObject[],
  pods: readonly JsonObject[],
): Promise<readonly AskedReplica[]> {
  const endpoints = slices.flatMap((slice) => objectsMember(slice, 'endpoints'));
  const names = new Set(endpoints.flatMap((one) => stringMember(objectMember(one, 'targetRef'), 'name') ?? []));
  const replicas = pods.flatMap((pod) => {
    const metadata = objectMember(pod, 'metadata');
    const [namespace = '', name = ''] = [stringMember(metadata, 'namespace'), stringMember(metadata, 'name')];
    return names.has(name) ? [{ namespace, name, pod }] : [];
  });
  return allOf(replicas, (replica) => ask(pages, replica));
}
