import { existsSync } from 'node:fs';
import path from 'node:path';

/** Where a cluster lives on this machine. Several with different names and pod networks do not touch each other. */
export interface Place {
  /** Name of its network namespace, its CNI network and its cgroup. */
  readonly name: string;
  /** Its data: etcd, kubelet, images, logs. */
  readonly folder: string;
  /** Process ids, sockets; gone after a restart of the machine. */
  readonly runFolder: string;
  /** The first one is that of Services which ask for none; the second one is there when the machine has IPv6. */
  readonly families: readonly [AddressFamily, ...AddressFamily[]];
}

/** Addresses of one version of IP. */
export interface AddressFamily {
  /** Pods get addresses of it. */
  readonly podNetwork: string;
  /** Address of the node inside its own network namespace, the same in each, and the length of its network's prefix. */
  readonly node: { readonly address: string; readonly prefixLength: number };
  /** Services get addresses of it, the same in each. */
  readonly serviceNetwork: string;
  readonly everywhere: string;
}

/** Parent of every cluster's `runFolder`. */
export const runFolders = '/run/sidecar-injector-clusters';

/** Where the API server listens. */
export const nodeAddress = '192.168.222.1';
export const nodeName = 'node1';
export const dnsAddress = '10.96.0.10';

/** The cluster that `make cluster-up` starts, and the one that the tests start and stop. */
export const places = {
  own: makePlace('sidecar-injector-own', 244),
  test: makePlace('sidecar-injector-test', 245),
} as const;

function makePlace(name: string, number: number): Place {
  const v4: AddressFamily = {
    podNetwork: `10.${number}.0.0/24`,
    node: { address: nodeAddress, prefixLength: 24 },
    serviceNetwork: '10.96.0.0/16',
    everywhere: '0.0.0.0/0',
  };
  const v6: AddressFamily = {
    podNetwork: `fd10:${number}::/64`,
    node: { address: 'fd00:222::1', prefixLength: 64 },
    serviceNetwork: 'fd10:96::/112',
    everywhere: '::/0',
  };
  return {
    name,
    folder: path.join('/var/lib/sidecar-injector-clusters', name),
    runFolder: path.join(runFolders, name),
    families: existsSync('/proc/net/if_inet6') ? [v4, v6] : [v4],
  };
}

/** Where the container runtime keeps images and containers. */
export function imageStore({ folder }: Place): string {
  return path.join(folder, 'containerd');
}

/** The administrator's kubeconfig. */
export function adminKubeconfig({ folder }: Place): string {
  return path.join(folder, 'kubeconfig', 'admin');
}

/** What stands before a command that is to run in the cluster's network; unlike `ip netns exec` it keeps /sys. */
export function insideNetwork({ name }: Place): readonly [string, ...string[]] {
  return ['nsenter', `--net=/run/netns/${name}`];
}
