import type { Dashboard } from './dashboard.ts';

/** The control plane of the mesh. */
export const meshDashboard: Dashboard = {
  uid: 'sidecar-injector-mesh',
  title: 'Control plane of the mesh',
  description: 'Proxies, rules, certificates and processes of the control plane.',
  choices: [],
  rows: [
    [
      'Proxies',
      [
        {
          title: 'Streams',
          description: 'Proxies that are connected, and those that hold all that they should.',
          unit: 'short',
          queries: [
            ['sum(sidecar_injector_mesh_streams)', 'connected'],
            ['sum(sidecar_injector_mesh_streams_in_sync)', 'in sync'],
          ],
        },
        {
          title: 'Answers of proxies',
          description: 'Resources that proxies accepted or rejected, per second.',
          unit: 'short',
          queries: [
            [
              'sum by (kind, result) (rate(sidecar_injector_mesh_resources_total[$__rate_interval]))',
              '{{kind}} {{result}}',
            ],
          ],
        },
        {
          title: 'Convergence',
          description: 'From a change of the cluster to the last proxy that has it.',
          unit: 's',
          queries: [0.5, 0.99].map(
            (quantile) =>
              [
                `histogram_quantile(${quantile}, sum by (le) (rate(sidecar_injector_mesh_convergence_seconds_bucket[$__rate_interval])))`,
                `${quantile * 100} %`,
              ] as const,
          ),
        },
      ],
    ],
    [
      'Cluster',
      [
        {
          title: 'Objects',
          description: 'Objects by kind, when they were listed last.',
          unit: 'short',
          queries: [['max by (kind) (sidecar_injector_mesh_objects)', '{{kind}}']],
        },
        {
          title: 'Age of the watches',
          description: 'Time since the API server was last heard of.',
          unit: 's',
          queries: [['max by (kind) (sidecar_injector_mesh_watch_age_seconds)', '{{kind}}']],
        },
        {
          title: 'Differences between replicas',
          description: 'Kinds of objects of which replicas know different ones, and removals that are held back.',
          unit: 'short',
          queries: [
            ['max(sidecar_injector_mesh_divergent_kinds)', 'kinds'],
            ['max(sidecar_injector_mesh_held_removals)', 'held back'],
          ],
        },
      ],
    ],
    [
      'Identity',
      [
        {
          title: 'Authorities',
          description: 'Life that is left.',
          unit: 'dtdurations',
          type: 'stat',
          queries: [
            ['min by (authority) (sidecar_injector_mesh_authority_expiry_timestamp_seconds) - time()', '{{authority}}'],
          ],
        },
        {
          title: 'Phase of the root',
          description: 'stable, or the phase of its replacement.',
          unit: 'short',
          type: 'stat',
          queries: [['max by (phase) (sidecar_injector_mesh_root_phase)', '{{phase}}']],
        },
        {
          title: 'Refused streams',
          description: 'Callers that could not prove who they are, and streams left to another replica.',
          unit: 'reqps',
          queries: [
            ['sum(rate(sidecar_injector_mesh_refused_streams_total[$__rate_interval]))', 'refused'],
            ['sum(rate(sidecar_injector_mesh_declined_streams_total[$__rate_interval]))', 'left to another'],
          ],
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
          queries: [['process_resident_memory_bytes and on(instance) sidecar_injector_mesh_streams', '{{instance}}']],
        },
        {
          title: 'Processor',
          description: 'Processors in use.',
          unit: 'short',
          queries: [
            [
              'rate(process_cpu_seconds_total[$__rate_interval]) and on(instance) sidecar_injector_mesh_streams',
              '{{instance}}',
            ],
          ],
        },
      ],
    ],
  ],
};
