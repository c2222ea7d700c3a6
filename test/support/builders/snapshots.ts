import { createSnapshot, type SnapshotInput } from '../../../src/injection/build-snapshot.ts';
import type { Snapshot } from '../../../src/injection/snapshot.ts';
import { describeProblem } from '../../../src/grammar/problem.ts';

/** A snapshot of the given `spec` of an InjectorConfiguration; throws with all problems. */
export function snapshotOf(spec: object = {}, more: Omit<SnapshotInput, 'settings'> = {}): Snapshot {
  const settings = { apiVersion: 'sidecar-injector.io/v1alpha1', kind: 'InjectorConfiguration', spec };
  const result = createSnapshot({ settings, ...more });
  if ('problems' in result) throw new Error(result.problems.map(describeProblem).join('\n'));
  return result.snapshot;
}

/** Root certificates as text; nothing that only decides about pods reads them. */
export const meshRoots = '-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----\n';

/** A snapshot in mode mesh, of a control plane that has published its roots. */
export function meshSnapshot(spec: object = {}): Snapshot {
  return snapshotOf({ mode: 'mesh', ...spec }, { meshRoots });
}
