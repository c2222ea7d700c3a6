import { stringMember } from '../../../json/json.ts';
import { annotationNames } from '../../../pod/annotation-names.ts';
import type { PodView } from '../../../pod/view.ts';
import { drainSeconds } from '../../../settings/annotations/proxy.ts';
import { baseOf, type Snapshot } from '../../snapshot.ts';

/**
 * Returns the drain seconds of a pod in istiod mode: the pod's annotation, else the settings. An invalid value has been
 * denied before.
 */
export function drainSecondsOf(view: PodView, namespace: string, snapshot: Snapshot): number {
  const text = stringMember(view.annotations, annotationNames.applicationDrainSeconds);
  const asked = text === undefined ? undefined : drainSeconds.parse(text);
  if (asked !== undefined && 'value' in asked) return asked.value;
  return baseOf(snapshot, namespace, view.labels).proxy.applicationDrainSeconds;
}
