import type { JsonObject } from '../../../src/json/json.ts';
import { injectedPod, type InjectedPod } from '../builders/decisions.ts';
import { programFolder } from '../processes/program-folder.ts';
import type { RunningPod } from './running-pod.ts';
import { snapshotOf } from '../builders/snapshots.ts';

/** Loads, in a running pod, the rules that an injection of the given pod has. Those of another back end stay. */
type LoadRules = (running: RunningPod, pod: JsonObject) => void;

/** What the init container's script calls whatever it loads: Debian cannot do without these. */
export const shellPrograms: readonly string[] = ['sh', 'grep', 'paste', 'sed'];

/** What the init image has, with the legacy back end alone. */
export const legacyPrograms: readonly string[] = [
  ...shellPrograms,
  'ip',
  'perl',
  ...['iptables', 'ip6tables'].flatMap((name) => [`${name}-legacy-restore`, `${name}-legacy-save`]),
];

function initialise(running: RunningPod, injected: InjectedPod, back: string, path?: string): void {
  const result = running.initialise(injected, path);
  if (result.status !== 0) throw new Error(`the init container has failed: ${result.stderr}`);
  if (!result.stdout.includes(back)) throw new Error(`not loaded by ${back}: ${result.stdout}`);
}

/** The init container as it is: its script takes the nft back end of iptables where there is one. */
const loadIptables: LoadRules = (running, pod) => initialise(running, injectedPod(pod), 'iptables-nft-restore');

const loadLegacyIptables: LoadRules = (running, pod) => {
  const folder = programFolder(...legacyPrograms);
  try {
    initialise(running, injectedPod(pod), 'iptables-legacy-restore', folder.path);
  } finally {
    folder.remove();
  }
};

const loadNftables: LoadRules = (running, pod) => {
  const settings = snapshotOf({ capture: { backend: 'nftables' } });
  initialise(running, injectedPod(pod, settings), 'one table loaded by nft');
};

/** Takes out the rules of every back end. */
export function clearRules(running: RunningPod): void {
  const all = 'nft flush ruleset && iptables-legacy -t nat -F && ip6tables-legacy -t nat -F';
  const cleared = running.namespace.run('pod', ['sh', '-c', all]);
  if (cleared.status !== 0) throw new Error(cleared.stderr);
}

export const backEnds: readonly (readonly [name: string, load: LoadRules])[] = [
  ['iptables', loadIptables],
  ['iptables-legacy', loadLegacyIptables],
  ['nftables', loadNftables],
];
