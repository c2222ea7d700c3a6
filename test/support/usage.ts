import { clusterKubeconfig } from './cluster-namespace.ts';
import { kubectl } from './kubectl.ts';

/** What a container uses. */
export interface Usage {
  /** Thousandths of a processor, between the kubelet's measurements next to both moments. */
  readonly millicores: number;
  /** Working set: what the kernel cannot take back. */
  readonly mebibytes: number;
}

/** A container of the first pod whose name starts with `prefix`. */
export interface Container {
  readonly namespace: string;
  readonly prefix: string;
  readonly container: string;
}

/** What the kubelet measured for a container while something went on. */
export async function measureUsage(what: Container, during: () => Promise<unknown>): Promise<Usage> {
  const before = await readSample(what, 'container_cpu_usage_seconds_total');
  await during();
  const after = await readSample(what, 'container_cpu_usage_seconds_total');
  const memory = await readSample(what, 'container_memory_working_set_bytes');
  return {
    millicores: Math.round(((after.value - before.value) / (after.atMs - before.atMs)) * 1_000_000),
    mebibytes: Math.round(memory.value / 2 ** 20),
  };
}

async function readSample(what: Container, metric: string): Promise<{ value: number; atMs: number }> {
  const call = (...args: string[]) => kubectl(clusterKubeconfig(), ['get', ...args]);
  const node = await call('nodes', '-o=jsonpath={.items[0].metadata.name}');
  const text = await call('--raw', `/api/v1/nodes/${node}/proxy/metrics/resource`);
  const { namespace, prefix, container } = what;
  for (const line of text.split('\n')) {
    const [, name, labels = '', value, at] = /^(\w+)\{(.*)\} (\S+) (\d+)$/.exec(line) ?? [];
    const isIts = [`container="${container}"`, `namespace="${namespace}"`, `pod="${prefix}`].every((label) =>
      labels.includes(label),
    );
    if (name === metric && isIts) return { value: Number(value), atMs: Number(at) };
  }
  throw new Error(`the kubelet reports no ${metric} of ${container} in ${namespace}/${prefix}…`);
}
