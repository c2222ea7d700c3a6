import type { ApiClient } from '../../../../kubernetes/client.ts';
import { exitCodes, print, printJson, report, type Io } from '../../../io.ts';
import { connectAs } from '../../../kubeconfig.ts';
import { clusterFailure } from '../objects.ts';
import { readStatus, type MeshStatus } from './mesh-status.ts';
import type { StatusOptions } from './options.ts';
import { statusLines } from './text.ts';

/** What is printed as JSON: times are texts, modes of ports are by their number, and what nobody has said is left out. */
function jsonOf({ replicas, pods, isPlainTextTold, servers }: MeshStatus): object {
  return {
    controlPlane: {
      replicas: replicas.map(({ namespace, name, ...one }) => ({
        pod: `${namespace}/${name}`,
        ...('said' in one ? one.said : one),
      })),
    },
    pods,
    servers: servers.map(({ modes: { base, ports }, calls, countedSinceMs, ...server }) => ({
      ...server,
      mode: base,
      portModes: Object.fromEntries(ports),
      countedSince: countedSinceMs === undefined ? undefined : new Date(countedSinceMs).toISOString(),
      plainText: calls.length > 0 || isPlainTextTold ? calls : undefined,
    })),
  };
}

/** Runs `mesh status` and returns its exit code. */
export async function runStatus(options: StatusOptions, io: Io): Promise<number> {
  let client: ApiClient | undefined;
  try {
    client = await connectAs(options);
    const nowMs = Date.now();
    const status = await readStatus(client, options, nowMs);
    if (options.output === 'json') printJson(jsonOf(status), io);
    else print(statusLines(status, nowMs), io);
    const isFine =
      status.isPlainTextTold && status.servers.every(({ calls, unread }) => calls.length === 0 && unread.length === 0);
    return isFine ? exitCodes.fine : exitCodes.different;
  } catch (error) {
    return report(clusterFailure(error), io);
  } finally {
    client?.close();
  }
}
