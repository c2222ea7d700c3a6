import type { ControlPlaneOptions } from '../mesh/serve/control-plane.ts';
import { textOfModes } from '../mesh/plan/peer-modes.ts';
import { ownerOf } from '../mesh/serve/capture-sets.ts';
import { lossLimits } from '../mesh/world/sudden-loss.ts';
import { createFirstTime } from '../telemetry/first-time.ts';
import type { Log } from '../telemetry/log.ts';
import type { MeshMetrics } from '../telemetry/mesh-metrics.ts';

/** What a control plane tells of itself. */
type Reports = Pick<
  ControlPlaneOptions,
  | 'report'
  | 'refused'
  | 'noticed'
  | 'stepped'
  | 'converged'
  | 'turnedAway'
  | 'declined'
  | 'connectionCut'
  | 'connectionFailed'
  | 'certificateFailed'
  | 'lost'
  | 'settled'
>;

/** A rejection is logged once for all proxies. */
const rememberedRejections = 1_000;

/** What stands in one line at most: names of resources, and characters of what a proxy says. */
const most = { names: 20, text: 2_000 } as const;

/** Returns reports that go to the log and to the metrics. */
export function meshReports(log: Log, metrics: MeshMetrics): Reports {
  const isNews = createFirstTime(rememberedRejections);
  return {
    report(event, { namespace, podName }) {
      if (event.type === 'unanswered') {
        const { kind, names } = event;
        const some = names.slice(0, most.names);
        log.warn({ kind, names: some, count: names.length, namespace, pod: podName }, 'a proxy does not answer');
        return;
      }
      metrics.responses.inc({ kind: event.kind, result: event.type }, event.type === 'accepted' ? event.count : 1);
      if (event.type !== 'rejected') return;
      const { kind, name, version: rejected, owner, text, isWithheld } = event;
      // What is a proxy's own differs between proxies, and is rejected for the same reason.
      if (!isNews(`${kind} ${name} ${owner === ownerOf.capture ? '' : rejected} ${isWithheld}`)) return;
      log.warn(
        { kind, name, owner, isWithheld, namespace, pod: podName, text: text.slice(0, most.text) },
        'a proxy rejected its configuration',
      );
    },
    refused({ kind, name, violations }, owner) {
      metrics.refused.inc({ kind });
      log.error({ kind, name, owner, violations }, 'a resource was not sent, because Envoy would reject it');
    },
    noticed(service, notices) {
      log.warn({ service, notices }, 'a Service asks for what its clients in the mesh do not get');
    },
    stepped(pod, change, isOverdue) {
      const modes = change === undefined ? undefined : textOfModes(change.target);
      if (isOverdue) log.warn({ pod, modes }, 'not all proxies have acknowledged what a pod takes: its change goes on');
      log.debug({ pod, modes, waitsFor: change?.waitsFor }, 'a pod takes something else');
    },
    converged: (milliseconds) => metrics.convergence.observe(milliseconds / 1_000),
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
    certificateFailed: (error) =>
      log.error({ detail: String(error) }, 'a proxy did not get a new certificate, and keeps its own'),
    lost(services) {
      metrics.suddenLosses.inc();
      const some = services.slice(0, most.names);
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
