import type { Alert } from './alert.ts';

/** Alerts about the control plane of the mesh; silent where there is none. */
export const meshAlerts: readonly Alert[] = [
  {
    name: 'SidecarInjectorMeshProxiesBehind',
    severity: 'warning',
    expression: 'sidecar_injector_mesh_streams - sidecar_injector_mesh_streams_in_sync > 0',
    minutes: 10,
    summary: '{{ $value }} proxies at {{ $labels.pod }} do not hold what they should.',
    runbook:
      '`sidecar-injector mesh status` counts them by replica. Their own log says what they reject, or that they have no processor time.',
  },
  {
    name: 'SidecarInjectorMeshRejected',
    severity: 'warning',
    expression: 'sum by (kind) (sidecar_injector_mesh_withheld_resources) > 0',
    minutes: 5,
    summary: 'A proxy rejected a {{ $labels.kind }}: proxies keep the last good one.',
    runbook:
      'The log of the control plane has the sentence of Envoy and the rule it comes from. Change that rule; report the sentence.',
  },
  {
    name: 'SidecarInjectorMeshDefect',
    severity: 'warning',
    expression: 'increase(sidecar_injector_mesh_refused_resources_total[15m]) > 0',
    minutes: 0,
    summary: 'The control plane made a {{ $labels.kind }} that Envoy would reject, and did not send it.',
    runbook: 'Report the line of the log with level `error`.',
  },
  {
    name: 'SidecarInjectorMeshStale',
    severity: 'warning',
    expression: 'max by (pod, kind) (sidecar_injector_mesh_watch_age_seconds) > 300',
    minutes: 5,
    summary:
      '{{ $labels.pod }} has heard nothing of {{ $labels.kind }} for five minutes: proxies go on with what they know.',
    runbook:
      'The API server is away, or refuses the watch (log of the control plane, `sidecar_injector_mesh_watch_failures_total`).',
  },
  {
    name: 'SidecarInjectorMeshReplicasDiffer',
    severity: 'warning',
    expression: 'sidecar_injector_mesh_divergent_kinds > 0',
    minutes: 10,
    summary: 'Replicas of the control plane know different objects.',
    runbook:
      'Compare `sidecar_injector_mesh_watch_age_seconds`; restart the replica that is behind. New proxies prefer the other one.',
  },
  {
    name: 'SidecarInjectorMeshHoldsBack',
    severity: 'warning',
    expression: 'sidecar_injector_mesh_held_removals > 0',
    minutes: 10,
    summary: 'Most endpoints of many Services were gone at once; their removal is held back.',
    runbook:
      'If the pods are really gone, nothing is to be done: it ends by itself. If not, look for who deletes EndpointSlices.',
  },
  {
    name: 'SidecarInjectorMeshCertificateExpires',
    severity: 'critical',
    expression: 'sidecar_injector_mesh_serving_certificate_expiry_timestamp_seconds - time() < 86400',
    minutes: 10,
    summary:
      'The certificate of control plane {{ $labels.pod }} ends in less than a day: proxies could not connect anew.',
    runbook: 'It is renewed by itself; the log says why not. A restart makes a new one.',
  },
  {
    name: 'SidecarInjectorMeshAuthorityExpires',
    severity: 'critical',
    expression: 'sidecar_injector_mesh_authority_expiry_timestamp_seconds - time() < 14 * 86400',
    minutes: 60,
    summary: 'The authority of {{ $labels.authority }} ends in less than two weeks.',
    runbook:
      'One of your own (`cacerts`) has to be replaced by you; the other is replaced by itself: see [the root of the mesh](mesh.md#the-root-of-the-mesh).',
  },
  {
    name: 'SidecarInjectorMeshAuthorityProblem',
    severity: 'warning',
    expression: 'max by (authority) (sidecar_injector_mesh_authority_problems) > 0',
    minutes: 10,
    summary: 'Something is wrong with the authority of {{ $labels.authority }} or its Secret.',
    runbook:
      'The log and the Events of the Secret say what. Replicas go on with what they have in memory; one that starts may not.',
  },
  {
    name: 'SidecarInjectorMeshRotationStuck',
    severity: 'warning',
    expression: 'max by (phase) (sidecar_injector_mesh_root_phase{phase!="stable"}) == 1',
    minutes: 1440,
    summary: 'The replacement of the root has been in phase {{ $labels.phase }} for a day.',
    runbook:
      'A phase ends when all proxies have accepted it: `sidecar-injector mesh status` counts by replica those that are not in sync.',
  },
];
