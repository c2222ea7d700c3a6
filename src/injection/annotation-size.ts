import type { PodView } from '../sidecars/pod-view.ts';
import { statusAnnotation } from './record.ts';

/** Kubernetes' bound of all annotations of an object together (apimachinery `TotalAnnotationSizeLimitB`). */
export const annotationLimitBytes = 256 * 1024;

/** Three bytes a UTF-16 unit is the worst case of UTF-8; most texts are counted so and never encoded. */
const worstCase = 3;
const smallLength = 1024;

function byteLength(text: string): number {
  return text.length < smallLength ? text.length * worstCase : new TextEncoder().encode(text).length;
}

/** Whether the pod's annotations would exceed the limit with our status among them; a bit too strict at the edge. */
export function exceedsAnnotationLimit(view: PodView, status: string): boolean {
  if (view.annotations === undefined) return false;
  let bytes = statusAnnotation.length + byteLength(status);
  for (const [key, value] of Object.entries(view.annotations)) {
    bytes += key.length + (typeof value === 'string' ? byteLength(value) : 0);
  }
  return bytes > annotationLimitBytes;
}
