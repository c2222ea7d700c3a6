import { collectDefaultMetrics, type Registry } from '@prometheus-io/client';

/** Left out: names that `promtool check metrics` refuses, and fifty series of parts of the heap. */
const unwanted = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources',
  'nodejs_active_resources_total',
  'nodejs_eventloop_utilization_histogram',
  'nodejs_eventloop_utilization_summary',
  'nodejs_heap_space_size_available_bytes',
  'nodejs_heap_space_size_total_bytes',
  'nodejs_heap_space_size_used_bytes',
];

/**
 * Adds what every Node.js program reports under its usual name (`process_*`, `nodejs_*`): processor time, memory, open file
 * descriptors, the delay of the event loop (with the 10 ms between two measurements), garbage collection. All of it is of the
 * process; call it once in a process.
 */
export function observeProcess(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of unwanted) registry.removeSingleMetric(name);
}
