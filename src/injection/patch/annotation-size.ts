import { statusAnnotation } from '../../pod/conventions.ts';
import type { PodView } from '../../pod/view.ts';
import type { NotInjected } from './proposal.ts';
import { reason } from '../policy/reason.ts';

/** Kubernetes' limit for all annotations of an object together, in bytes (apimachinery `TotalAnnotationSizeLimitB`). */
const limitBytes = 256 * 1024;

type Entry = readonly [key: string, value: unknown];

/** UTF-8 takes at most three bytes per UTF-16 code unit. For most pods this bound suffices and nothing is encoded. */
const worstCase = 3;

function worstBytes(entries: readonly Entry[]): number {
  return entries.reduce((sum, [key, value]) => sum + worstCase * (key.length + String(value).length), 0);
}

function exactBytes(entries: readonly Entry[]): number {
  const encoder = new TextEncoder();
  return entries.reduce((sum, [key, value]) => sum + encoder.encode(key + String(value)).length, 0);
}

/** Denies the pod if its annotations, including the added ones, exceed the API server's limit; otherwise undefined. */
export function annotationsTooLarge(view: PodView, added: Readonly<Record<string, string>>): NotInjected | undefined {
  const kept = Object.entries(view.annotations ?? {}).filter(
    ([key, value]) => typeof value === 'string' && !Object.hasOwn(added, key),
  );
  const entries = [...kept, ...Object.entries(added)];
  if (worstBytes(entries) <= limitBytes || exactBytes(entries) <= limitBytes) return undefined;
  const message = `with ${statusAnnotation} the pod's annotations would exceed ${limitBytes} bytes; make them smaller`;
  return { outcome: 'deny', reasons: [reason('AnnotationsTooLarge', message)] };
}
