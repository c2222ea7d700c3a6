import type { ClusterNamespace } from '../cluster/cluster-namespace.ts';
import { until } from '../waiting.ts';

// The image has no client; Bash speaks well enough to the administration interface, which only the pod reaches.
const ask = `exec 3<>/dev/tcp/127.0.0.1/15000
printf 'GET %s HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' "$1" >&3
cat <&3`;

/** Asks the administration interface of a pod's Envoy; answers the body. */
export async function askEnvoy(namespace: ClusterNamespace, pod: string, url: string): Promise<string> {
  const answer = await namespace.exec(`${pod}/istio-proxy`, '/bin/bash', '-c', ask, 'ask', url);
  const end = answer.indexOf('\r\n\r\n');
  const body = answer.slice(end + 4);
  return /^transfer-encoding: chunked\r?$/im.test(answer.slice(0, end)) ? joinChunks(body) : body;
}

function joinChunks(body: string): string {
  const [, digits, rest] = /^([0-9a-f]+)\r\n(.*)$/is.exec(body) ?? [];
  if (digits === undefined || rest === undefined) throw new Error(`not in chunks: ${body.slice(0, 100)}`);
  const size = Number.parseInt(digits, 16);
  return size === 0 ? '' : rest.slice(0, size) + joinChunks(rest.slice(size + 2));
}

/** Counters and gauges of a pod's Envoy by name. */
export async function envoyStatistics(
  namespace: ClusterNamespace,
  pod: string,
): Promise<Readonly<Record<string, number>>> {
  const lines = (await askEnvoy(namespace, pod, '/stats')).split('\n');
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, name, value] = /^(\S+): (\d+)$/.exec(line.trim()) ?? [];
      return name === undefined ? [] : [[name, Number(value)]];
    }),
  );
}

/** The last line of a proxy's access log about a path. Envoy writes it a moment after the answer. */
export function lastAccessLog(namespace: ClusterNamespace, pod: string, path: string): Promise<object> {
  return until(`a line about ${path} in the access log of ${pod}`, async () => {
    const lines = (await namespace.kubectl('logs', pod, '--container=istio-proxy')).split('\n').toReversed();
    const line = lines.find((text) => text.startsWith('{') && text.includes(`"path":"${path}"`));
    return line === undefined ? undefined : (JSON.parse(line) as object);
  });
}
