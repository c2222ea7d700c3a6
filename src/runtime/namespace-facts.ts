import { readFacts, relevantFacts } from '../injection/namespace-facts.ts';
import type { NamespaceFacts } from '../injection/snapshot.ts';
import { isSame } from '../json/json.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import { startWatcher, type WatchPace } from '../kubernetes/watcher.ts';
import type { HealthCheck } from '../server/health.ts';
import type { Log } from '../telemetry/log.ts';
import type { ConfigurationReloader } from './configuration-reloader.ts';

/** The watch of the cluster's namespaces. */
export interface NamespaceWatch {
  /** Not ready until the namespaces were listed, or could not be: a cluster whose namespaces are unknown must heal, too. */
  health(): HealthCheck;
  stop(): void;
}

/**
 * Watches namespaces, so that no review has to look one up, and gives on what decisions depend on. A pod of a namespace that
 * the watch has not seen yet is decided about as if the namespace said nothing.
 */
export function watchNamespaces(options: {
  readonly client: Pick<ApiClient, 'get' | 'stream'>;
  readonly configuration: Pick<ConfigurationReloader, 'useNamespaces'>;
  readonly log: Log;
  readonly pace: WatchPace;
}): NamespaceWatch {
  const { client, configuration, log } = options;
  const known = new Map<string, NamespaceFacts>();
  let problem: string | undefined;
  let isAnswered = false;
  const watcher = startWatcher({
    client,
    path: '/api/v1/namespaces',
    onChanges(changes) {
      let isChanged = false;
      for (const { key, object } of changes) {
        const facts = object === undefined ? undefined : relevantFacts(readFacts(object));
        if (isSame(facts, known.get(key))) continue;
        isChanged = true;
        if (facts === undefined) known.delete(key);
        else known.set(key, facts);
      }
      // A new injector remembers no decision, so it is only for what decisions depend on.
      if (isChanged) configuration.useNamespaces(new Map(known));
    },
    onState(state) {
      isAnswered = true;
      const detail = state.type === 'failed' ? state.error.message : undefined;
      if (detail !== undefined && problem === undefined) log.warn({ detail }, 'changes of namespaces are unknown');
      problem = detail;
    },
    onContact: () => undefined,
    pace: options.pace,
  });
  return {
    health: () => ({
      name: 'namespaces',
      ready: isAnswered,
      reason: problem ?? (isAnswered ? 'are watched' : 'are being listed'),
    }),
    stop: () => watcher.stop(),
  };
}
