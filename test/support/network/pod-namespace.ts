import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

/*
 * A pod as the kernel sees it: a network namespace with one veth, and at the other end of it a second namespace, the
 * rest of the cluster. Needs root. Names hold the test's process id, so that what a killed test left is found and removed.
 */
export const namespacePrefix = 'sidecar-pod-';

export type Place = 'pod' | 'cluster';

export interface PodNamespace {
  readonly name: Readonly<Record<Place, string>>;
  /** Runs a command in a namespace and waits for it. */
  readonly run: (place: Place, command: readonly string[], options?: RunOptions) => Finished;
  readonly remove: () => void;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Addresses of both ends; the cluster has a second network for tests of address lists. */
export const addresses = {
  pod: { v4: '10.77.0.2', v6: 'fd77::2' },
  cluster: { v4: '10.77.0.1', v6: 'fd77::1' },
  elsewhere: { v4: '10.78.0.1', v6: 'fd78::1' },
} as const;

function ip(...words: string[]): void {
  execFileSync('ip', words, { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Namespaces of tests that have ended without removing them. */
export function removeLeftovers(): void {
  if (!existsSync('/run/netns')) return;
  for (const name of readdirSync('/run/netns')) {
    const pid = new RegExp(`^${namespacePrefix}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) spawnSync('ip', ['netns', 'delete', name]);
  }
}

/** What has to stand before a command so that it runs in the namespace, as another user if one is named. */
export function inNamespace(name: string, uid?: number): [command: string, ...words: string[]] {
  const user = uid === undefined ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--'];
  return ['ip', 'netns', 'exec', name, ...user];
}

/** Makes both namespaces; `label` tells several of one process apart. Whoever makes them removes them. */
export function createPodNamespace(label: string): PodNamespace {
  if (process.getuid?.() !== 0) throw new Error('network namespaces need root: run this tier as root');
  removeLeftovers();
  const name = {
    pod: `${namespacePrefix}${process.pid}-${label}-p`,
    cluster: `${namespacePrefix}${process.pid}-${label}-c`,
  };
  const remove = (): void => {
    for (const one of Object.values(name)) spawnSync('ip', ['netns', 'delete', one]);
  };
  remove();
  try {
    ip('netns', 'add', name.pod);
    ip('netns', 'add', name.cluster);
    ip('link', 'add', 'eth0', 'netns', name.pod, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name.cluster);
    const assign = (place: Place, device: string, v4: string, v6: string): void => {
      ip('-n', name[place], 'address', 'add', v4, 'dev', device);
      ip('-n', name[place], 'address', 'add', v6, 'dev', device, 'nodad');
      ip('-n', name[place], 'link', 'set', device, 'up');
    };
    for (const place of ['pod', 'cluster'] as const) ip('-n', name[place], 'link', 'set', 'lo', 'up');
    assign('pod', 'eth0', `${addresses.pod.v4}/24`, `${addresses.pod.v6}/64`);
    assign('cluster', 'eth0', `${addresses.cluster.v4}/24`, `${addresses.cluster.v6}/64`);
    assign('cluster', 'eth0', `${addresses.elsewhere.v4}/24`, `${addresses.elsewhere.v6}/64`);
    ip('-n', name.pod, 'route', 'add', 'default', 'via', addresses.cluster.v4);
    ip('-n', name.pod, '-6', 'route', 'add', 'default', 'via', addresses.cluster.v6);
  } catch (error) {
    remove();
    throw error;
  }
  return {
    name,
    remove,
    run(place, command, options = {}) {
      const [program, ...words] = [...inNamespace(name[place]), ...command];
      // With a socket as input, which Node's pipes are, and no shell above it, bash would read a user's start-up file.
      const env = { ...process.env, SHLVL: '1', ...options.env };
      const result = spawnSync(program, words, { encoding: 'utf8', env, input: options.input ?? '' });
      if (result.error !== undefined) throw result.error;
      return result;
    },
  };
}
