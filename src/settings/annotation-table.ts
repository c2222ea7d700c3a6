import type { AnnotationRow } from './annotation.ts';
import { proxy } from './annotations/proxy.ts';
import { resources } from './annotations/resources.ts';
import { traffic } from './annotations/traffic.ts';

/** Every annotation that changes what a pod gets, in the order of the documentation. */
export const annotationTable: readonly AnnotationRow[] = [...proxy, ...resources, ...traffic];
