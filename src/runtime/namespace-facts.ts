import type { ApiClient } from '../kubernetes/client.ts';
import { readNamespaceAnnotations } from '../kubernetes/namespaces.ts';
import type { Log } from '../telemetry/log.ts';
import type { ConfigurationReloader } from './configuration-reloader.ts';

/** OpenShift writes a namespace's ids once, when it makes it. */
const prefix = 'openshift.io/sa.scc.';

const periodMs = 15_000;

/**
 * Keeps the ids that OpenShift gives its namespaces, while the settings say that this is OpenShift. A pod of a namespace
 * that is younger than the last look gets ids that OpenShift refuses; its controller tries again.
 */
export function watchNamespaces(
  client: ApiClient,
  configuration: ConfigurationReloader,
  log: Log,
  everyMs = periodMs,
): { stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const ask = async (): Promise<void> => {
    const { flavour, snapshot } = configuration.injector();
    if (flavour.needsNamespaces(snapshot.settings)) {
      try {
        configuration.useNamespaces(await readNamespaceAnnotations(client, prefix));
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        log.warn({ detail }, 'the namespaces and their user ids are unknown');
      }
    }
    if (!isStopped) timer = setTimeout(() => void ask(), everyMs).unref();
  };
  void ask();
  return {
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
