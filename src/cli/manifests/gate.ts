import { selectEntry } from '../../index.ts';
import type { Workload } from './rewriting.ts';

/** Labels that a namespace has beside its own name, as the API server sees them. */
export type NamespaceLabels = Readonly<Record<string, string>>;

/** Namespace that the workload's pods will be created in. */
export function namespaceOf(workload: Workload, fallback: string | undefined): string {
  return workload.namespace ?? fallback ?? 'default';
}

/** Gate 1 for the pods of a workload. */
export function passGate(
  workload: Workload,
  namespace: string,
  labels: NamespaceLabels,
): ReturnType<typeof selectEntry> {
  return selectEntry({ ...labels, 'kubernetes.io/metadata.name': namespace }, workload.pod.value);
}
