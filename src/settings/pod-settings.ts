import { annotationTable } from './annotation-table.ts';
import type { AnnotationRow, Kind } from './annotation.ts';
import { draftOf, type Effective } from './effective.ts';
import type { JsonObject } from '../json/json.ts';
import { checkCombinations } from './pod-checks.ts';
import { proxyConfigAnnotation } from './proxy-config.ts';
import { quote, type Problem } from '../grammar/problem.ts';
import { suggest } from '../grammar/suggestion.ts';

type Rows = ReadonlyMap<string, AnnotationRow>;

function rowsOf(kind: Kind): Rows {
  return new Map(annotationTable.filter((row) => row.kind === kind).map((row) => [row.name, row]));
}

const rows = { annotation: rowsOf('annotation'), label: rowsOf('label') } as const;

/** A suggestion costs some comparisons of every name, and a body has room for a hundred thousand misspelt ones. */
const mostGuesses = 16;

/** Keys under these are addressed to the injector, so an unknown one is a mistake worth a word. */
const ourPrefixes = [
  'sidecar.istio.io/',
  'traffic.sidecar.istio.io/',
  'readiness.status.sidecar.istio.io/',
  'status.sidecar.istio.io/',
  'inject.istio.io/',
  'proxy.istio.io/',
  'prometheus.istio.io/',
  'sidecar-injector.io/',
] as const;

/** The parts of a pod that carry settings. */
export interface PodKeys {
  readonly annotations: JsonObject | undefined;
  readonly labels: JsonObject | undefined;
}

export interface PodSettings {
  readonly effective: Effective;
  /** Every bad value of the pod. With any, the effective settings must not be used. */
  readonly problems: readonly Problem[];
  /** What was read but has no effect, for warnings. */
  readonly remarks: readonly string[];
}

/** The known name under the same prefix that is near, or the same name under another prefix. */
function nearest(name: string, known: Rows): string {
  const prefix = name.slice(0, name.indexOf('/') + 1);
  const local = name.slice(prefix.length);
  const sameName = [...known.keys()].find((other) => other.endsWith(`/${local}`));
  if (sameName !== undefined) return `, did you mean "${sameName}"?`;
  const near = suggest(
    local,
    [...known.keys()].flatMap((other) => (other.startsWith(prefix) ? [other.slice(prefix.length)] : [])),
  );
  return near === undefined ? '' : `, did you mean "${prefix}${near}"?`;
}

function unknownKey(kind: 'annotation' | 'label', name: string, guess: boolean): string {
  const other = kind === 'annotation' ? 'label' : 'annotation';
  const told = `${kind} ${quote(name)} is unknown and has no effect`;
  if (rows[other].has(name)) return `${told}: it is ${other === 'label' ? 'a label' : 'an annotation'}`;
  return guess ? `${told}${nearest(name, rows[kind])}` : told;
}

function remarkOn(kind: 'annotation' | 'label', name: string, remarks: string[]): void {
  if (!ourPrefixes.some((prefix) => name.startsWith(prefix))) return;
  remarks.push(unknownKey(kind, name, remarks.length < mostGuesses));
}

/** What is said about a pod's annotations and labels that are addressed to the injector and that it does not know. */
export function unknownKeys(pod: PodKeys): string[] {
  const remarks: string[] = [];
  for (const name of Object.keys(pod.annotations ?? {})) {
    if (!rows.annotation.has(name)) remarkOn('annotation', name, remarks);
  }
  for (const name of Object.keys(pod.labels ?? {})) if (!rows.label.has(name)) remarkOn('label', name, remarks);
  return remarks;
}

/** The annotation that others overrule comes first. */
function inOrder(names: readonly string[]): readonly string[] {
  return names.includes(proxyConfigAnnotation)
    ? [proxyConfigAnnotation, ...names.filter((name) => name !== proxyConfigAnnotation)]
    : names;
}

/**
 * A pod's annotations and labels on top of the base. Without any of ours the base itself comes back, so that callers
 * may cache by identity.
 */
export function readPodSettings(pod: PodKeys, base: Effective, allowedImages: readonly string[]): PodSettings {
  const problems: Problem[] = [];
  const remarks: string[] = [];
  let draft: Effective | undefined;
  for (const kind of ['annotation', 'label'] as const) {
    const values = kind === 'annotation' ? pod.annotations : pod.labels;
    if (values === undefined) continue;
    for (const name of inOrder(Object.keys(values))) {
      const row = rows[kind].get(name);
      if (row === undefined) {
        remarkOn(kind, name, remarks);
        continue;
      }
      if (row.apply === undefined) continue;
      draft ??= draftOf(base);
      const value = values[name];
      const findings =
        typeof value === 'string'
          ? row.apply(value, draft)
          : [{ problem: `must be a string; allowed: ${row.allowed}` } as const];
      for (const finding of findings) {
        if ('problem' in finding) problems.push({ where: name, message: finding.problem });
        else remarks.push(finding.remark);
      }
    }
  }
  if (draft === undefined) return { effective: base, problems, remarks };
  problems.push(...checkCombinations(draft, base, pod.annotations ?? {}, allowedImages));
  return { effective: draft, problems, remarks };
}
