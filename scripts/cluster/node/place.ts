import path from 'node:path';

/** Where a cluster lives on this machine. Several with different names and pod networks do not touch each other. */
export interface Place {
  /** Name of its network namespace, its CNI network and its cgroup. */
  readonly name: string;
  /** Its data: etcd, kubelet, images, logs. */
  readonly folder: string;
  /** Process ids, sockets; gone after a restart of the machine. */
  readonly runFolder: string;
  /** Pods get addresses of it; a /24. */
  readonly podNetwork: string;
}

/** Parent of every cluster's `runFolder`. */
export const runFolders = '/run/sidecar-injector-clusters';

/** Address of the node inside its own network namespace, the same in each. */
export const nodeAddress = '192.168.222.1';
export const nodeName = 'node1';
export const serviceNetwork = '10.96.0.0/16';
export const dnsAddress = '10.96.0.10';

/** The cluster that `make cluster-up` starts, and the one that the tests start and stop. */
export const places = {
  own: makePlace('sidecar-injector-own', '10.244.0.0/24'),
  test: makePlace('sidecar-injector-test', '10.245.0.0/24'),
} as const;

function makePlace(name: string, podNetwork: string): Place {
  return {
    name,
    folder: path.join('/var/lib/sidecar-injector-clusters', name),
    runFolder: path.join(runFolders, name),
    podNetwork,
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
