import type { ControlPlaneOptions } from '../mesh/serve/control-plane.ts';
import { visibilityOf } from '../mesh/plan/visibility.ts';
import { lossLimits } from '../mesh/world/sudden-loss.ts';
import type { WorldEvent } from '../mesh/world/world.ts';
import type { Log } from '../telemetry/log.ts';
import type { MeshMetrics } from '../telemetry/mesh-metrics.ts';

/** What a control plane tells of itself. */
type Reports = Pick<
  ControlPlaneOptions,
  'report' | 'refused' | 'turnedAway' | 'declined' | 'connectionCut' | 'connectionFailed' | 'lost' | 'settled'
>;

/** Returns reports that go to the log and to the metrics. */
export function meshReports(log: Log, metrics: MeshMetrics): Reports {
  return {
    report(event, { namespace, podName }) {
      if (event.type === 'unanswered') {
        log.warn({ kind: event.kind, names: event.names, namespace, pod: podName }, 'a proxy does not answer');
        return;
      }
      metrics.responses.inc({ kind: event.kind, result: event.type });
      if (event.type !== 'rejected') return;
      const { kind, name, text } = event;
      log.warn({ kind, name, namespace, pod: podName, text }, 'a proxy rejected its configuration');
    },
    refused({ kind, name, violations }, owner) {
      metrics.refused.inc({ kind });
      log.error({ kind, name, owner, violations }, 'a resource was not sent, because Envoy would reject it');
    },
    turnedAway(peerAddress, reason) {
      metrics.turnedAway.inc();
      log.warn({ peerAddress, reason }, 'a stream was refused');
    },
    declined(peerAddress, reason) {
      metrics.declined.inc();
      log.info({ peerAddress, reason }, 'a stream was left to another replica');
    },
    connectionCut: () => metrics.connectionsCut.inc(),
    connectionFailed: (error) => log.warn({ detail: error.message }, 'a connection was not accepted'),
    lost(services) {
      metrics.suddenLosses.inc();
      const some = services.slice(0, 20);
      log.error(
        { services: some, count: services.length, heldSeconds: lossLimits.holdMs / 1_000 },
        'most endpoints of many Services are gone at once: removals are held back',
      );
    },
    settled: (removals) =>
      log.warn(
        { removals },
        removals === 0 ? 'what was gone has come back' : 'removals that were held back take effect',
      ),
  };
}

/** Warns of Services that want to be known in some namespaces only: every proxy is told of them. */
export function warnOfExports(log: Log, events: readonly WorldEvent[]): void {
  for (const { kind, value } of events) {
    if (kind !== 'service' || value === undefined || visibilityOf(value.exportTo) !== 'some') continue;
    log.warn(
      { service: value.key, exportTo: value.exportTo },
      'networking.istio.io/exportTo can be "*" or "~" only: the Service is known in all namespaces',
    );
  }
}
