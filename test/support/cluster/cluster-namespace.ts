import { randomBytes } from 'node:crypto';
import type { Pod } from '../http/api-client.ts';
import { kubectl, runKubectl, type KubectlAnswer } from './kubectl.ts';
import { until } from '../waiting.ts';

/** A namespace of its own in the cluster that the tier runs on, seen through kubectl. */
export interface ClusterNamespace {
  readonly name: string;
  /** Runs kubectl in the namespace; throws what it said when it fails. */
  kubectl(...args: string[]): Promise<string>;
  /** Runs it and answers how it ended. */
  tryKubectl(...args: string[]): Promise<KubectlAnswer>;
  /** Applies objects or a text of manifests. */
  apply(...manifests: (object | string)[]): Promise<void>;
  get<T>(...args: string[]): Promise<T>;
  /** Pods that are not being deleted, oldest first. */
  pods(selector?: string): Promise<readonly RunningPod[]>;
  /** Waits until a workload's pods are all of its latest version and ready. */
  rollOut(workload: string): Promise<void>;
  /** Waits until a named pod is ready, or has the phase. */
  untilPod(name: string, phase?: string): Promise<RunningPod>;
  /**
   * Waits until an address answers a pod's curl: a Service serves only when kube-proxy has learnt that its pods are
   * ready, and kube-proxy tells nobody when it has. `options` are more of curl's.
   */
  untilServed(target: string, url: string, ...options: readonly string[]): Promise<void>;
  /** Runs a command in a pod's container (`pod/container`, or the default one) and answers its output. */
  exec(target: string, ...command: string[]): Promise<string>;
  remove(): Promise<void>;
}

/** How a container does, as the kubelet tells it. */
export interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly started?: boolean;
  readonly restartCount: number;
  /** `containerd://…`, once it was made. */
  readonly containerID?: string;
  readonly state: Readonly<Record<string, { readonly reason?: string; readonly exitCode?: number }>>;
}

/** A pod that a kubelet reports about. */
export interface RunningPod extends Pod {
  readonly status: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly podIPs?: readonly { readonly ip: string }[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
  };
}

/** The administrator's kubeconfig of the cluster that the tier runs on. */
export function clusterKubeconfig(): string {
  const file = process.env['KUBECONFIG'];
  if (file === undefined || file === '') throw new Error('no cluster: run these tests with `make cluster-test`');
  return file;
}

/** Creates a namespace, by default with a name of its own, and waits until pods can be created in it. */
export async function createClusterNamespace(
  labels: Readonly<Record<string, string>> = {},
  name = `test-${randomBytes(4).toString('hex')}`,
): Promise<ClusterNamespace> {
  const file = clusterKubeconfig();
  const base = [`--namespace=${name}`, '--request-timeout=120s'];
  const call = (args: readonly string[], input?: string) => kubectl(file, [...base, ...args], input);
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
  await kubectl(file, ['create', '-f', '-'], JSON.stringify(object));
  await call(['wait', '--for=create', 'serviceaccount/default', '--timeout=30s']);
  const get = async <T>(...args: string[]): Promise<T> => JSON.parse(await call(['get', '-o=json', ...args])) as T;
  const pods = async (selector = '') => {
    const { items } = await get<{ items: RunningPod[] }>('pods', `--selector=${selector}`, '--sort-by=.metadata.name');
    return items.filter(({ metadata }) => !('deletionTimestamp' in metadata));
  };
  const orDescribe = async (waiting: Promise<string>) => {
    try {
      await waiting;
    } catch (error) {
      throw new Error(`${String(error)}\n${(await call(['get', 'events'])).slice(-3000)}`, { cause: error });
    }
  };
  const exec = (target: string, ...command: string[]) => {
    const [pod = '', container] = target.split('/');
    const where = container === undefined ? [pod] : [pod, `--container=${container}`];
    return call(['exec', ...where, '--', ...command]);
  };
  return {
    name,
    get,
    pods,
    exec,
    kubectl: (...args) => call(args),
    tryKubectl: (...args) => runKubectl(file, [...base, ...args]),
    async apply(...manifests) {
      const texts = manifests.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
      await call(['apply', '-f', '-'], texts.join('\n---\n'));
    },
    // Controllers that had no API server for a while pause for up to a minute before they list again.
    rollOut: (workload) => orDescribe(call(['rollout', 'status', workload, '--timeout=120s'])),
    async untilPod(pod, phase) {
      const condition = phase === undefined ? 'condition=Ready' : `jsonpath={.status.phase}=${phase}`;
      await orDescribe(call(['wait', `--for=${condition}`, `pod/${pod}`, '--timeout=60s']));
      return get<RunningPod>('pod', pod);
    },
    async untilServed(target, url, ...options) {
      await until(`${url} is served`, () =>
        exec(target, 'curl', '-sS', '--fail', '--max-time', '5', ...options, url).catch(() => undefined),
      );
    },
    async remove() {
      await kubectl(file, ['delete', 'namespace', name, '--wait=false']);
    },
  };
}

/** `2/2` as `kubectl get pods` shows it. */
export function readyCount({ spec, status }: RunningPod): string {
  const sidecars = (spec.initContainers ?? []).flatMap((one) => (one.restartPolicy === 'Always' ? [one.name] : []));
  const statuses = [
    ...(status.containerStatuses ?? []),
    ...(status.initContainerStatuses ?? []).filter(({ name }) => sidecars.includes(name)),
  ];
  return `${statuses.filter(({ ready }) => ready).length}/${spec.containers.length + sidecars.length}`;
}
