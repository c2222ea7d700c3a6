import { clusterKubeconfig } from './cluster-namespace.ts';
import { kubectl, runKubectl, type KubectlAnswer } from './kubectl.ts';
import { until } from '../waiting.ts';

const selector = '--selector=app=sidecar-injector';
const base = '--namespace=sidecar-injector-system';

/** The injector's own namespace in the cluster that the tier runs on. */
export const system = {
  kubectl: (...args: string[]): Promise<string> => kubectl(clusterKubeconfig(), [base, ...args]),
  tryKubectl: (...args: string[]): Promise<KubectlAnswer> => runKubectl(clusterKubeconfig(), [base, ...args]),

  async rollOut(): Promise<void> {
    await system.kubectl('rollout', 'status', 'deployment/sidecar-injector', '--timeout=90s');
  },

  /** Number of replicas that the Service sends to. */
  async countReady(): Promise<number> {
    const value = await system.kubectl('get', 'deployment/sidecar-injector', '-o=jsonpath={.status.readyReplicas}');
    return Number(value === '' ? 0 : value);
  },

  /** The metrics of every replica, as Prometheus reads them. */
  async readMetrics(): Promise<readonly string[]> {
    const pods = (await system.kubectl('get', 'pods', selector, '-o=name')).trim().split('\n');
    const page = (pod: string) => `/api/v1/namespaces/sidecar-injector-system/pods/${pod.slice(4)}:9090/proxy/metrics`;
    return Promise.all(pods.map((pod) => system.kubectl('get', '--raw', page(pod))));
  },

  /** Writes other settings and waits until every replica, none of which is restarted, uses them. */
  async useSettings(spec: object): Promise<void> {
    const hashes = async () =>
      (await system.readMetrics()).map(
        (text) => /^sidecar_injector_configuration_info\{hash="(\w+)"\} 1$/m.exec(text)?.[1],
      );
    const before = await hashes();
    const settings = { apiVersion: 'sidecar-injector.io/v1alpha1', kind: 'InjectorConfiguration', spec };
    const patch = JSON.stringify({ data: { 'settings.yaml': JSON.stringify(settings) } });
    await system.kubectl('patch', 'configmap', 'sidecar-injector-settings', '--type=merge', `--patch=${patch}`);
    await until(
      'every replica uses the new settings',
      async () => {
        const after = new Set(await hashes());
        return after.size === 1 && before.every((hash) => !after.has(hash)) ? true : undefined;
      },
      120_000,
    );
  },

  async untilReplicas(count: number): Promise<void> {
    await until(
      `${count} ready replicas`,
      async () => ((await system.countReady()) === count ? true : undefined),
      60_000,
    );
  },

  /** Waits until two replicas are ready and no other is left, not even one that is ending. */
  async untilSettled(): Promise<void> {
    await system.rollOut();
    await until(
      'no replica is ending',
      async () => {
        const pods = (await system.kubectl('get', 'pods', selector, '-o=name')).trim().split('\n');
        return pods.length === 2 && (await system.countReady()) === 2 ? true : undefined;
      },
      60_000,
    );
  },
};
