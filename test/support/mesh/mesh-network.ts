import { execFileSync, spawnSync } from 'node:child_process';
import type { Finished, RunOptions } from '../network/pod-namespace.ts';
import { inNamespace, removeLeftovers, namespacePrefix } from '../network/pod-namespace.ts';

/** A pod's network namespace in a mesh network. */
export interface MeshPodNamespace {
  readonly name: string;
  readonly v4: string;
  readonly v6: string;
}

/** Several pods on one bridge, and the rest of the cluster at the bridge itself. */
export interface MeshNetwork {
  /** Namespace of the bridge, where the control plane and clients without a proxy run. */
  readonly hub: string;
  readonly hubV4: string;
  readonly hubV6: string;
  readonly pods: readonly MeshPodNamespace[];
  run(namespace: string, command: readonly string[], options?: RunOptions): Finished;
  remove(): void;
}

function ip(...words: string[]): void {
  execFileSync('ip', words, { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Makes the network. Needs root. Whoever makes it removes it. */
export function createMeshNetwork(label: string, count: number): MeshNetwork {
  if (process.getuid?.() !== 0) throw new Error('network namespaces need root: run this tier as root');
  removeLeftovers();
  const hub = `${namespacePrefix}${process.pid}-${label}-hub`;
  const pods = Array.from({ length: count }, (_, index) => ({
    name: `${namespacePrefix}${process.pid}-${label}-${index}`,
    v4: `10.79.0.${index + 10}`,
    v6: `fd79::${index + 10}`,
  }));
  const remove = (): void => {
    for (const name of [hub, ...pods.map((pod) => pod.name)]) spawnSync('ip', ['netns', 'delete', name]);
  };
  remove();
  try {
    ip('netns', 'add', hub);
    ip('-n', hub, 'link', 'set', 'lo', 'up');
    ip('-n', hub, 'link', 'add', 'br0', 'type', 'bridge');
    ip('-n', hub, 'address', 'add', '10.79.0.1/24', 'dev', 'br0');
    ip('-n', hub, 'address', 'add', 'fd79::1/64', 'dev', 'br0', 'nodad');
    ip('-n', hub, 'link', 'set', 'br0', 'up');
    for (const [index, { name, v4, v6 }] of pods.entries()) {
      ip('netns', 'add', name);
      ip('-n', name, 'link', 'set', 'lo', 'up');
      ip('link', 'add', 'eth0', 'netns', name, 'type', 'veth', 'peer', 'name', `pod${index}`, 'netns', hub);
      ip('-n', hub, 'link', 'set', `pod${index}`, 'master', 'br0', 'up');
      ip('-n', name, 'address', 'add', `${v4}/24`, 'dev', 'eth0');
      ip('-n', name, 'address', 'add', `${v6}/64`, 'dev', 'eth0', 'nodad');
      ip('-n', name, 'link', 'set', 'eth0', 'up');
      ip('-n', name, 'route', 'add', 'default', 'via', '10.79.0.1');
      ip('-n', name, '-6', 'route', 'add', 'default', 'via', 'fd79::1');
    }
  } catch (error) {
    remove();
    throw error;
  }
  return {
    hub,
    hubV4: '10.79.0.1',
    hubV6: 'fd79::1',
    pods,
    remove,
    run(namespace, command, options = {}) {
      const [program, ...words] = [...inNamespace(namespace), ...command];
      const result = spawnSync(program, words, {
        encoding: 'utf8',
        env: { ...process.env, ...options.env },
        input: options.input ?? '',
      });
      if (result.error !== undefined) throw result.error;
      return { status: result.status, stdout: result.stdout, stderr: result.stderr };
    },
  };
}
