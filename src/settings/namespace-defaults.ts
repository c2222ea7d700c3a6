import { trueOrFalse } from '../grammar/grammar.ts';
import { quote } from '../grammar/problem.ts';
import { annotationTable } from './annotation-table.ts';
import { draftOf, type PodSettings } from './effective.ts';
import { isMeantForInjector, readPodSettings } from './pod-settings.ts';

/** The annotation of a namespace that makes its other annotations defaults for its pods. */
export const defaultsAnnotation = 'sidecar-injector.io/defaults';

/** Annotations of pods that change settings and nothing else: what a namespace may set for its pods. */
export const namespaceDefaults: ReadonlySet<string> = new Set(
  annotationTable
    .filter(({ kind, support, apply }) => kind === 'annotation' && support === 'supported' && apply !== undefined)
    .map(({ name }) => name),
);

type Annotations = Readonly<Record<string, string>>;

/** Returns the annotations of a namespace that matter for its pods: none unless it says that they are defaults. */
export function defaultsIn(annotations: Annotations): Annotations {
  if (!Object.hasOwn(annotations, defaultsAnnotation)) return {};
  const isOurs = (name: string): boolean => namespaceDefaults.has(name) || isMeantForInjector(name);
  return Object.fromEntries(Object.entries(annotations).filter(([name]) => isOurs(name)));
}

/** What the pods of a namespace get before their own annotations are read. */
export interface NamespaceBase {
  readonly base: PodSettings;
  /** What the namespace set that has no effect, and why. */
  readonly warnings: readonly string[];
}

/** Returns which of the annotations changes by itself what `view` shows of the settings. */
function changing(annotations: Annotations, base: PodSettings, view: (settings: PodSettings) => string): string[] {
  const before = view(base);
  return Object.entries(annotations).flatMap(([name, value]) => {
    const alone = draftOf(base);
    annotationTable.find((row) => row.kind === 'annotation' && row.name === name)?.apply?.(value, alone);
    return view(alone) === before ? [] : [name];
  });
}

/**
 * Applies the defaults of a namespace to a profile's settings. What is wrong with them must not keep pods from being created
 * anew, so it is left out with a warning: a value that does not fit, or one beyond what the profile allows its pods.
 *
 * @param captureOf what decides about captured traffic, which a profile may fix
 */
export function applyNamespaceDefaults(
  annotations: Annotations,
  base: PodSettings,
  allowedImages: readonly string[],
  captureOf: (settings: PodSettings) => string,
): NamespaceBase {
  const { [defaultsAnnotation]: asked, ...given } = defaultsIn(annotations);
  if (asked === undefined) return { base, warnings: [] };
  const about = (name: string, text: string): string => `namespace annotation ${quote(name)} ${text}`;
  const parsed = trueOrFalse.parse(asked);
  if ('problem' in parsed) return { base, warnings: [about(defaultsAnnotation, `has no effect: ${parsed.problem}`)] };
  if (!parsed.value) return { base, warnings: [] };
  const warnings: string[] = [];
  let kept = Object.entries(given);
  const leaveOut = (names: Iterable<string>, why: (name: string) => string): void => {
    const out = new Set(names);
    kept = kept.filter(([name]) => !out.has(name));
    warnings.push(...[...out].map((name) => about(name, why(name))));
  };
  leaveOut(
    kept.flatMap(([name]) => (namespaceDefaults.has(name) ? [] : [name])),
    () => 'is no default for pods and has no effect',
  );
  if (base.caps.capture === 'fixed') {
    leaveOut(
      changing(Object.fromEntries(kept), base, captureOf),
      () => 'has no effect: it changes what is captured, which the profile of the pod fixes',
    );
  }
  for (;;) {
    const read = readPodSettings({ annotations: Object.fromEntries(kept), labels: undefined }, base, allowedImages);
    if (read.problems.length === 0) return { base: read.effective, warnings: [...warnings, ...read.warnings] };
    const problems = new Map(read.problems.map(({ where, message }) => [where, message]));
    const before = kept.length;
    leaveOut(problems.keys(), (name) => `has no effect: ${problems.get(name) ?? ''}`);
    // A problem of what belongs to no single one.
    if (kept.length === before) kept = [];
  }
}
