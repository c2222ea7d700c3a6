/** Where a Service says that it is for: everybody, nobody, or some namespaces. */
export type Visibility = 'all' | 'nobody' | 'some';

/**
 * Reads the annotation `networking.istio.io/exportTo`: namespaces separated by commas, where `.` is the Service's own, `*` are all, and `~`
 * is none. As in Istio, `*` stands above all others, and `~` above names.
 */
export function visibilityOf(exportTo: string | undefined): Visibility {
  const namespaces = new Set((exportTo ?? '').split(',').map((name) => name.trim()));
  namespaces.delete('');
  if (namespaces.size === 0 || namespaces.has('*')) return 'all';
  return namespaces.has('~') ? 'nobody' : 'some';
}
