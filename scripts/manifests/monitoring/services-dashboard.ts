import type { Dashboard } from './dashboard.ts';

const chosen = 'destination_workload_namespace=~"$namespace",destination_workload=~"$workload"';
const served = `reporter="destination",${chosen}`;
const bySource = 'source_workload, source_workload_namespace';

/** The injected services, by Istio's metrics of their proxies. */
export const servicesDashboard: Dashboard = {
  uid: 'sidecar-injector-services',
  title: 'Injected services',
  description: "Requests and connections of injected workloads, by Istio's standard metrics.",
  choices: [
    {
      name: 'namespace',
      label: 'Namespace',
      query: 'label_values(istio_requests_total{reporter="destination"}, destination_workload_namespace)',
    },
    {
      name: 'workload',
      label: 'Workload',
      query:
        'label_values(istio_requests_total{reporter="destination",destination_workload_namespace=~"$namespace"}, destination_workload)',
    },
  ],
  rows: [
    [
      'Requests',
      [
        {
          title: 'Requests',
          description: 'Requests that arrive at the proxies of the workloads, per second.',
          unit: 'reqps',
          queries: [
            [
              `sum by (destination_workload) (rate(istio_requests_total{${served}}[$__rate_interval]))`,
              '{{destination_workload}}',
            ],
          ],
        },
        {
          title: 'Success',
          description: 'Share of requests that were not answered with 5xx.',
          unit: 'percentunit',
          queries: [
            [
              `sum by (destination_workload) (rate(istio_requests_total{${served},response_code!~"5.."}[$__rate_interval])) / sum by (destination_workload) (rate(istio_requests_total{${served}}[$__rate_interval]))`,
              '{{destination_workload}}',
            ],
          ],
        },
        {
          title: 'Duration',
          description: 'Median and 99 % as the proxy of the server sees it.',
          unit: 'ms',
          queries: [0.5, 0.99].map(
            (quantile) =>
              [
                `histogram_quantile(${quantile}, sum by (le, destination_workload) (rate(istio_request_duration_milliseconds_bucket{${served}}[$__rate_interval])))`,
                `{{destination_workload}} ${quantile * 100} %`,
              ] as const,
          ),
        },
      ],
    ],
    [
      'Answers',
      [
        {
          title: 'Codes',
          description: 'Answers by code and by flag of Envoy (- is none).',
          unit: 'reqps',
          queries: [
            [
              `sum by (response_code, response_flags) (rate(istio_requests_total{${served}}[$__rate_interval]))`,
              '{{response_code}} {{response_flags}}',
            ],
          ],
        },
        {
          title: 'Clients',
          description: 'Who calls. Without a mesh, a proxy does not know its clients: unknown.',
          unit: 'reqps',
          queries: [
            [
              `sum by (${bySource}) (rate(istio_requests_total{${served}}[$__rate_interval]))`,
              '{{source_workload}}.{{source_workload_namespace}}',
            ],
          ],
        },
        {
          title: 'Mutual TLS',
          description: 'Requests by the security of their connection.',
          unit: 'reqps',
          queries: [
            [
              `sum by (connection_security_policy) (rate(istio_requests_total{${served}}[$__rate_interval]))`,
              '{{connection_security_policy}}',
            ],
          ],
        },
      ],
    ],
    [
      'Calls of others',
      [
        {
          title: 'Requests to Services',
          description: 'Requests that leave the workloads, as their proxies see them.',
          unit: 'reqps',
          queries: [
            [
              'sum by (destination_service) (rate(istio_requests_total{reporter="source",source_workload_namespace=~"$namespace",source_workload=~"$workload"}[$__rate_interval]))',
              '{{destination_service}}',
            ],
          ],
        },
        {
          title: 'Failed',
          description: 'Of these, those that were answered with 5xx, with the flag that says why.',
          unit: 'reqps',
          queries: [
            [
              'sum by (destination_service, response_flags) (rate(istio_requests_total{reporter="source",source_workload_namespace=~"$namespace",source_workload=~"$workload",response_code=~"5.."}[$__rate_interval]))',
              '{{destination_service}} {{response_flags}}',
            ],
          ],
        },
      ],
    ],
    [
      'Connections without HTTP',
      [
        {
          title: 'Opened and closed',
          description: 'TCP connections per second.',
          unit: 'short',
          queries: [
            [`sum(rate(istio_tcp_connections_opened_total{${served}}[$__rate_interval]))`, 'opened'],
            [`sum(rate(istio_tcp_connections_closed_total{${served}}[$__rate_interval]))`, 'closed'],
          ],
        },
        {
          title: 'Bytes',
          description: 'Bytes per second of TCP connections.',
          unit: 'Bps',
          queries: [
            [`sum(rate(istio_tcp_received_bytes_total{${served}}[$__rate_interval]))`, 'received'],
            [`sum(rate(istio_tcp_sent_bytes_total{${served}}[$__rate_interval]))`, 'sent'],
          ],
        },
      ],
    ],
  ],
};
