/**
 * Returns whether an object may be used by clients of a namespace. `exportTo` has names of namespaces, `.` for the object's own, `*`
 * for all, and `~` for none; without any, it is for all.
 *
 * @param client namespace of the clients; empty for those of which nothing is known
 */
export function isExportedTo(exportTo: readonly string[] | undefined, owner: string, client: string): boolean {
  if (exportTo === undefined || exportTo.length === 0 || exportTo.includes('*')) return true;
  if (exportTo.includes('~') || client === '') return false;
  return exportTo.includes(client) || (exportTo.includes('.') && owner === client);
}

/**
 * Returns how far down a VirtualService stands among those that clients of a namespace may use, as in Istio: those of their own namespace alone come first,
 * then those that name it, and last those for all.
 */
export function exportRank(exportTo: readonly string[] | undefined, owner: string, client: string): number {
  if (exportTo === undefined || exportTo.length === 0 || exportTo.includes('*')) return 2;
  return owner === client ? 0 : 1;
}
