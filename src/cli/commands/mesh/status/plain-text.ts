import {
  lastChange,
  mostPlainClients,
  plainCounts,
  plainFamily,
  plainLabels,
  plainPage,
} from '../../../../envoy/plain-clients.ts';
import type { JsonObject } from '../../../../json/json.ts';
import { modeOf, type PeerAuthentications, type PeerModes } from '../../../../mesh/plan/peer-modes.ts';
import { readPod, type Pod } from '../../../../mesh/world/pod.ts';
import { ports } from '../../../../pod/conventions.ts';
import type { Caller } from './callers.ts';
import { allOf, type PodPages } from './pod-pages.ts';
import type { Series } from './series.ts';

/** What a client has done in plain text at one container port. */
export interface PlainCalls {
  readonly port: number;
  readonly address: string;
  readonly client: Caller;
  /** What the pods take on the port. */
  readonly mode: string;
  /** Requests, where the proxy reads HTTP. */
  readonly requests: number;
  /** Connections of which it passes the bytes on, and how many of these have not ended. */
  readonly connections: number;
  readonly open: number;
  /** Connections that it has closed, because plain text is not taken. */
  readonly refused: number;
}

/** A workload whose pods have proxies of the mesh, and who calls it in plain text. */
export interface Server {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly pods: number;
  readonly modes: PeerModes;
  readonly calls: readonly PlainCalls[];
  /** Whether all its proxies have counted since then, in milliseconds since 1970; undefined if none has said. */
  readonly countedSinceMs: number | undefined;
  /** Whether a proxy has so many clients that it does not count more. */
  readonly isFull: boolean;
  /** Pods that did not say, and why. */
  readonly unread: readonly { readonly pod: string; readonly problem: string }[];
}

type Count = keyof typeof plainCounts;

/** What a proxy has counted. */
interface Page {
  readonly counts: readonly {
    readonly count: Count;
    readonly port: number;
    readonly address: string;
    readonly value: number;
  }[];
  readonly sinceMs: number;
}

const families: ReadonlyMap<string, Count> = new Map(
  Object.entries(plainCounts).map(([count, name]) => [`${plainFamily}${name}`, count as Count]),
);

/** A series of each proxy that counts. */
const build = 'istio_build';
const others = new Set([lastChange, build]);

/** Reads what a proxy has counted; undefined if it does not count. Its listeners tell when the counting began at the latest. */
function readPage(series: readonly Series[], nowMs: number): Page | undefined {
  const valueOf = (name: string): number | undefined => series.find((one) => one.name === name)?.value;
  if (valueOf(build) === undefined) return undefined;
  const counts = series.flatMap(({ name, labels, value }) => {
    const count = families.get(name);
    const port = Number(labels[plainLabels.port]);
    return count === undefined ? [] : [{ count, port, address: labels[plainLabels.client] ?? '', value }];
  });
  return { counts, sinceMs: valueOf(lastChange) ?? nowMs };
}

/** What is asked, and whom. */
export interface PlainTextQuestion {
  readonly pages: PodPages;
  /** Pods of which those with a proxy of the mesh are asked. */
  readonly pods: readonly JsonObject[];
  readonly peers: PeerAuthentications;
  readonly callerAt: (address: string) => Caller;
  readonly nowMs: number;
}

type Answer = { readonly pod: Pod } & ({ readonly page: Page } | { readonly problem: string });

async function ask({ pages, nowMs }: PlainTextQuestion, pod: Pod): Promise<Answer> {
  try {
    const series = await pages.series(pod, ports.metrics, plainPage, (name) => families.has(name) || others.has(name));
    const page = readPage(series, nowMs);
    return page === undefined
      ? { pod, problem: 'its proxy counts nothing (proxy.metrics.istio is false)' }
      : { pod, page };
  } catch (error) {
    return { pod, problem: error instanceof Error ? error.message : String(error) };
  }
}

function callsOf(
  pages: readonly Page[],
  modes: PeerModes,
  callerAt: (address: string) => Caller,
): readonly PlainCalls[] {
  const groups = Map.groupBy(
    pages.flatMap(({ counts }) => counts),
    ({ port, address }) => `${port} ${address}`,
  );
  const calls = [...groups.values()].flatMap((some): readonly PlainCalls[] => {
    const [first] = some;
    if (first === undefined) return [];
    const total = (count: Count): number =>
      some.filter((one) => one.count === count).reduce((sum, { value }) => sum + value, 0);
    const { port, address } = first;
    const connections = total('opened');
    return [
      {
        port,
        address,
        client: callerAt(address),
        mode: modeOf(modes, port),
        requests: total('requests'),
        connections,
        open: connections - total('closed'),
        refused: total('refused'),
      },
    ];
  });
  return calls.toSorted((one, other) => one.port - other.port || one.address.localeCompare(other.address));
}

function isFull({ counts }: Page): boolean {
  return [...Map.groupBy(counts, ({ count }) => count).values()].some(({ length }) => length >= mostPlainClients);
}

/** Asks the proxies of the mesh who has called them in plain text. Workloads come in the order of their names. */
export async function askForPlainText(question: PlainTextQuestion): Promise<readonly Server[]> {
  const { peers, callerAt } = question;
  // A pod without an address has not been called.
  const pods = question.pods
    .map(readPod)
    .filter(({ plainPorts, isOver, addresses }) => plainPorts !== 'all' && !isOver && addresses.length > 0);
  const answers = await allOf(pods, (pod) => ask(question, pod));
  const groups = Map.groupBy(
    answers,
    ({ pod: { namespace, workload } }) => `${namespace}/${workload.kind}/${workload.name}`,
  );
  return [...groups]
    .toSorted(([one], [other]) => one.localeCompare(other))
    .flatMap(([, some]): readonly Server[] => {
      const [first] = some;
      if (first === undefined) return [];
      const { namespace, workload } = first.pod;
      const pages = some.flatMap((one) => ('page' in one ? [one.page] : []));
      const modes = peers.modesOf(first.pod);
      return [
        {
          kind: workload.kind,
          namespace,
          name: workload.name,
          pods: some.length,
          modes,
          calls: callsOf(pages, modes, callerAt),
          countedSinceMs: pages.length === 0 ? undefined : Math.max(...pages.map(({ sinceMs }) => sinceMs)),
          isFull: pages.some(isFull),
          unread: some.flatMap((one) => ('problem' in one ? [{ pod: one.pod.name, problem: one.problem }] : [])),
        },
      ];
    });
}
