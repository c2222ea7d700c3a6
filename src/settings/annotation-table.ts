import type { AnnotationRow } from './annotation.ts';
import { additions } from './annotations/additions.ts';
import { agent } from './annotations/agent.ts';
import { identity } from './annotations/identity.ts';
import { metrics } from './annotations/metrics.ts';
import { proxy } from './annotations/proxy.ts';
import { resources } from './annotations/resources.ts';
import { selection } from './annotations/selection.ts';
import { traffic } from './annotations/traffic.ts';

/** Every annotation and label that the injector knows, grouped by the headings of the documentation. */
export const annotationSubjects: readonly { readonly title: string; readonly rows: readonly AnnotationRow[] }[] = [
  { title: 'Which pods, and what they get', rows: selection },
  { title: 'The proxy', rows: proxy },
  { title: 'CPU, memory and disk', rows: resources },
  { title: 'What a pod adds to the proxy', rows: additions },
  { title: 'Traffic capture', rows: traffic },
  { title: 'Metrics', rows: metrics },
  { title: 'Names of the workload', rows: identity },
  { title: 'For Istio’s agent and control plane', rows: agent },
];

/** The same rows as one list, in the order of the documentation. */
export const annotationTable: readonly AnnotationRow[] = annotationSubjects.flatMap(({ rows }) => rows);
