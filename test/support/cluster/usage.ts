import { clusterKubeconfig } from './cluster-namespace.ts';
import { kubectl } from './kubectl.ts';

/** What containers use together. */
export interface Usage {
  /** Thousandths of a processor, between the kubelet's measurements next to both moments. */
  readonly millicores: number;
  /** Working set: what the kernel cannot take back. */
  readonly mebibytes: number;
}

/** A container of every pod whose name starts with `prefix`. */
export interface Container {
  readonly namespace: string;
  readonly prefix: string;
  readonly container: string;
}

/** What the kubelet measured for containers while something went on. */
export async function measureUsage(what: Container, during: () => Promise<unknown>): Promise<Usage> {
  const before = await readSamples(what, 'container_cpu_usage_seconds_total');
  await during();
  const after = await readSamples(what, 'container_cpu_usage_seconds_total');
  const memory = await readSamples(what, 'container_memory_working_set_bytes');
  let cores = 0;
  for (const [pod, { value, atMs }] of after) {
    const first = before.get(pod);
    if (first === undefined) throw new Error(`${pod} is new: it was not measured before`);
    cores += (1000 * (value - first.value)) / (atMs - first.atMs);
  }
  const bytes = [...memory.values()].reduce((sum, { value }) => sum + value, 0);
  return { millicores: Math.round(1000 * cores), mebibytes: Math.round(bytes / 2 ** 20) };
}

interface Sample {
  readonly value: number;
  readonly atMs: number;
}

async function readSamples(what: Container, metric: string): Promise<ReadonlyMap<string, Sample>> {
  const call = (...args: string[]) => kubectl(clusterKubeconfig(), ['get', ...args]);
  const node = await call('nodes', '-o=jsonpath={.items[0].metadata.name}');
  const text = await call('--raw', `/api/v1/nodes/${node}/proxy/metrics/resource`);
  const { namespace, prefix, container } = what;
  const samples = new Map<string, Sample>();
  for (const line of text.split('\n')) {
    const [, name, labels = '', value, at] = /^(\w+)\{(.*)\} (\S+) (\d+)$/.exec(line) ?? [];
    const pod = /\bpod="([^"]+)"/.exec(labels)?.[1] ?? '';
    const isIts = [`container="${container}"`, `namespace="${namespace}"`].every((label) => labels.includes(label));
    if (name === metric && isIts && pod.startsWith(prefix))
      samples.set(pod, { value: Number(value), atMs: Number(at) });
  }
  if (samples.size > 0) return samples;
  throw new Error(`the kubelet reports no ${metric} of ${container} in ${namespace}/${prefix}…`);
}
