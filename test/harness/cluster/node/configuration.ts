import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { networkPluginFolders } from '../../tools/packages.ts';
import { pauseImage } from '../images/table.ts';
import { dnsAddress, imageStore, nodeAddress, type Place } from './place.ts';
import { kubeconfigOf, users } from './programs.ts';

/** Socket of the container runtime. */
export function containerdSocket({ runFolder }: Place): string {
  return path.join(runFolder, 'containerd.sock');
}

/** Writes what the components read at their start. Secrets that are there stay, so that a stopped cluster resumes. */
export async function writeConfiguration(place: Place): Promise<void> {
  for (const name of ['log', 'cni', 'kubelet', 'kubeconfig', 'certs']) {
    await mkdir(path.join(place.folder, name), { recursive: true });
  }
  const write = (name: string, text: string) => writeFile(path.join(place.folder, name), text, { mode: 0o600 });
  await write('containerd.toml', renderContainerd(place));
  await write('kubelet.json', JSON.stringify(makeKubelet(place)));
  await write('cni/10-bridge.conflist', JSON.stringify(makeNetwork(place)));
  await write('audit-policy.json', JSON.stringify(auditPolicy));
  // Pods with the node's own name servers: nothing outside can be reached.
  await write('resolv.conf', 'nameserver 127.0.0.53\n');
  if (!existsSync(path.join(place.folder, 'tokens.csv'))) await writeSecrets(place, write);
}

async function writeSecrets(place: Place, write: (name: string, text: string) => Promise<void>): Promise<void> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await write('service-accounts.key', String(privateKey.export({ type: 'pkcs8', format: 'pem' })));
  const lines: string[] = [];
  for (const [user, group] of users) {
    const token = randomBytes(16).toString('hex');
    lines.push(`${token},${user},${user},"${group}"\n`);
    const cluster = {
      server: `https://${nodeAddress}:6443`,
      // The API server writes it: its own certificate and the CA that signed it.
      'certificate-authority': path.join(place.folder, 'certs/apiserver.crt'),
    };
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'cluster',
      clusters: [{ name: 'cluster', cluster }],
      users: [{ name: 'user', user: { token } }],
      contexts: [{ name: 'cluster', context: { cluster: 'cluster', user: 'user' } }],
    };
    await writeFile(kubeconfigOf(place, user), JSON.stringify(kubeconfig), { mode: 0o600 });
  }
  await write('tokens.csv', lines.join(''));
}

const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', verbs: ['create'], resources: [{ group: '', resources: ['pods'] }] }, { level: 'None' }],
};

function makeNetwork({ name, folder, families }: Place): object {
  const ipam = {
    type: 'host-local',
    dataDir: path.join(folder, 'cni/state'),
    ranges: families.map(({ podNetwork }) => [{ subnet: podNetwork }]),
    routes: families.map(({ everywhere }) => ({ dst: everywhere })),
  };
  const bridge = { type: 'bridge', bridge: 'cni0', isGateway: true, ipMasq: false, hairpinMode: true, ipam };
  const plugins = [bridge, { type: 'portmap', capabilities: { portMappings: true } }];
  return { cniVersion: '0.4.0', name, plugins };
}

function makeKubelet(place: Place): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint: `unix://${containerdSocket(place)}`,
    // Only whoever is in the node's own network reaches it.
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${place.name}`,
    failCgroupV1: false,
    failSwapOn: false,
    // Sandboxes often lack the right to lower it.
    oomScoreAdj: 0,
    maxOpenFiles: 20_000,
    enforceNodeAllocatable: ['pods'],
    localStorageCapacityIsolation: false,
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '1%',
      'imagefs.available': '1%',
      'nodefs.inodesFree': '1%',
    },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    clusterDNS: [dnsAddress],
    clusterDomain: 'cluster.local',
    resolvConf: path.join(place.folder, 'resolv.conf'),
    podLogsDir: path.join(place.folder, 'pod-logs'),
    kubeAPIQPS: 500,
    kubeAPIBurst: 1000,
    syncFrequency: '5s',
    fileCheckFrequency: '5s',
  };
}

function renderContainerd(place: Place): string {
  const [plugins = ''] = networkPluginFolders();
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = "${imageStore(place)}"
state = "${place.runFolder}/containerd"

[grpc]
  address = "${containerdSocket(place)}"

[${cri}]
  sandbox_image = "${pauseImage}"
  # Without CAP_SYS_RESOURCE nobody may lower oom_score_adj; runc ends when it tries.
  restrict_oom_score_adj = true
  [${cri}.cni]
    bin_dir = "${plugins}"
    conf_dir = "${place.folder}/cni"
  [${cri}.containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [${cri}.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
`;
}
