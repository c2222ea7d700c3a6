import { statusAnnotation } from '../../pod/conventions.ts';
import type { PodView } from '../../pod/view.ts';
import type { NotInjected } from './proposal.ts';
import { reason } from '../policy/reason.ts';

/** Kubernetes' bound of all annotations of an object together (apimachinery `TotalAnnotationSizeLimitB`). */
const limitBytes = 256 * 1024;

type Entry = readonly [key: string, value: unknown];

/** Three bytes a UTF-16 unit is the worst case of UTF-8; most pods are counted so and nothing is encoded. */
const worstCase = 3;

function worstBytes(entries: readonly Entry[]): number {
  return entries.reduce((sum, [key, value]) => sum + worstCase * (key.length + String(value).length), 0);
}

function exactBytes(entries: readonly Entry[]): number {
  const encoder = new TextEncoder();
  return entries.reduce((sum, [key, value]) => sum + encoder.encode(key + String(value)).length, 0);
}

/** The refusal when the pod's annotations, with the added ones among them, exceed what the API server takes. */
export function annotationsTooLarge(view: PodView, added: Readonly<Record<string, string>>): NotInjected | undefined {
  const kept = Object.entries(view.annotations ?? {}).filter(
    ([key, value]) => typeof value === 'string' && !Object.hasOwn(added, key),
  );
  const entries = [...kept, ...Object.entries(added)];
  if (worstBytes(entries) <= limitBytes || exactBytes(entries) <= limitBytes) return undefined;
  const message = `with ${statusAnnotation} the pod's annotations would exceed ${limitBytes} bytes; make them smaller`;
  return { outcome: 'reject', reasons: [reason('AnnotationsTooLarge', message)] };
}
