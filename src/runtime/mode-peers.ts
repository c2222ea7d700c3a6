import { randomUUID } from 'node:crypto';
import { isObject, parseJson, stringMember } from '../json/json.ts';
import { noPeers, readModeReport, type ModeReport, type PeerReports } from '../mesh/serve/mode-reports.ts';
import { askPeer, type Replicas } from './mesh-peers.ts';

/** Page of the metrics port that says how far a replica is with pods that change to other modes of mutual TLS. */
export const modesPath = '/modes';

/** How often the others are asked while pods change. */
const roundMs = 500;

/** What this replica says, and what the others said. */
export interface ModePeers {
  /** Text of the page. */
  page(): string;
  /** Returns what the others last said, as far as they were asked since it matters. */
  readonly last: () => PeerReports;
  stop(): void;
}

interface Named {
  readonly replica: string;
  readonly report: ModeReport;
}

function read(text: string): Named | undefined {
  const [body, report] = [parseJson(text), readModeReport(text)];
  const replica = isObject(body) ? stringMember(body, 'replica') : undefined;
  return replica === undefined || report === undefined ? undefined : { replica, report };
}

/** Begins to ask the others, as long as pods change. */
export function watchModes(options: {
  readonly own: () => ModeReport;
  readonly replicas: () => Replicas;
  readonly nowMs: () => number;
  readonly every: (milliseconds: number, action: () => void) => () => void;
}): ModePeers {
  const replica = randomUUID();
  let last: PeerReports = { askedMs: 0, reports: [undefined] };
  let isAsking = false;

  async function round(): Promise<void> {
    if (isAsking || Object.values(options.own().at).every((count) => count === 0)) return;
    isAsking = true;
    const { addresses, port } = options.replicas();
    const askedMs = options.nowMs();
    const answers = await Promise.all(addresses.map((address) => askPeer(address, port, modesPath, read)));
    // One that is starting has no proxies; this replica is among those that are asked.
    const others = answers.filter((one) => one !== 'starting' && one?.replica !== replica);
    last = { askedMs, reports: others.map((one) => (typeof one === 'object' ? one.report : undefined)) };
    isAsking = false;
  }

  const stop = options.every(roundMs, () => void round());
  return {
    page: () => JSON.stringify({ replica, ...options.own() }),
    // Nobody else is there if not even this replica is known by its address.
    last: () => (options.replicas().addresses.length === 0 ? noPeers : last),
    stop,
  };
}
