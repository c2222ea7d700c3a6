import { istioTemplateNames } from '../istio/templates/templates.ts';
import { plainInput } from '../sidecars/standalone/plain-input.ts';
import { proxyFragment } from '../sidecars/standalone/proxy.ts';
import {
  buildLibrary,
  builtInSidecar,
  nameOf,
  onlyVersion,
  type TemplateLibrary,
} from '../sidecars/template-library.ts';
import { readSettings, readTemplate } from '../settings/document.ts';
import { chooseProfile, resolveBase, type Effective } from '../settings/effective.ts';
import type { JsonObject } from '../json/json.ts';
import type { Problem } from '../grammar/problem.ts';
import type { Settings } from '../settings/schema/configuration.ts';
import type { SidecarTemplate } from '../settings/schema/template.ts';
import { didYouMean } from '../grammar/suggestion.ts';
import { version } from '../settings/version.ts';
import { hashText } from './hash.ts';

/** What the injector knows of the cluster that it works for. */
export interface ClusterFacts {
  /** Whether init containers may have restartPolicy Always (Kubernetes 1.29 and later). */
  readonly nativeSidecars: boolean;
  /** Whether they are stable there (Kubernetes 1.33 and later): Istio takes them by itself only then. */
  readonly stableSidecars: boolean;
  /** Whether a preStop hook may be `sleep` (Kubernetes 1.30 and later). */
  readonly sleepHook: boolean;
}

/** Everything that a decision depends on but the request: immutable, replaced as a whole. */
export interface Snapshot extends ClusterFacts {
  readonly settings: Settings;
  readonly templates: TemplateLibrary;
  /** Annotations of namespaces that decisions depend on, by namespace; OpenShift keeps its ranges of ids there. */
  readonly namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Identifies settings and templates; stamped on every injected pod. */
  readonly hash: string;
  readonly version: string;
  /** Effective settings of a pod without annotations, by profile name; `''` is no profile. */
  readonly bases: ReadonlyMap<string, Effective>;
}

/** Raw inputs of a snapshot, each already parsed from YAML or JSON; an unknown server counts as capable. */
export interface SnapshotInput extends Partial<ClusterFacts> {
  /** An `InjectorConfiguration`; undefined gives the built-in settings. */
  readonly settings?: unknown;
  /** `SidecarTemplate` objects. */
  readonly templates?: readonly unknown[];
}

/** Sidecars that are there without a template object, by the mode. */
function builtInNames({ mode, istiod }: Settings): readonly string[] {
  return mode === 'istiod' ? istioTemplateNames(istiod.values) : [builtInSidecar];
}

/** What the mode istiod needs beyond well-formed settings. */
function istiodProblems({ mode, istiod }: Settings, templates: Iterable<string>): Problem[] {
  if (mode !== 'istiod') return [];
  const { global } = istiod.values;
  const problems: Problem[] = [];
  const isWhole = [global.proxy.image, global.proxy_init.image].every((image) => image.includes('/'));
  if ((global.tag ?? '') === '' && !isWhole) {
    const message = 'is missing; set it to the release of the istiod, such as 1.28.0';
    problems.push({ where: 'spec.istiod.values.global.tag', message });
  }
  const taken = new Set(istioTemplateNames(istiod.values));
  for (const name of templates) {
    if (taken.has(name) && name !== builtInSidecar) {
      problems.push({ where: 'sidecar templates', message: `"${name}" is the name of a template of Istio’s` });
    }
  }
  return problems;
}

export type SnapshotResult = { readonly snapshot: Snapshot } | { readonly problems: readonly Problem[] };

function readTemplates(inputs: readonly unknown[]): ReturnType<typeof buildLibrary> {
  const templates: { index: number; template: SidecarTemplate }[] = [];
  const problems: Problem[] = [];
  for (const [index, input] of inputs.entries()) {
    const result = readTemplate(input);
    if ('value' in result) templates.push({ index, template: result.value });
    else {
      problems.push(
        ...result.problems.map(({ where, message }) => ({ where: `templates[${index}].${where}`, message })),
      );
    }
  }
  const built = buildLibrary(templates);
  return { library: built.library, problems: [...problems, ...built.problems] };
}

