import type { Dashboard } from './dashboard.ts';

/** What the injector does, and how it is. */
export const injectorDashboard: Dashboard = {
  uid: 'sidecar-injector',
  title: 'Sidecar injector',
  description: 'Reviews, settings, certificates and processes of the injector.',
  choices: [],
  rows: [
    [
      'Health',
      [
        {
          title: 'Ready replicas',
          description: 'Replicas whose /readyz answers 200.',
          unit: 'short',
          type: 'stat',
          queries: [['sum(sidecar_injector_ready)', 'ready']],
        },
        {
          title: 'Settings',
          description: 'Replicas by the hash of the settings in use. More than one hash for long is an error.',
          unit: 'short',
          type: 'stat',
          queries: [['count by (hash) (sidecar_injector_configuration_info)', '{{hash}}']],
        },
        {
          title: 'Refused settings',
          description: 'Replicas that refuse the files in the ConfigMaps and use the last valid ones.',
          unit: 'short',
          type: 'stat',
          queries: [['sum(1 - sidecar_injector_configuration_valid)', 'refused']],
        },
        {
          title: 'Age of the settings',
          description: 'Time since the settings in use were read.',
          unit: 'dtdurations',
          type: 'stat',
          queries: [['time() - max(sidecar_injector_configuration_load_timestamp_seconds)', 'age']],
        },
        {
          title: 'Certificate',
          description: 'Life that is left to the first certificate that ends.',
          unit: 'dtdurations',
          type: 'stat',
          queries: [['min(sidecar_injector_serving_certificate_expiry_timestamp_seconds) - time()', 'left']],
        },
        {
          title: 'Versions',
          description: 'Replicas by version.',
          unit: 'short',
          type: 'stat',
          queries: [['count by (version) (sidecar_injector_build_info)', '{{version}}']],
        },
      ],
    ],
    [
      'Reviews',
      [
        {
          title: 'Outcomes',
          description: 'Pods that were injected, skipped or denied, per second.',
          unit: 'reqps',
          queries: [
            ['sum by (outcome) (rate(sidecar_injector_admission_reviews_total[$__rate_interval]))', '{{outcome}}'],
          ],
        },
        {
          title: 'Reasons of denials and skips',
          description: 'The first reason of each; docs/reasons.md says what it means.',
          unit: 'reqps',
          queries: [
            [
              'sum by (outcome, reason) (rate(sidecar_injector_admission_reviews_total{outcome!="inject"}[$__rate_interval])) > 0',
              '{{outcome}}: {{reason}}',
            ],
          ],
        },
        {
          title: 'Duration',
          description: 'From the last byte of a review to its answer.',
          unit: 's',
          queries: [0.5, 0.9, 0.99].map(
            (quantile) =>
              [
                `histogram_quantile(${quantile}, sum by (le) (rate(sidecar_injector_admission_duration_seconds_bucket[$__rate_interval])))`,
                `${quantile * 100} %`,
              ] as const,
          ),
        },
      ],
    ],
    [
      'Trouble',
      [
        {
          title: 'Refused requests',
          description: 'Requests that were no reviews, and reviews that were turned away because of a limit.',
          unit: 'reqps',
          queries: [
            ['sum by (status) (rate(sidecar_injector_bad_requests_total[$__rate_interval]))', 'status {{status}}'],
            ['sum by (reason) (rate(sidecar_injector_shed_total[$__rate_interval]))', 'turned away: {{reason}}'],
            ['sum(rate(sidecar_injector_internal_failures_total[$__rate_interval]))', 'defects'],
          ],
        },
        {
          title: 'Reviews in flight',
          description: 'Reviews being received or answered, by replica.',
          unit: 'short',
          queries: [['sum by (instance) (sidecar_injector_admission_in_flight)', '{{instance}}']],
        },
        {
          title: 'Size of patches',
          description: 'Median and 99 % of the JSON Patches.',
          unit: 'bytes',
          queries: [0.5, 0.99].map(
            (quantile) =>
              [
                `histogram_quantile(${quantile}, sum by (le) (rate(sidecar_injector_patch_bytes_bucket[$__rate_interval])))`,
                `${quantile * 100} %`,
              ] as const,
          ),
        },
      ],
    ],
    [
      'Processes',
      [
        {
          title: 'Memory',
          description: 'Resident memory, and the used part of the heap.',
          unit: 'bytes',
          queries: [
            ['process_resident_memory_bytes and on(instance) sidecar_injector_ready', '{{instance}} resident'],
            ['nodejs_heap_size_used_bytes and on(instance) sidecar_injector_ready', '{{instance}} heap'],
          ],
        },
        {
          title: 'Processor',
          description: 'Processors in use.',
          unit: 'short',
          queries: [
            [
              'rate(process_cpu_seconds_total[$__rate_interval]) and on(instance) sidecar_injector_ready',
              '{{instance}}',
            ],
          ],
        },
        {
          title: 'Delay of the event loop',
          description: '99 % of the delays since the last scrape, with the 10 ms between two measurements.',
          unit: 's',
          queries: [['nodejs_eventloop_lag_p99_seconds and on(instance) sidecar_injector_ready', '{{instance}}']],
        },
        {
          title: 'Open files',
          description: 'File descriptors, connections included.',
          unit: 'short',
          queries: [['process_open_fds and on(instance) sidecar_injector_ready', '{{instance}}']],
        },
      ],
    ],
  ],
};
