import { annotationNames } from '../../../pod/annotation-names.ts';
import { viewEffective } from '../../../settings/effective-view.ts';
import type { Effective } from '../../../settings/effective.ts';

/** The effective settings as an annotation, where they are asked for. */
export function shownSettings(effective: Effective): Record<string, string> {
  return effective.showSettings ? { [annotationNames.settings]: JSON.stringify(viewEffective(effective)) } : {};
}
