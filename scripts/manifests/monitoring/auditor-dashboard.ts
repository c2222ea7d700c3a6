import type { Dashboard } from './dashboard.ts';

/** What the auditor has found, and how it is. */
export const auditorDashboard: Dashboard = {
  uid: 'sidecar-injector-auditor',
  title: 'Auditor of injected pods',
  description: 'Pods that are not as new ones would be, evictions, and processes of the auditor.',
  choices: [],
  rows: [
    [
      'Pods',
      [
        {
          title: 'Findings',
          description: 'Pods that are not as new ones would be. None is best.',
          unit: 'short',
          queries: [['sum by (finding) (sidecar_injector_audit_pods)', '{{finding}}']],
        },
        {
          title: 'Owners with the most of them',
          description: 'The ten owners with the most pods that are missed, not captured or irreplaceable.',
          unit: 'short',
          queries: [
            [
              'topk(10, sum by (finding, owner_namespace, owner_kind, owner_name) (sidecar_injector_audit_pods{finding!="outdated"}))',
              '{{owner_namespace}} {{owner_kind}} {{owner_name}}: {{finding}}',
            ],
          ],
        },
        {
          title: 'Pods that are looked at',
          description: 'All pods of the cluster that have not ended.',
          unit: 'short',
          queries: [['sum(sidecar_injector_audit_known_pods)', 'pods']],
        },
      ],
    ],
    [
      'What it does',
      [
        {
          title: 'Evictions',
          description: 'What the API server made of each, and what came in place of the pod, per second.',
          unit: 'short',
          queries: [['sum by (result) (rate(sidecar_injector_audit_evictions_total[$__rate_interval]))', '{{result}}']],
        },
        {
          title: 'Events',
          description: 'Events on owners of pods, per second.',
          unit: 'short',
          queries: [['sum by (result) (rate(sidecar_injector_audit_events_total[$__rate_interval]))', '{{result}}']],
        },
        {
          title: 'Breaker',
          description: '1 while nothing is evicted because new pods were no better.',
          unit: 'short',
          type: 'stat',
          queries: [['max(sidecar_injector_audit_breaker_open)', 'open']],
        },
      ],
    ],
    [
      'Health',
      [
        {
          title: 'Leaders',
          description: 'Replicas that look at pods: 1.',
          unit: 'short',
          type: 'stat',
          queries: [['sum(sidecar_injector_audit_leader)', 'leaders']],
        },
        {
          title: 'Settings',
          description: 'Replicas by the hash of the settings in use, and whether the files on disk are those.',
          unit: 'short',
          type: 'stat',
          queries: [
            ['count by (hash) (sidecar_injector_audit_configuration_info)', '{{hash}}'],
            ['min(sidecar_injector_audit_configuration_valid)', 'valid'],
          ],
        },
        {
          title: 'Failed watches',
          description: 'Lists and watches of the API server that failed, per second.',
          unit: 'short',
          queries: [['sum(rate(sidecar_injector_audit_watch_failures_total[$__rate_interval]))', 'failed']],
        },
      ],
    ],
    [
      'Processes',
      [
        {
          title: 'Memory',
          description: 'Resident memory.',
          unit: 'bytes',
          queries: [['process_resident_memory_bytes and on(instance) sidecar_injector_audit_leader', '{{instance}}']],
        },
        {
          title: 'Processor',
          description: 'Processors in use.',
          unit: 'short',
          queries: [
            [
              'rate(process_cpu_seconds_total[$__rate_interval]) and on(instance) sidecar_injector_audit_leader',
              '{{instance}}',
            ],
          ],
        },
      ],
    ],
  ],
};
