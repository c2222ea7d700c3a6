import { flavours } from './flavours/flavours.ts';
import type { Flavour } from './flavours/flavour.ts';
import { resolveBase, type PodSettings } from '../settings/effective.ts';
import { readSettings, readTemplate } from '../settings/document.ts';
import type { Problem } from '../grammar/problem.ts';
import { didYouMean } from '../grammar/suggestion.ts';
import type { Settings } from '../settings/schema/configuration.ts';
import type { SidecarTemplate } from '../settings/schema/template.ts';
import { version } from '../settings/version.ts';
import { buildLibrary, onlyVersion, versionsOf, type TemplateLibrary } from '../sidecars/template-library.ts';
import { hashText } from './hash.ts';
import type { ClusterFacts, Snapshot } from './snapshot.ts';

/**
 * Inputs of a snapshot, each already parsed from YAML or JSON. Cluster features that are not given count as supported.
 */
export interface SnapshotInput extends Partial<ClusterFacts> {
  /** An `InjectorConfiguration`; undefined gives the built-in settings. */
  readonly settings?: unknown;
  /** `SidecarTemplate` objects. */
  readonly templates?: readonly unknown[];
  /** Root certificates of the control plane, PEM, for proxies in mode mesh; without them such pods are denied. */
  readonly meshRoots?: string | undefined;
}

/** The snapshot, or the problems that prevent it. */
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

/** Returns references in the settings to sidecars that do not exist. */
function unknownSidecars(settings: Settings, library: TemplateLibrary, flavour: Flavour): Problem[] {
  const problems: Problem[] = [];
  const known = [...flavour.templates(settings), ...library.keys()];
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
      const available = versionsOf(template, library).join(', ') || 'none of this name';
      problems.push({
        where: `${where}.${field}`,
        message: `"${template}:${wanted}" is not a known sidecar; known: ${available}`,
      });
    }
  }
  return problems;
}

/**
 * Checks settings and templates and builds a snapshot from them, or returns the problems. Checks that need well-formed
 * settings run only once the settings have the right shape, and patches of profiles are tried last.
 */
export function createSnapshot(input: SnapshotInput = {}): SnapshotResult {
  const settings = readSettings(input.settings);
  const { library, problems: found } = readTemplates(input.templates ?? []);
  const problems = [...found];
  if ('problems' in settings) return { problems: [...settings.problems, ...problems] };
  const { profiles } = settings.value;
  const { meshRoots } = input;
  const flavour = flavours[settings.value.mode];
  problems.push(
    ...flavour.problems(settings.value, [...library.keys()]),
    ...unknownSidecars(settings.value, library, flavour),
  );
  const names = profiles.map((profile) => profile.name);
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) !== index)
      problems.push({ where: `spec.profiles[${index}].name`, message: `"${name}" is there twice` });
  }
  if (problems.length > 0) return { problems };
  // What is told of pods changes none of them.
  const { events: _, ...decisive } = settings.value;
  const bases = new Map<string, PodSettings>([['', resolveBase(settings.value, undefined, meshRoots)]]);
  for (const [index, profile] of profiles.entries()) {
    const base = resolveBase(settings.value, profile, meshRoots);
    bases.set(profile.name, base);
    problems.push(...flavour.misfits(base).map((message) => ({ where: `spec.profiles[${index}]`, message })));
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
        JSON.stringify([
          decisive,
          [...library.values()].map(({ reference, spec }) => [reference, spec]),
          ...(meshRoots === undefined ? [] : [meshRoots]),
        ]),
      ),
      version,
      bases,
    },
  };
}
