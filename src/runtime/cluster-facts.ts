import type { ApiClient } from '../kubernetes/client.ts';
import { featuresOf, readServerVersion } from '../kubernetes/server-version.ts';
import type { Log } from '../telemetry/log.ts';
import type { ConfigurationReloader } from './configuration-reloader.ts';

const periodMs = 10 * 60_000;
const retryMs = 15_000;

/** Reads the API server's version periodically, because clusters are upgraded while the webhook runs. */
export function watchServerVersion(
  client: ApiClient,
  configuration: ConfigurationReloader,
  log: Log,
): { stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const ask = async (): Promise<void> => {
    let waitMs = periodMs;
    try {
      configuration.useCluster(featuresOf(await readServerVersion(client)));
    } catch (error) {
      waitMs = retryMs;
      log.debug({ detail: error instanceof Error ? error.message : String(error) }, 'the server version is unknown');
    }
    if (!isStopped) timer = setTimeout(() => void ask(), waitMs).unref();
  };
  void ask();
  return {
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
