import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeArchive } from '../../harness/cluster/images/archive.ts';
import { ownImages, type Checkout } from '../../harness/cluster/images/table.ts';
import { containerdSocket } from '../../harness/cluster/node/configuration.ts';
import { insideNetwork, places, type Place } from '../../harness/cluster/node/place.ts';
import { findProcess, stopProcess } from '../../harness/cluster/node/process.ts';
import { importImages, startComponent, startComponents } from '../../harness/cluster/node/start.ts';
import { stopComponents } from '../../harness/cluster/node/stop.ts';
import { read } from '../../harness/tools/command.ts';
import type { ContainerStatus } from './cluster-namespace.ts';
import type { Component } from '../../harness/cluster/node/programs.ts';

/** Power over the node that the tier runs on. */
export interface NodeControl {
  /** Whether pods have an address of IPv6 beside their first one. */
  readonly hasIpv6: boolean;
  stop(component: Component): Promise<void>;
  /** Starts it unless it runs, as a kubelet does with its static pods. */
  keepRunning(component: Component): Promise<void>;
  /** Brings images of another checkout into the node. */
  importImages(checkout: Checkout): Promise<void>;
  /** Sends a signal to the first process of a container, from outside of it. */
  signal(container: ContainerStatus, signal: NodeJS.Signals): Promise<void>;
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
    hasIpv6: place.families.length > 1,
    async importImages(checkout) {
      const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-images-'));
      try {
        const images = await ownImages(checkout, folder);
        const archive = path.join(folder, 'images.tar');
        await writeArchive(images, await mkdtemp(path.join(folder, 'archive-')), archive);
        await importImages(place, archive);
      } finally {
        await rm(folder, { recursive: true });
      }
    },
    async signal({ name, containerID = '' }, signal) {
      const kill = ['--namespace', 'k8s.io', 'tasks', 'kill', '--signal', signal, containerID.replace(/^.*:\/\//, '')];
      const answer = await read(['ctr', '--address', containerdSocket(place), ...kill]);
      if (answer === undefined) throw new Error(`container ${name} could not be sent ${signal}`);
    },
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
