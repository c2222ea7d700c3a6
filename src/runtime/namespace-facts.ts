import type { ApiClient } from '../kubernetes/client.ts';
import { readNamespaceAnnotations } from '../kubernetes/namespaces.ts';
import type { Log } from '../telemetry/log.ts';
import type { ConfigurationReloader } from './configuration-reloader.ts';

/** Prefix of the annotations in which OpenShift stores a namespace's id ranges, once, when it creates the namespace. */
const prefix = 'openshift.io/sa.scc.';

const periodMs = 15_000;

/**
 * Reads the id ranges of OpenShift's namespaces periodically, if the settings say that the cluster is OpenShift. A pod
 * in a namespace created since the last read gets ids that OpenShift refuses; the pod's controller tries again.
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
