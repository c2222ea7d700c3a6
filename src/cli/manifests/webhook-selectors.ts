import { selectEntry, type EntrySelectors } from '../../index.ts';
import type { Workload } from './workload.ts';

/** Labels of a namespace, without the one for its name, which the API server adds. */
export type NamespaceLabels = Readonly<Record<string, string>>;

/** Namespace in which the workload's pods will be created. */
export function namespaceOf(workload: Workload, fallback: string | undefined): string {
  return workload.namespace ?? fallback ?? 'default';
}

/** Evaluates the webhook selectors for the pods of a workload: the shipped ones, or those of `entries`. */
export function passGate(
  workload: Workload,
  namespace: string,
  labels: NamespaceLabels,
  entries?: readonly EntrySelectors[],
): ReturnType<typeof selectEntry> {
  return selectEntry({ ...labels, 'kubernetes.io/metadata.name': namespace }, workload.pod.value, entries);
}
