import { clusterKubeconfig } from './cluster-namespace.ts';
import { kubectl } from './kubectl.ts';

/** What a container uses. */
export interface Usage {
  /** Thousandths of a processor, over the seconds before. */
  readonly millicores: number;
  /** Working set: what the kernel cannot take back. */
  readonly mebibytes: number;
}

interface Summary {
  readonly pods: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string };
    readonly containers?: readonly {
      readonly name: string;
      readonly cpu?: { readonly usageCoreNanoSeconds?: number; readonly time: string };
      readonly memory?: { readonly workingSetBytes?: number };
    }[];
  }[];
}

/** What the kubelet measured for a container of pods whose name starts with `prefix`, between two moments. */
export async function measureUsage(
  { namespace, prefix, container }: { namespace: string; prefix: string; container: string },
  during: () => Promise<unknown>,
): Promise<Usage> {
  const node = await kubectl(clusterKubeconfig(), ['get', 'nodes', '-o=jsonpath={.items[0].metadata.name}']);
  const read = async () => {
    const url = `/api/v1/nodes/${node}/proxy/stats/summary`;
    const { pods } = JSON.parse(await kubectl(clusterKubeconfig(), ['get', '--raw', url])) as Summary;
    const pod = pods.find(({ podRef }) => podRef.namespace === namespace && podRef.name.startsWith(prefix));
    const found = pod?.containers?.find(({ name }) => name === container);
    if (found === undefined) throw new Error(`the kubelet reports no ${container} of ${namespace}/${prefix}`);
    return found;
  };
  const before = await read();
  await during();
  const after = await read();
  const busyNs = (after.cpu?.usageCoreNanoSeconds ?? 0) - (before.cpu?.usageCoreNanoSeconds ?? 0);
  const passedMs = Date.parse(after.cpu?.time ?? '') - Date.parse(before.cpu?.time ?? '');
  return {
    millicores: Math.round(busyNs / 1000 / passedMs),
    mebibytes: Math.round((after.memory?.workingSetBytes ?? 0) / 2 ** 20),
  };
}
