// plain-list.ts KUBECONFIG   reads all pods page by page with the official client, keeps nothing, and says what that has cost
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';

const config = new KubeConfig();
config.loadFromFile(process.argv[2] ?? '');
const api = config.makeApiClient(CoreV1Api);
let pods = 0;
let next: string | undefined;
do {
  const page = await api.listPodForAllNamespaces({ limit: 100, ...(next === undefined ? {} : { _continue: next }) });
  pods += page.items.length;
  ({ _continue: next } = page.metadata ?? {});
} while (next !== undefined && next !== '');
const { user, system } = process.cpuUsage();
const peakBytes = process.resourceUsage().maxRSS * 1_024;
process.stdout.write(JSON.stringify({ pods, ms: performance.now(), cpuMs: (user + system) / 1_000, peakBytes }));
