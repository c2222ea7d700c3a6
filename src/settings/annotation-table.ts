import type { AnnotationRow, StandaloneRow } from './annotation.ts';
import { additions } from './annotations/additions.ts';
import { agent } from './annotations/agent.ts';
import { identity } from './annotations/identity.ts';
import { metrics } from './annotations/metrics.ts';
import { proxy } from './annotations/proxy.ts';
import { resources } from './annotations/resources.ts';
import { selection } from './annotations/selection.ts';
import { traffic } from './annotations/traffic.ts';
import { useUnderIstiod } from './istio/annotation-uses.ts';

/** Rows of one subject, under one heading of the documentation. */
export interface AnnotationSubject {
  readonly title: string;
  readonly rows: readonly AnnotationRow[];
}

const subjects: readonly { readonly title: string; readonly rows: readonly StandaloneRow[] }[] = [
  { title: 'Which pods, and what they get', rows: selection },
  { title: 'The proxy', rows: proxy },
  { title: 'CPU, memory and disk', rows: resources },
  { title: 'What a pod adds to the proxy', rows: additions },
  { title: 'Traffic capture', rows: traffic },
  { title: 'Metrics', rows: metrics },
  { title: 'Names of the workload', rows: identity },
  { title: 'For Istio’s agent and control plane', rows: agent },
];

/** Every annotation and label that has a meaning for the injector, by subject. */
export const annotationSubjects: readonly AnnotationSubject[] = subjects.map(({ title, rows }) => ({
  title,
  rows: rows.map((row) => ({ ...row, istiod: useUnderIstiod(row) })),
}));

/** The same as one list, in the order of the documentation. */
export const annotationTable: readonly AnnotationRow[] = annotationSubjects.flatMap(({ rows }) => rows);
