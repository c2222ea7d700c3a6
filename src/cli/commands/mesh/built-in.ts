import { createSnapshot, type Snapshot } from '../../../index.ts';
import { apiVersion } from '../../../settings/schema/object.ts';

/** Returns what pods are injected with where nothing says otherwise: the built-in settings in mode mesh. */
export function builtInSnapshot(): Snapshot {
  const result = createSnapshot({
    settings: { apiVersion, kind: 'InjectorConfiguration', spec: { mode: 'mesh' } },
    // The roots only decide on whom the proxy trusts as its control plane.
    meshRoots: 'left out',
  });
  if ('problems' in result) throw new Error('the built-in settings are not valid');
  return result.snapshot;
}
