import type { JsonObject } from '../../json/json.ts';
import { quote } from '../../grammar/problem.ts';
import { didYouMean } from '../../grammar/suggestion.ts';
import { matchesWildcard } from '../../grammar/wildcard.ts';
import type { Fragment } from '../../sidecars/fragment.ts';
import type { PodView } from '../../pod/view.ts';
import { fragmentFor, type PreparedTemplate } from '../../sidecars/prepared-template.ts';
import {
  builtInSidecar,
  nameOf,
  onlyVersion,
  versionsOf,
  type TemplateLibrary,
} from '../../sidecars/template-library.ts';
import { reason, reasonsOf, type Reason } from './reason.ts';
import type { Snapshot } from '../snapshot.ts';
import { isAmongFirst, type Situation } from './share.ts';

/** Resolves a name to a reference: the version in the name, the one that the settings roll out, or the only version. */
function versionOf(name: string, snapshot: Snapshot, situation: Situation): string | undefined {
  if (name.includes(':')) return name;
  const rollout = snapshot.settings.sidecars.versions.find(({ template }) => template === name);
  if (rollout === undefined) return onlyVersion(name, snapshot.templates);
  const { canary } = rollout;
  const isCanary = canary !== undefined && isAmongFirst(canary.percent, name, situation);
  return `${name}:${isCanary ? canary.version : rollout.version}`;
}

function unknown(name: string, library: TemplateLibrary): Reason {
  const versions = versionsOf(name, library);
  const known = [builtInSidecar, ...library.keys()];
  const sentence =
    versions.length > 1
      ? `has several versions; name one: ${versions.join(', ')}`
      : `is not a known sidecar${didYouMean(name, known)}; known: ${known.join(', ')}`;
  return reason('UnknownTemplate', `inject.istio.io/templates: ${quote(name)} ${sentence}`);
}

function isAmong(namespace: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => matchesWildcard(pattern, namespace));
}

function listed(patterns: readonly string[]): string {
  return patterns.length === 0 ? 'none' : patterns.join(', ');
}

/** Returns the reasons for which the template is not allowed in this namespace. */
export function prohibitions(
  { reference, spec, privileges }: PreparedTemplate,
  namespace: string,
  snapshot: Snapshot,
): Reason[] {
  const found: Reason[] = [];
  if (spec.namespaces !== undefined && !isAmong(namespace, spec.namespaces)) {
    const sentence = `sidecar ${quote(reference)} is not for namespace ${quote(namespace)}; it is for ${listed(spec.namespaces)}`;
    found.push(reason('TemplateNotAllowed', sentence));
  }
  const { allowPrivilegedIn } = snapshot.settings.sidecars;
  if (privileges.length > 0 && !isAmong(namespace, allowPrivilegedIn)) {
    const sentence = `sidecar ${quote(reference)} needs privileges (${privileges.join('; ')}), which the settings do not allow in namespace ${quote(namespace)} (sidecars.allowPrivilegedIn: ${listed(allowPrivilegedIn)})`;
    found.push(reason('PrivilegeNotAllowed', sentence));
  }
  return found;
}

function incompatibilities(chosen: ReadonlyMap<string, PreparedTemplate | undefined>): Reason[] {
  return [...chosen].flatMap(([name, template]) =>
    (template?.spec.conflicts ?? [])
      .filter((other) => [...chosen.keys()].some((candidate) => nameOf(candidate) === other && candidate !== name))
      .map((other) =>
        reason(
          'TemplateConflict',
          `sidecar ${quote(name)} does not go together with sidecar ${quote(other)}; choose one`,
        ),
      ),
  );
}

/** Sidecars of one pod in the order of selection, by reference; undefined stands for the built-in sidecar. */
export interface ChosenSidecars {
  readonly chosen: ReadonlyMap<string, PreparedTemplate | undefined>;
  readonly problems: readonly Reason[];
}

/** Chooses the pod's sidecars, and returns all reasons against them at once. */
export function chooseSidecars(names: readonly string[], snapshot: Snapshot, situation: Situation): ChosenSidecars {
  const chosen = new Map<string, PreparedTemplate | undefined>();
  const problems: Reason[] = [];
  for (const name of names) {
    if (name === builtInSidecar) {
      chosen.set(name, undefined);
      continue;
    }
    const template = snapshot.templates.get(versionOf(name, snapshot, situation) ?? '');
    if (template === undefined) {
      problems.push(unknown(name, snapshot.templates));
      continue;
    }
    problems.push(...prohibitions(template, situation.namespace, snapshot));
    chosen.set(template.reference, template);
  }
  problems.push(...incompatibilities(chosen));
  return { chosen, problems };
}

/**
 * Returns warnings about annotations that look like parameters but belong to none of the chosen sidecars; at most 16.
 */
function strayParameters(annotations: JsonObject, chosen: ChosenSidecars['chosen']): string[] {
  const stray = Object.keys(annotations).filter((name) => name.includes('.sidecar-injector.io/'));
  if (stray.length === 0) return [];
  const known = [...chosen.values()].flatMap((template) => template?.parameters.map((one) => one.annotation) ?? []);
  return stray
    .filter((name) => !known.includes(name))
    .slice(0, 16)
    .map((name) => `annotation ${quote(name)} is no parameter of a sidecar of this pod${didYouMean(name, known)}`);
}

/** Fragments of the declared sidecars for one pod, by reference. */
export interface DeclaredFragments {
  readonly fragments: ReadonlyMap<string, Fragment>;
  readonly problems: readonly Reason[];
  readonly warnings: readonly string[];
}

/** Reads the parameters of every chosen template and returns the resulting fragments. */
export function declareFragments(
  chosen: ChosenSidecars['chosen'],
  view: PodView,
  namespace: string,
  native: boolean,
  snapshot: Snapshot,
): DeclaredFragments {
  const fragments = new Map<string, Fragment>();
  const problems: Reason[] = [];
  for (const [reference, template] of chosen) {
    if (template === undefined) continue;
    const made = fragmentFor(template, view.annotations, native);
    if ('problems' in made) {
      problems.push(...reasonsOf('InvalidAnnotation', made.problems));
      continue;
    }
    const { allowSecretsIn } = snapshot.settings.sidecars;
    if (made.secrets.length > 0 && !isAmong(namespace, allowSecretsIn)) {
      const sentence = `${made.secrets.join(', ')}: a pod of namespace ${quote(namespace)} may not name a Secret for a sidecar (sidecars.allowSecretsIn: ${listed(allowSecretsIn)})`;
      problems.push(reason('SecretNotAllowed', sentence));
    }
    fragments.set(reference, made.fragment);
  }
  return {
    fragments,
    problems,
    warnings: view.annotations === undefined ? [] : strayParameters(view.annotations, chosen),
  };
}
