import type { Fragment, PlacedContainer } from '../sidecars/fragment.ts';
import type { PodView } from '../sidecars/pod-view.ts';
import { objectsMember, stringMember, type JsonObject } from '../settings/json.ts';
import { quote } from '../settings/problem.ts';
import type { SleepEdit } from './drain.ts';
import type { KnownTexts } from './operation.ts';
import { applyOverride, type Override } from './override.ts';
import type { PodChanges } from './pod-changes.ts';
import type { ProbeEdit } from './probes.ts';
import { reason, type Reason } from './reason.ts';
import type { ContainerList } from './record.ts';

export type NamedObject = JsonObject & { readonly name: string };

/** What to add to one list: before and after the pod's own, each in order. */
export interface Additions {
  readonly first: readonly NamedObject[];
  readonly last: readonly NamedObject[];
}

/** Everything that changes in one pod, as values; the patch is written from this alone. */
export interface Plan {
  readonly templates: readonly string[];
  readonly containers: Readonly<Record<ContainerList, Additions>>;
  readonly volumes: Additions;
  readonly imagePullSecrets: Additions;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** The pod's own copies of injected containers, which leave their place. */
  readonly overrides: readonly Override[];
  readonly edits: readonly ProbeEdit[];
  readonly sleeps: readonly SleepEdit[];
  readonly changes: PodChanges;
  /** Istio's revision; `default` without one. */
  readonly revision: string;
  /** Names in the order in which the record lists them; others follow in the order of the pod. */
  readonly order: readonly string[];
  /** JSON texts of containers above that are known already. */
  readonly texts: KnownTexts;
}

/** The same for things that have only one place. */
export function allOf(additions: Additions): readonly NamedObject[] {
  return [...additions.first, ...additions.last];
}

/** Who brought each name, so that the sentence of a conflict names both sides. */
function nameOwners(taken: readonly JsonObject[]): Map<string, string> {
  return new Map(taken.map((object) => [stringMember(object, 'name') ?? '', 'the pod']));
}

/** Claims the name for a sidecar, or says who has it. */
function claim(owners: Map<string, string>, kind: string, name: string, source: string): Reason | undefined {
  const other = owners.get(name);
  owners.set(name, source);
  if (other === undefined) return undefined;
  const sentence = `${kind} ${quote(name)} of sidecar ${quote(source)} is also in ${other}; rename one of them`;
  return reason('NameConflict', sentence);
}

function newKeys(wanted: ReadonlyMap<string, string>, present: JsonObject | undefined): Record<string, string> {
  return Object.fromEntries([...wanted].filter(([key]) => present === undefined || !Object.hasOwn(present, key)));
}

const noChanges: PodChanges = {
  labels: {},
  annotations: {},
  removedAnnotations: [],
  securityContext: undefined,
  volumes: [],
};

/** Puts the fragments onto the pod, in order. All conflicts come back at once, each naming both sides. */
export function planFragments(
  view: PodView,
  fragments: readonly Fragment[],
  overrides: readonly Override[],
  edits: readonly ProbeEdit[],
  sleeps: readonly SleepEdit[],
  changes: PodChanges = noChanges,
): { readonly plan: Plan } | { readonly conflicts: readonly [Reason, ...Reason[]] } {
  const conflicts: Reason[] = [];
  const containerOwners = nameOwners([...view.initContainers, ...view.containers]);
  const volumeOwners = nameOwners(objectsMember(view.spec, 'volumes'));
  for (const { volume } of changes.volumes) volumeOwners.delete(stringMember(volume, 'name') ?? '');
  for (const { container } of overrides) containerOwners.delete(stringMember(container, 'name') ?? '');
  const empty = (): { readonly first: NamedObject[]; readonly last: NamedObject[] } => ({ first: [], last: [] });
  const lists = { initContainers: empty(), containers: empty() };
  const volumes = empty();
  const secrets = empty();
  const knownSecrets = new Set(
    objectsMember(view.spec, 'imagePullSecrets').map((secret) => stringMember(secret, 'name') ?? ''),
  );
  const labels = new Map<string, string>();
  const annotations = new Map<string, string>();
  const texts = new Map<object, string>();

  const place = (source: string, { container, placement, json, settled }: PlacedContainer): void => {
    const conflict = claim(containerOwners, 'container', container.name, source);
    if (conflict !== undefined) {
      conflicts.push(conflict);
      return;
    }
    const override = settled
      ? undefined
      : overrides.find((entry) => stringMember(entry.container, 'name') === container.name);
    lists[placement.list][placement.at].push(override === undefined ? container : applyOverride(container, override));
    if (override === undefined && json !== undefined) texts.set(container, json);
  };

  for (const fragment of fragments) {
    const at = fragment.leads === true ? 'first' : 'last';
    for (const placed of fragment.containers) place(fragment.source, placed);
    for (const volume of fragment.volumes) {
      const conflict = claim(volumeOwners, 'volume', volume.name, fragment.source);
      if (conflict === undefined) volumes[at].push(volume);
      else conflicts.push(conflict);
    }
    for (const name of fragment.imagePullSecrets) {
      if (!knownSecrets.has(name)) secrets[at].push({ name });
      knownSecrets.add(name);
    }
    for (const [key, value] of Object.entries(fragment.labels)) labels.set(key, value);
    for (const [key, value] of Object.entries(fragment.annotations)) annotations.set(key, value);
  }
  const [first, ...rest] = conflicts;
  if (first !== undefined) return { conflicts: [first, ...rest] };

  return {
    plan: {
      templates: fragments.map((fragment) => fragment.source),
      containers: lists,
      volumes,
      imagePullSecrets: secrets,
      labels: newKeys(labels, view.labels),
      annotations: newKeys(annotations, view.annotations),
      overrides,
      edits,
      sleeps,
      changes,
      revision: 'default',
      order: [],
      texts,
    },
  };
}
