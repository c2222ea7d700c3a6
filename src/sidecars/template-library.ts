import type { JsonObject } from '../json/json.ts';
import type { Problem } from '../grammar/problem.ts';
import type { SidecarTemplate, TemplateSpec } from '../settings/schema/template.ts';
import { didYouMean } from '../grammar/suggestion.ts';
import { overlay } from '../json/overlay.ts';
import { prepareTemplate, type PreparedTemplate } from './prepared-template.ts';
import { templateProblems } from './template-check.ts';

/** Prepared templates by reference: `name`, or `name:version` for those that have a version. */
export type TemplateLibrary = ReadonlyMap<string, PreparedTemplate>;

/** Name of the built-in sidecar; no template may use it. */
export const builtInSidecar = 'sidecar';

/** Returns `name`, or `name:version` if the template has a version. */
function referenceOf({ metadata, spec }: SidecarTemplate): string {
  return spec.version === undefined ? metadata.name : `${metadata.name}:${spec.version}`;
}

/** Returns the name without the version. */
export function nameOf(reference: string): string {
  return reference.split(':', 1)[0] ?? reference;
}

interface Entry {
  readonly index: number;
  readonly reference: string;
  readonly template: SidecarTemplate;
}

/** Returns the spec without what a template does not inherit: its own identity. */
function inheritable(spec: TemplateSpec): JsonObject {
  const { version: _version, base: _base, description: _description, ...rest } = spec;
  return rest as unknown as JsonObject;
}

/** Returns the template with its chain of bases merged in, or the problem of that chain. */
function resolve(
  entry: Entry,
  entries: ReadonlyMap<string, Entry>,
  chain: readonly string[],
): TemplateSpec | { readonly problem: string } {
  const { spec } = entry.template;
  if (spec.base === undefined) return spec;
  const way = [...chain, entry.reference];
  if (way.includes(spec.base)) return { problem: `is a circle: ${[...way, spec.base].join(' -> ')}` };
  const base = entries.get(spec.base);
  if (base === undefined) {
    const known = [...entries.keys()];
    return {
      problem: `"${spec.base}" is not a template${didYouMean(spec.base, known)}${known.length > 1 ? `; known: ${known.join(', ')}` : ''}`,
    };
  }
  const below = resolve(base, entries, way);
  if ('problem' in below) return below;
  return {
    ...(overlay(inheritable(below), inheritable(spec)) as TemplateSpec),
    ...(spec.version === undefined ? {} : { version: spec.version }),
  };
}

/**
 * Merges every template with its base, checks the result and prepares it. All problems are returned at once; `where`
 * starts with `templates[INDEX].`, the template's index in the input.
 */
export function buildLibrary(templates: readonly { readonly index: number; readonly template: SidecarTemplate }[]): {
  readonly library: TemplateLibrary;
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const entries = new Map<string, Entry>();
  const report = (index: number, where: string, message: string): void => {
    problems.push({ where: `templates[${index}].${where}`, message });
  };
  for (const { index, template } of templates) {
    const reference = referenceOf(template);
    if (template.metadata.name === builtInSidecar) {
      report(index, 'metadata.name', `"${builtInSidecar}" is reserved for the built-in proxy`);
    } else if (entries.has(reference)) {
      report(index, 'metadata.name', `"${reference}" is there twice`);
    }
    entries.set(reference, { index, reference, template });
  }
  const library = new Map<string, PreparedTemplate>();
  for (const entry of entries.values()) {
    const spec = resolve(entry, entries, []);
    if ('problem' in spec) {
      report(entry.index, 'spec.base', spec.problem);
      continue;
    }
    const found = templateProblems(spec);
    for (const { where, message } of found) report(entry.index, where, message);
    if (found.length === 0) library.set(entry.reference, prepareTemplate(entry.reference, spec));
  }
  return { library, problems };
}

/** Returns the references of all templates of this name, with and without a version. */
export function versionsOf(name: string, library: ReadonlyMap<string, unknown>): string[] {
  return [...library.keys()].filter((reference) => nameOf(reference) === name);
}

/**
 * Resolves a name without a version if no setting does: to the template without a version, else to the only version.
 */
export function onlyVersion(name: string, library: ReadonlyMap<string, unknown>): string | undefined {
  if (library.has(name)) return name;
  const versions = versionsOf(name, library);
  return versions.length === 1 ? versions[0] : undefined;
}