/** References of the settings to sidecars that are not there. */
function unknownSidecars(settings: Settings, library: TemplateLibrary): Problem[] {
  const problems: Problem[] = [];
  const known = [...builtInNames(settings), ...library.keys()];
  const { defaultTemplates } = settings.injection;
  const { versions } = settings.sidecars;
  for (const [index, name] of defaultTemplates.entries()) {
    const isRolledOut = versions.some(({ template }) => template === name);
    if (known.includes(name) || isRolledOut || onlyVersion(name, library) !== undefined) continue;
    problems.push({
      where: `spec.injection.defaultTemplates[${index}]`,
      message: `"${name}" is not a known sidecar${didYouMean(name, known)}; known: ${known.join(', ')}`,
    });
  }
  for (const [index, { template, version: stable, canary }] of versions.entries()) {
    const where = `spec.sidecars.versions[${index}]`;
    if (versions.findIndex((other) => other.template === template) !== index) {
      problems.push({ where: `${where}.template`, message: `"${template}" is there twice` });
    }
    for (const [field, wanted] of [
      ['version', stable],
      ['canary.version', canary?.version],
    ] as const) {
      if (wanted === undefined || library.has(`${template}:${wanted}`)) continue;
      const versionsOf = [...library.keys()].filter((reference) => nameOf(reference) === template);
      problems.push({
        where: `${where}.${field}`,
        message: `"${template}:${wanted}" is not a known sidecar; known: ${versionsOf.join(', ') || 'none of this name'}`,
      });
    }
  }
  return problems;
}

/** Whether the profile's patches fit the containers that a plain pod gets, in both modes. */
function misfits(effective: Effective): string[] {
  if (effective.patches.proxy.length === 0 && effective.patches.init.length === 0) return [];
  const found = [true, false].flatMap((native) => proxyFragment(plainInput(effective, native)).misfits);
  return [...new Set(found)];
}

/** Checks settings and templates and makes a snapshot of them; otherwise every problem, none left out. */
export function createSnapshot(input: SnapshotInput = {}): SnapshotResult {
  const settings = readSettings(input.settings);
  const { library, problems: found } = readTemplates(input.templates ?? []);
  const problems = [...found];
  if ('problems' in settings) return { problems: [...settings.problems, ...problems] };
  const { profiles } = settings.value;
  problems.push(...istiodProblems(settings.value, library.keys()), ...unknownSidecars(settings.value, library));
  const names = profiles.map((profile) => profile.name);
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) !== index)
      problems.push({ where: `spec.profiles[${index}].name`, message: `"${name}" is there twice` });
  }
  if (problems.length > 0) return { problems };
  const bases = new Map<string, Effective>([['', resolveBase(settings.value, undefined)]]);
  for (const [index, profile] of profiles.entries()) {
    const base = resolveBase(settings.value, profile);
    bases.set(profile.name, base);
    if (settings.value.mode === 'standalone')
      problems.push(...misfits(base).map((message) => ({ where: `spec.profiles[${index}]`, message })));
  }
  if (problems.length > 0) return { problems };
  return {
    snapshot: {
      settings: settings.value,
      templates: library,
      nativeSidecars: input.nativeSidecars ?? true,
      stableSidecars: input.stableSidecars ?? true,
      sleepHook: input.sleepHook ?? true,
      namespaces: new Map(),
      hash: hashText(
        JSON.stringify([settings.value, [...library.values()].map(({ reference, spec }) => [reference, spec])]),
      ),
      version,
      bases,
    },
  };
}

/** The same snapshot for a cluster of which more is known now. */
export function withClusterFacts(
  snapshot: Snapshot,
  { nativeSidecars, stableSidecars, sleepHook }: ClusterFacts,
): Snapshot {
  return { ...snapshot, nativeSidecars, stableSidecars, sleepHook };
}

/** The same snapshot with the annotations of namespaces as they are now. */
export function withNamespaces(snapshot: Snapshot, namespaces: Snapshot['namespaces']): Snapshot {
  return { ...snapshot, namespaces };
}

/** Effective settings of a pod before its annotations are read. */
export function baseOf(snapshot: Snapshot, namespace: string, labels: JsonObject | undefined): Effective {
  const profile = chooseProfile(snapshot.settings.profiles, namespace, labels);
  const base = snapshot.bases.get(profile?.name ?? '');
  if (base === undefined) throw new Error(`profile ${profile?.name} has no base`);
  return base;
}
