import { randomUUID } from 'node:crypto';
import { isObject, member, parseJson, stringMember, type JsonObject } from '../json/json.ts';
import type { Catalog } from '../mesh/serve/catalog.ts';
import { doOthersHold, hashOfGuards, readGuardReport } from '../mesh/serve/guard-reports.ts';
import { noPeers, readModeReport, type PeerReports } from '../mesh/serve/mode-reports.ts';
import { askPeer, type Replicas } from './mesh-peers.ts';

/** Page of the metrics port that says how far a replica is with pods that change to other modes of mutual TLS. */
export const modesPath = '/modes';

/**
 * What that page says besides, for `mesh status`: the proxies of this control plane count who calls them in plain text. One that does not say so may have
 * proxies that do not, whose pages of metrics look as if nobody had called.
 */
const countsPlainText = { countsPlainText: true };

/** Returns whether a replica has said it. */
export function doesCountPlainText(page: JsonObject): boolean {
  return member(page, 'countsPlainText') === true;
}

/** Page of the metrics port that says which objects that protect pods are not in force in all proxies of a replica. */
export const guardsPath = '/guards';

/** How often the others are asked while somebody wants to know. */
const roundMs = 500;

/** What this replica says, and what the others said. */
interface ReportPeers<R> {
  /** Text of the page. */
  readonly page: () => string;
  /** Returns what the others last said. They are asked again afterwards, and not otherwise. */
  readonly last: () => PeerReports<R>;
  stop(): void;
}

/** How the others are found, and when they are asked. */
interface ReportRounds {
  readonly replicas: () => Replicas;
  readonly nowMs: () => number;
  readonly every: (milliseconds: number, action: () => void) => () => void;
}

/** What replicas tell each other on one page. */
interface Exchange<R> {
  readonly path: string;
  readonly own: () => R;
  /** Reads the page of another; undefined if it is anything else. */
  readonly read: (text: string) => R | undefined;
}

/** Begins to ask the others for a page, as long as somebody wants to know. */
function watchReports<R extends object>(exchange: Exchange<R>, rounds: ReportRounds): ReportPeers<R> {
  const { path, own } = exchange;
  const { replicas, nowMs } = rounds;
  const replica = randomUUID();
  let last: PeerReports<R> = { askedMs: 0, reports: [undefined] };
  let isWanted = false;
  let isAsking = false;

  function read(text: string): { readonly replica: string; readonly report: R } | undefined {
    const [body, report] = [parseJson(text), exchange.read(text)];
    const name = isObject(body) ? stringMember(body, 'replica') : undefined;
    return name === undefined || report === undefined ? undefined : { replica: name, report };
  }

  async function round(): Promise<void> {
    if (isAsking || !isWanted) return;
    [isAsking, isWanted] = [true, false];
    const { addresses, port } = replicas();
    const askedMs = nowMs();
    const answers = await Promise.all(addresses.map((address) => askPeer(address, port, path, read)));
    // One that is starting has no proxies; this replica is among those that are asked.
    const others = answers.filter((one) => one !== 'starting' && one?.replica !== replica);
    last = { askedMs, reports: others.map((one) => (typeof one === 'object' ? one.report : undefined)) };
    isAsking = false;
  }

  const stop = rounds.every(roundMs, () => void round());
  return {
    page: () => JSON.stringify({ replica, ...own() }),
    last() {
      isWanted = true;
      // Nobody else is there if not even this replica is known by its address.
      return replicas().addresses.length === 0 ? noPeers : last;
    },
    stop,
  };
}

/** What replicas tell each other of objects that protect pods. */
export interface GuardExchange {
  /** Texts of the pages, by path. */
  readonly pages: ReadonlyMap<string, () => string>;
  /** Returns how far the others are with pods that change to other modes. */
  readonly modes: () => PeerReports;
  /** Whether the proxies of the others hold an object, as they have said after a time. */
  readonly doOthersHold: (uid: string, sinceMs: number) => boolean;
  stop(): void;
}

/** Begins to exchange it. */
export function exchangeGuards(
  catalog: Pick<Catalog, 'world' | 'modeReport' | 'guardReport'>,
  rounds: ReportRounds,
): GuardExchange {
  const own = () => ({ ...catalog.modeReport(), ...countsPlainText });
  const modes = watchReports({ path: modesPath, own, read: readModeReport }, rounds);
  const guards = watchReports({ path: guardsPath, own: catalog.guardReport, read: readGuardReport }, rounds);
  return {
    pages: new Map([
      [modesPath, modes.page],
      [guardsPath, guards.page],
    ]),
    modes: modes.last,
    doOthersHold: (uid, sinceMs) => doOthersHold(guards.last(), hashOfGuards(catalog.world()), uid, sinceMs),
    stop() {
      modes.stop();
      guards.stop();
    },
  };
}
