import { insideNetwork, places, type Place } from '../../scripts/cluster/node/place.ts';
import { findProcess, stopProcess } from '../../scripts/cluster/node/process.ts';
import { startComponent, startComponents } from '../../scripts/cluster/node/start.ts';
import { stopComponents } from '../../scripts/cluster/node/stop.ts';
import { read } from '../../scripts/tools/command.ts';
import type { Component } from '../../scripts/cluster/node/programs.ts';

/** Power over the node that the tier runs on. */
export interface NodeControl {
  stop(component: Component): Promise<void>;
  /** Starts it unless it runs, as a kubelet does with its static pods. */
  keepRunning(component: Component): Promise<void>;
  /** Cuts the power and switches it on again: processes, pods, mounts and packet rules go, what is on disk stays. */
  restart(): Promise<void>;
}

/** The node of this machine, or `undefined` when the tests run on a cluster that somebody else started. */
export function nodeControl(): NodeControl | undefined {
  const name = process.env['CLUSTER_PLACE'];
  if (name === undefined) return undefined;
  const place: Place = name === 'own' ? places.own : places.test;
  const { env } = process;
  return {
    stop: (component) => stopProcess(place, component, 'SIGKILL'),
    async keepRunning(component) {
      if ((await findProcess(place, component)) === undefined) await startComponent(place, component, env);
    },
    async restart() {
      await stopComponents(place);
      for (const tool of ['iptables', 'ip6tables']) {
        for (const table of ['nat', 'filter', 'mangle']) {
          for (const flag of ['--flush', '--delete-chain']) {
            await read([...insideNetwork(place), tool, '--table', table, flag]);
          }
        }
      }
      await startComponents(place, { env });
    },
  };
}
