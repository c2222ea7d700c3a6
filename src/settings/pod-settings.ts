import { annotationNames } from '../pod/annotation-names.ts';
import { annotationTable } from './annotation-table.ts';
import type { AnnotationRow, Kind } from './annotation.ts';
import { draftOf, type PodSettings } from './effective.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { checkCombinations, idleExclusion } from './pod-checks.ts';
import { notText, quote, type Problem } from '../grammar/problem.ts';
import { suggest } from '../grammar/suggestion.ts';

type Rows = ReadonlyMap<string, AnnotationRow>;

function rowsOf(kind: Kind): Rows {
  return new Map(annotationTable.filter((row) => row.kind === kind).map((row) => [row.name, row]));
}

const rows = { annotation: rowsOf('annotation'), label: rowsOf('label') } as const;

/** Bounds the work: each suggestion compares all names, and a request may have a hundred thousand misspelt ones. */
const mostGuesses = 16;

/** Keys with these prefixes are meant for the injector, so an unknown one is probably a mistake. */
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

/** Whether a name says that the annotation is meant for the injector or a sidecar of it. */
export function isMeantForInjector(name: string): boolean {
  return ourPrefixes.some((prefix) => name.startsWith(prefix)) || name.includes('.sidecar-injector.io/');
}

/** The parts of a pod that settings are read from. */
export interface PodKeys {
  readonly annotations: JsonObject | undefined;
  readonly labels: JsonObject | undefined;
}

export interface PodSettingsResult {
  readonly effective: PodSettings;
  /** All invalid values of the pod. If there are any, `effective` must not be used. */
  readonly problems: readonly Problem[];
  /** What was set but has no effect. */
  readonly warnings: readonly string[];
}

/** A hint at the same name under another prefix, or at the nearest known name under the same prefix. */
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

/** Whether the value of a label or annotation is something that no API server takes. It takes null for an empty text. */
export function isNoText(value: Json | undefined): boolean {
  return value !== undefined && value !== null && typeof value !== 'string';
}

function warnAbout(kind: 'annotation' | 'label', name: string, value: Json | undefined, warnings: string[]): void {
  if (isNoText(value)) warnings.push(`${kind} ${quote(name)} must be a string: quote its value`);
  if (!ourPrefixes.some((prefix) => name.startsWith(prefix))) return;
  warnings.push(unknownKey(kind, name, warnings.length < mostGuesses));
}

/** A warning if the pod sets a deprecated key, unless it also has the label of this name, which is what to use instead. */
export function deprecation({ kind, name, deprecated }: AnnotationRow, { labels }: PodKeys): string[] {
  if (deprecated === undefined || (labels !== undefined && Object.hasOwn(labels, name))) return [];
  return [`${kind} ${quote(name)} is deprecated; use ${deprecated}`];
}

/** Warnings about annotations and labels that are meant for the injector but unknown to it. */
export function unknownKeys(pod: PodKeys): string[] {
  const warnings: string[] = [];
  for (const name of Object.keys(pod.annotations ?? {})) {
    if (!rows.annotation.has(name)) warnAbout('annotation', name, pod.annotations?.[name], warnings);
  }
  for (const name of Object.keys(pod.labels ?? {})) {
    if (!rows.label.has(name)) warnAbout('label', name, pod.labels?.[name], warnings);
  }
  return warnings;
}

/** Puts the ProxyConfig first, because single annotations override it. */
function inOrder(names: readonly string[]): readonly string[] {
  return names.includes(annotationNames.proxyConfig)
    ? [annotationNames.proxyConfig, ...names.filter((name) => name !== annotationNames.proxyConfig)]
    : names;
}

/**
 * Applies a pod's annotations and labels to the base settings. Returns the base itself if the pod sets none of them, so
 * that callers can cache by identity.
 */
export function readPodSettings(pod: PodKeys, base: PodSettings, allowedImages: readonly string[]): PodSettingsResult {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  let draft: PodSettings | undefined;
  for (const kind of ['annotation', 'label'] as const) {
    const values = kind === 'annotation' ? pod.annotations : pod.labels;
    if (values === undefined) continue;
    for (const name of inOrder(Object.keys(values))) {
      const row = rows[kind].get(name);
      if (row === undefined) {
        warnAbout(kind, name, values[name], warnings);
        continue;
      }
      if (isNoText(values[name])) {
        problems.push({ where: name, message: notText(row.allowed) });
        continue;
      }
      warnings.push(...deprecation(row, pod));
      if (row.apply === undefined) continue;
      draft ??= draftOf(base);
      const value = values[name];
      const findings =
        typeof value === 'string' ? row.apply(value, draft) : [{ problem: notText(row.allowed) } as const];
      for (const finding of findings) {
        if ('problem' in finding) problems.push({ where: name, message: finding.problem });
        else warnings.push(finding.warning);
      }
    }
  }
  if (draft === undefined) return { effective: base, problems, warnings };
  problems.push(...checkCombinations(draft, base, pod.annotations ?? {}, allowedImages));
  if (draft.capture.includeInboundPorts !== 'all') warnings.push(...idleExclusion(pod.annotations));
  return { effective: draft, problems, warnings };
}
