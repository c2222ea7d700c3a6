import { viewEffective } from '../../../settings/effective-view.ts';
import type { Effective } from '../../../settings/effective.ts';

/** Where a pod finds its effective settings. */
const settingsAnnotation = 'sidecar-injector.io/settings';

/** The effective settings as an annotation, where they are asked for. */
export function shownSettings(effective: Effective): Record<string, string> {
  return effective.showSettings ? { [settingsAnnotation]: JSON.stringify(viewEffective(effective)) } : {};
}
