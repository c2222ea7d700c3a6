import type { Alert } from './alert.ts';

const ofOwner = '{{ $labels.owner_kind }} {{ $labels.owner_name }} of namespace {{ $labels.owner_namespace }}';

function found(finding: string): string {
  return `sum by (owner_namespace, owner_kind, owner_name) (sidecar_injector_audit_pods{finding="${finding}"}) > 0`;
}

/** Alerts about what the auditor finds. Without one they stay silent. */
export const auditorAlerts: readonly Alert[] = [
  {
    name: 'SidecarInjectorPodsMissed',
    severity: 'warning',
    expression: found('missed'),
    minutes: 15,
    summary: `Pods of ${ofOwner} have no sidecar, and new ones would get one.`,
    runbook:
      'They are older than the label of their namespace, or came while the webhook was away. `kubectl rollout restart` creates them anew; the auditor does it by itself [where it may evict](operations.md#the-auditor).',
  },
  {
    name: 'SidecarInjectorCaptureMissing',
    severity: 'warning',
    expression: found('uncaptured'),
    minutes: 5,
    summary: `Pods of ${ofOwner} do not start, because their traffic is not captured.`,
    runbook:
      'The agent of their node was not ready when they started: look at its pod on that node. New pods are captured once it is; delete these, or [let the auditor evict them](operations.md#the-auditor).',
  },
  {
    name: 'SidecarInjectorPodsIrreplaceable',
    severity: 'warning',
    expression: found('denied'),
    minutes: 15,
    summary: `Pods of ${ofOwner} could not be created again: new ones would be denied.`,
    runbook:
      'They will not come back when their node is drained. The Event of the owner has the reason (`kubectl describe`); `sidecar-injector explain` says what to do.',
  },
  {
    name: 'SidecarInjectorEvictionsStopped',
    severity: 'warning',
    expression: 'max(sidecar_injector_audit_breaker_open) == 1',
    minutes: 0,
    summary: 'The auditor has stopped to evict pods, because new ones were no better.',
    runbook:
      'Its log names the pods (`an evicted pod was not replaced by a better one`), and so do Events `EvictionStopped`. `sidecar-injector check` says why new pods are not injected. It tries again by itself, ten minutes later at first.',
  },
  {
    name: 'SidecarInjectorAuditorIdle',
    severity: 'warning',
    expression: 'sum(sidecar_injector_audit_leader) == 0',
    minutes: 5,
    summary: 'No replica of the auditor looks at pods.',
    runbook:
      '`GET /readyz?verbose` on port 8081 of a replica says why it is not elected, such as a Lease `sidecar-injector-auditor` that is missing: apply the manifests again.',
  },
];
