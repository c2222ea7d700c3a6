import { renderNftables } from '../../src/capture/nftables.ts';
import type { JsonObject } from '../../src/settings/json.ts';
import { decideOn, injectedPod } from './decisions.ts';
import { programFolder } from './program-folder.ts';
import type { RunningPod } from './running-pod.ts';

/** Loads, in a running pod, the rules that an injection of the given pod has. Those of another back end stay. */
export type LoadRules = (running: RunningPod, pod: JsonObject) => void;

function initialise(running: RunningPod, pod: JsonObject, path?: string): string {
  const result = running.initialise(injectedPod(pod), path);
  if (result.status !== 0) throw new Error(`the init container has failed: ${result.stderr}`);
  return result.stdout;
}

/** The init container as it is: its script takes the nft back end of iptables where there is one. */
export const loadIptables: LoadRules = (running, pod) => {
  if (!initialise(running, pod).includes('iptables-nft-restore')) throw new Error('not by the nft back end');
};

/** The init container of an image, or on a kernel, that has the legacy back end alone. */
export const loadLegacyIptables: LoadRules = (running, pod) => {
  const programs = ['sh', 'grep', 'tr', 'ip', 'iptables-legacy-restore', 'ip6tables-legacy-restore'];
  const folder = programFolder(...programs);
  try {
    if (!initialise(running, pod, folder.path).includes('iptables-legacy-restore')) throw new Error('not by legacy');
  } finally {
    folder.remove();
  }
};

/** The native nftables table of the same injection, instead of iptables' rules. */
export const loadNftables: LoadRules = (running, pod) => {
  const { capture } = decideOn(pod);
  if (capture === undefined) throw new Error('nothing is captured');
  const loaded = running.namespace.run('pod', ['nft', '-f', '-'], { input: renderNftables(capture) });
  if (loaded.status !== 0) throw new Error(loaded.stderr);
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
