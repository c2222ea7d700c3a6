import type { Alert } from './alert.ts';

const entries = 'name=~".+[.]sidecar-injector[.]io"';

/** Alerts about the injector. Those of the API server's metrics stay silent where these are not scraped. */
export const injectorAlerts: readonly Alert[] = [
  {
    name: 'SidecarInjectorAbsent',
    severity: 'critical',
    expression: 'absent(sidecar_injector_ready == 1)',
    minutes: 2,
    summary: 'No replica of the injector is ready, as far as Prometheus knows.',
    runbook:
      'Pods of labelled namespaces cannot be created. `kubectl -n sidecar-injector-system get pods` and the log of a replica; [pods cannot be created](operations.md#pods-cannot-be-created) says how to allow them meanwhile. If pods are injected all the same, Prometheus does not scrape the replicas.',
  },
  {
    name: 'SidecarInjectorNotReady',
    severity: 'warning',
    expression: 'sidecar_injector_ready == 0',
    minutes: 5,
    summary: 'Replica {{ $labels.pod }} of the injector is not ready.',
    runbook: '`GET /readyz?verbose` on port 8081 of the replica names the check that fails.',
  },
  {
    name: 'SidecarInjectorSingleReplica',
    severity: 'warning',
    expression: 'count(sidecar_injector_ready == 1) == 1',
    minutes: 15,
    summary: 'Only one replica of the injector is ready: its end stops the creation of pods.',
    runbook:
      'Look for pods that are pending (`kubectl -n sidecar-injector-system describe pods`), or scale the Deployment up.',
  },
  {
    name: 'SidecarInjectorCallsFail',
    severity: 'critical',
    expression: `sum by (name) (increase(apiserver_admission_webhook_rejection_count{${entries},error_type="calling_webhook_error"}[5m])) > 0`,
    minutes: 2,
    summary: 'The API server cannot call {{ $labels.name }}: pods are refused.',
    runbook:
      'If replicas are ready, the way from the API server to them is closed: a network policy, a firewall for port 8443, or a CA bundle that is not theirs (`sidecar-injector check`).',
  },
  {
    name: 'SidecarInjectorFailsOpen',
    severity: 'warning',
    expression: `sum by (name) (increase(apiserver_admission_webhook_fail_open_count{${entries}}[5m])) > 0`,
    minutes: 1,
    summary: 'The API server cannot call {{ $labels.name }}: pods are created without a sidecar.',
    runbook: 'As `SidecarInjectorCallsFail`. Create the pods anew afterwards; they have no sidecar.',
  },
  {
    name: 'SidecarInjectorSettingsRefused',
    severity: 'warning',
    expression: 'sidecar_injector_configuration_valid == 0',
    minutes: 5,
    summary:
      'Replica {{ $labels.pod }} refuses the settings or sidecars in the ConfigMaps and uses the last valid ones.',
    runbook:
      'The log of the replica and `/readyz?verbose` name file, path and value; `sidecar-injector check --settings FILE --sidecars PATH` does the same for a file. A replica that starts now would not become ready.',
  },
  {
    name: 'SidecarInjectorReplicasDiffer',
    severity: 'warning',
    expression: 'count(count by (hash) (sidecar_injector_configuration_info)) > 1',
    minutes: 15,
    summary: 'Replicas of the injector use different settings: pods are injected by chance one way or the other.',
    runbook: 'Compare their logs (`settings are in use`); restart the replica whose file was not renewed.',
  },
  {
    name: 'SidecarInjectorCertificateExpires',
    severity: 'critical',
    expression: 'sidecar_injector_serving_certificate_expiry_timestamp_seconds - time() < 86400',
    minutes: 10,
    summary: 'The certificate of replica {{ $labels.pod }} ends in less than a day: after that, pods are refused.',
    runbook:
      'It should have been renewed at two thirds of its life. The log says why not; the [trust model](../certs/README.md) says who renews it.',
  },
  {
    name: 'SidecarInjectorDefect',
    severity: 'warning',
    expression: 'increase(sidecar_injector_internal_failures_total[15m]) > 0',
    minutes: 0,
    summary: 'Replica {{ $labels.pod }} met a defect while it decided about a pod.',
    runbook:
      'Report the line of the log with level `error`; the pod was admitted or denied as `injection.onInvalidPatch` says.',
  },
  {
    name: 'SidecarInjectorSheds',
    severity: 'warning',
    expression: 'sum(rate(sidecar_injector_shed_total[5m])) > 0',
    minutes: 10,
    summary: 'The injector turns reviews away because it has more than it can hold; the API server repeats them.',
    runbook: 'Scale the Deployment up, or find who creates so many or so large pods (audit log of the API server).',
  },
  {
    name: 'SidecarInjectorSlow',
    severity: 'warning',
    expression:
      'histogram_quantile(0.99, sum by (le) (rate(sidecar_injector_admission_duration_seconds_bucket[10m]))) > 0.25',
    minutes: 10,
    summary: 'One of a hundred reviews takes more than a quarter of a second; the API server waits for 5 s at most.',
    runbook: 'Processor time is missing (the request of the Deployment, its node), or pods are very large.',
  },
  {
    name: 'SidecarInjectorStalls',
    severity: 'warning',
    expression: 'nodejs_eventloop_lag_p99_seconds{pod=~"sidecar-injector-.+"} > 0.5',
    minutes: 10,
    summary: 'The event loop of {{ $labels.pod }} is blocked for half a second again and again.',
    runbook: 'As `SidecarInjectorSlow`; the control plane of the mesh too: raise its request for processor time.',
  },
];
