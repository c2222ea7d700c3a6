import { declaredFragment } from '../sidecars/declared.ts';
import type { Fragment } from '../sidecars/fragment.ts';
import { istioTemplateNames } from '../sidecars/istiod/templates.ts';
import { prepareProxies, type PreparedProxies } from '../sidecars/standalone/prepared-proxies.ts';
import { readSettings, readTemplate } from '../settings/document.ts';
import { chooseProfile, resolveBase, type Effective } from '../settings/effective.ts';
import type { JsonObject } from '../settings/json.ts';
import type { Problem } from '../settings/problem.ts';
import type { Settings } from '../settings/schema/configuration.ts';
import { version } from '../settings/version.ts';
import { hashText } from './hash.ts';

/** Name of the built-in sidecar; no template may use it. */
export const builtInSidecar = 'sidecar';

/** What the injector knows of the cluster that it works for. */
export interface ClusterFacts {
  /** Whether init containers may have restartPolicy Always (Kubernetes 1.29 and later). */
  readonly nativeSidecars: boolean;
  /** Whether a preStop hook may be `sleep` (Kubernetes 1.30 and later). */
  readonly sleepHook: boolean;
}

/** Everything that a decision depends on but the request: immutable, replaced as a whole. */
export interface Snapshot extends ClusterFacts {
  readonly settings: Settings;
  readonly templates: ReadonlyMap<string, Fragment>;
  /** Identifies settings and templates; stamped on every injected pod. */
  readonly hash: string;
  readonly version: string;
  /** Effective settings of a pod without annotations, by profile name; `''` is no profile. */
  readonly bases: ReadonlyMap<string, Effective>;
  /** Fragments of the built-in sidecar that were used last; it saves work and changes no decision. */
  readonly proxies: PreparedProxies;
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

function readTemplates(inputs: readonly unknown[]): { templates: Map<string, Fragment>; problems: Problem[] } {
  const templates = new Map<string, Fragment>();
  const problems: Problem[] = [];
  for (const [index, input] of inputs.entries()) {
    const result = readTemplate(input);
    if ('problems' in result) {
      problems.push(
        ...result.problems.map(({ where, message }) => ({ where: `templates[${index}].${where}`, message })),
      );
      continue;
    }
    const { name } = result.value.metadata;
    if (name === builtInSidecar) {
      problems.push({
        where: `templates[${index}].metadata.name`,
        message: `"${name}" is reserved for the built-in proxy`,
      });
    } else if (templates.has(name)) {
      problems.push({ where: `templates[${index}].metadata.name`, message: `"${name}" is there twice` });
    }
    templates.set(name, declaredFragment(result.value));
  }
  return { templates, problems };
}

/** Checks settings and templates and makes a snapshot of them; otherwise every problem, none left out. */
export function createSnapshot(input: SnapshotInput = {}): SnapshotResult {
  const settings = readSettings(input.settings);
  const { templates, problems } = readTemplates(input.templates ?? []);
  if ('problems' in settings) return { problems: [...settings.problems, ...problems] };
  const { injection, profiles } = settings.value;
  const known = [...builtInNames(settings.value), ...templates.keys()];
  problems.push(...istiodProblems(settings.value, templates.keys()));
  for (const [index, name] of injection.defaultTemplates.entries()) {
    if (!known.includes(name)) {
      problems.push({
        where: `spec.injection.defaultTemplates[${index}]`,
        message: `"${name}" is not a known sidecar; known: ${known.join(', ')}`,
      });
    }
  }
  const names = profiles.map((profile) => profile.name);
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) !== index)
      problems.push({ where: `spec.profiles[${index}].name`, message: `"${name}" is there twice` });
  }
  if (problems.length > 0) return { problems };
  const bases = new Map<string, Effective>([['', resolveBase(settings.value, undefined)]]);
  for (const profile of profiles) bases.set(profile.name, resolveBase(settings.value, profile));
  return {
    snapshot: {
      settings: settings.value,
      templates,
      nativeSidecars: input.nativeSidecars ?? true,
      sleepHook: input.sleepHook ?? true,
      hash: hashText(JSON.stringify([settings.value, [...templates.values()]])),
      version,
      bases,
      proxies: prepareProxies(bases.values()),
    },
  };
}

/** The same snapshot for a cluster of which more is known now. */
export function withClusterFacts(snapshot: Snapshot, { nativeSidecars, sleepHook }: ClusterFacts): Snapshot {
  return { ...snapshot, nativeSidecars, sleepHook };
}

/** Effective settings of a pod before its annotations are read. */
export function baseOf(snapshot: Snapshot, namespace: string, labels: JsonObject | undefined): Effective {
  const profile = chooseProfile(snapshot.settings.profiles, namespace, labels);
  const base = snapshot.bases.get(profile?.name ?? '');
  if (base === undefined) throw new Error(`profile ${profile?.name} has no base`);
  return base;
}
