import type { ClusterNamespace } from '../cluster/cluster-namespace.ts';
import { until } from '../waiting.ts';

/** User and effective capabilities of what runs in a container. */
export async function privilegesOf(
  namespace: ClusterNamespace,
  target: string,
): Promise<{ readonly user: string; readonly capabilities: bigint }> {
  const text = await namespace.exec(target, '/bin/sh', '-c', 'id -u; grep CapEff /proc/self/status');
  const [, user = '', digits = ''] = /^(\d+)\s+CapEff:\s*([0-9a-f]+)/.exec(text) ?? [];
  return { user, capabilities: BigInt(`0x${digits}`) };
}

/** The first line of a container's log that holds the text. */
export function logged(namespace: ClusterNamespace, pod: string, container: string, text: string): Promise<string> {
  return until(`${text} in the log of ${container} in ${pod}`, async () => {
    const lines = (await namespace.kubectl('logs', pod, `--container=${container}`)).split('\n');
    return lines.find((line) => line.includes(text));
  });
}
