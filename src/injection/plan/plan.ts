import { rankOf, type Fragment, type PlacedContainer, type Placement } from '../../sidecars/fragment.ts';
import type { PodView } from '../../pod/view.ts';
import { objectsMember, stringMember, type JsonObject, type NamedObject } from '../../json/json.ts';
import { quote } from '../../grammar/problem.ts';
import type { SleepEdit } from './prestop-sleep.ts';
import { draftApplication, type ApplicationDraft, type ApplicationEdit } from './application.ts';
import { copyConflicts } from './copy-conflicts.ts';
import { listenedTwice } from './conflicts.ts';
import { copyFaults } from './copy-faults.ts';
import type { KnownText, KnownTexts } from '../patch/patch-text.ts';
import { applyOverride } from './override.ts';
import type { PodChanges } from './pod-changes.ts';
import type { ProbeEdit } from './probes.ts';
import { atLeastOne, reason, type Reason, type Reasons } from '../policy/reason.ts';
import type { ContainerList, PodContainer } from '../../pod/containers.ts';

/** Additions to one list, before and after the pod's own entries, each in order. */
export interface Additions {
  readonly first: readonly NamedObject[];
  readonly last: readonly NamedObject[];
}

/** Names of injected objects, by list. */
export type StatusNames = Readonly<Record<ContainerList | 'volumes' | 'imagePullSecrets', readonly string[]>>;

/** All changes to one pod, as values. The patch is written from this alone. */
export interface Plan {
  readonly templates: readonly string[];
  readonly containers: Readonly<Record<ContainerList, Additions>>;
  readonly volumes: Additions;
  readonly imagePullSecrets: Additions;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** The pod's own copies of injected containers, which are removed from their place. */
  readonly overrides: readonly PodContainer[];
  readonly edits: readonly ProbeEdit[];
  readonly sleeps: readonly SleepEdit[];
  readonly changes: PodChanges;
  /** Whether the user's copies of injected containers and volumes apply as a whole. */
  readonly overruled: boolean;
  /** Istio's revision; `default` without one. */
  readonly revision: string;
  /** Names that the status annotation lists; without them, the names of everything added. */
  readonly names?: StatusNames;
  /** Probes of injected containers, rewritten before the containers are added. */
  readonly redirected: readonly ProbeEdit[];
  /** Variables and mounts added to the pod's own containers. */
  readonly applicationEdits: readonly ApplicationEdit[];
  readonly warnings: readonly string[];
  /** JSON texts of the containers above, as far as they are known. */
  readonly texts: KnownTexts;
}

/** Returns the additions in the order of the pod. */
export function allOf(additions: Additions): readonly NamedObject[] {
  return [...additions.first, ...additions.last];
}

/** Returns the owner of each name, so that a conflict can name both sides. */
function nameOwners(taken: readonly JsonObject[]): Map<string, string> {
  return new Map(taken.map((object) => [stringMember(object, 'name') ?? '', 'the pod']));
}

/** Claims the name for a sidecar. Returns a reason if the name is taken. */
function claim(owners: Map<string, string>, kind: string, name: string, source: string): Reason | undefined {
  const other = owners.get(name);
  owners.set(name, source);
  if (other === undefined) return undefined;
  const sentence = `${kind} ${quote(name)} of sidecar ${quote(source)} is also in ${other}; rename one of them`;
  return reason('NameConflict', sentence);
}

/** Returns the keys that the pod does not have. The last fragment that sets a key wins. */
function newKeys(
  wanted: readonly Readonly<Record<string, string>>[],
  present: JsonObject | undefined,
): Record<string, string> {
  const merged = Object.assign({}, ...wanted) as Record<string, string>;
  return Object.fromEntries(
    Object.entries(merged).filter(([key]) => present === undefined || !Object.hasOwn(present, key)),
  );
}

/** Mounts of shared files of the application by container name, and the new volumes behind them. */
interface Sharing {
  readonly volumes: NamedObject[];
  readonly mounts: Map<string, JsonObject[]>;
}

function shareFiles(fragment: Fragment, application: ApplicationDraft, conflicts: Reason[]): Sharing {
  const sharing: Sharing = { volumes: [], mounts: new Map() };
  for (const share of fragment.share ?? []) {
    const shared = application.share(fragment.source, share);
    if (shared === undefined) continue;
    if ('conflict' in shared) {
      conflicts.push(shared.conflict);
      continue;
    }
    if (shared.isNew && share.volume !== undefined) sharing.volumes.push(share.volume as unknown as NamedObject);
    for (const { container, mountPath = share.path, readOnly = true } of share.with) {
      const mount = {
        name: shared.volume,
        mountPath,
        ...(readOnly ? { readOnly } : {}),
        ...(shared.subPath === undefined ? {} : { subPath: shared.subPath }),
      };
      sharing.mounts.set(container, [...(sharing.mounts.get(container) ?? []), mount]);
    }
  }
  return sharing;
}

/** Returns the container with the shared mounts. A mount path that is already used is a conflict. */
function withMounts(
  source: string,
  placed: PlacedContainer,
  mounts: readonly JsonObject[],
  conflicts: Reason[],
): PlacedContainer {
  const present = objectsMember(placed.container, 'volumeMounts');
  for (const mount of mounts) {
    const path = stringMember(mount, 'mountPath') ?? '';
    const other = present.find((candidate) => stringMember(candidate, 'mountPath') === path);
    if (other === undefined) continue;
    const sentence = `sidecar ${quote(source)} shares files at ${quote(path)} of its container ${quote(placed.container.name)}, where it mounts volume ${quote(stringMember(other, 'name') ?? '')}`;
    conflicts.push(reason('MountConflict', sentence));
  }
  return { placement: placed.placement, container: { ...placed.container, volumeMounts: [...present, ...mounts] } };
}

/** Resolves shared volumes and applies the fragment's edits to the application's containers. */
function joinApplication(fragment: Fragment, application: ApplicationDraft, conflicts: Reason[]): Fragment {
  const { volumes, mounts } = shareFiles(fragment, application, conflicts);
  for (const change of fragment.application ?? []) conflicts.push(...application.change(fragment.source, change));
  if (mounts.size === 0 && volumes.length === 0) return fragment;
  return {
    ...fragment,
    containers: fragment.containers.map((placed) => {
      const shared = mounts.get(placed.container.name);
      return shared === undefined ? placed : withMounts(fragment.source, placed, shared, conflicts);
    }),
    volumes: [...fragment.volumes, ...volumes],
  };
}

/** Places each container, merged with the pod's own copy of it. */
function placeContainers(
  view: PodView,
  fragments: readonly Fragment[],
  overrides: readonly PodContainer[],
  conflicts: Reason[],
): Pick<Plan, 'containers' | 'texts'> {
  const owners = nameOwners([...view.initContainers, ...view.containers]);
  const copies = new Map(overrides.map((override) => [override.name, override]));
  for (const name of copies.keys()) owners.delete(name);
  const placed: Pick<PlacedContainer, 'container' | 'placement'>[] = [];
  const texts = new Map<object, KnownText>();
  for (const { source, containers } of fragments) {
    for (const { container, placement, text, userMerged } of containers) {
      const conflict = claim(owners, 'container', container.name, source);
      if (conflict !== undefined) {
        conflicts.push(conflict);
        continue;
      }
      const override = userMerged ? undefined : copies.get(container.name);
      placed.push({
        container: override === undefined ? container : applyOverride(container, override),
        placement,
      });
      if (override === undefined && text !== undefined) texts.set(container, text);
    }
  }
  const side = (list: ContainerList, at: Placement['at']): NamedObject[] =>
    placed
      .filter(({ placement }) => placement.list === list && placement.at === at)
      .toSorted((left, right) => rankOf(left.placement) - rankOf(right.placement))
      .map(({ container }) => container);
  const additions = (list: ContainerList): Additions => ({ first: side(list, 'first'), last: side(list, 'last') });
  return { containers: { initContainers: additions('initContainers'), containers: additions('containers') }, texts };
}

/** Returns the side of the pod's own entries on which a fragment puts its volumes and pull secrets. */
function sideOf({ volumesFirst }: Fragment): keyof Additions {
  return volumesFirst === undefined ? 'last' : 'first';
}

function placeVolumes(
  view: PodView,
  fragments: readonly Fragment[],
  replaced: PodChanges['volumes'],
  conflicts: Reason[],
): Additions {
  const owners = nameOwners(objectsMember(view.spec, 'volumes'));
  for (const { volume } of replaced) owners.delete(stringMember(volume, 'name') ?? '');
  const sides: { readonly first: NamedObject[]; readonly last: NamedObject[] } = { first: [], last: [] };
  for (const fragment of fragments) {
    const last = new Set(fragment.volumesFirst?.last);
    for (const volume of fragment.volumes) {
      const conflict = claim(owners, 'volume', volume.name, fragment.source);
      if (conflict === undefined) sides[last.has(volume) ? 'last' : sideOf(fragment)].push(volume);
      else conflicts.push(conflict);
    }
  }
  return sides;
}

/** Returns the pull secrets that the pod does not list yet, each once. */
function missingSecrets(view: PodView, fragments: readonly Fragment[]): Additions {
  const known = new Set(
    objectsMember(view.spec, 'imagePullSecrets').map((secret) => stringMember(secret, 'name') ?? ''),
  );
  const sides: { readonly first: NamedObject[]; readonly last: NamedObject[] } = { first: [], last: [] };
  for (const fragment of fragments) {
    for (const name of fragment.imagePullSecrets) {
      if (!known.has(name)) sides[sideOf(fragment)].push({ name });
      known.add(name);
    }
  }
  return sides;
}

/** Input of a plan. */
export interface PlanInput {
  readonly fragments: readonly Fragment[];
  readonly overrides: readonly PodContainer[];
  readonly edits: readonly ProbeEdit[];
  readonly redirected: readonly ProbeEdit[];
  readonly sleeps: readonly SleepEdit[];
  /** Changes outside the containers. */
  readonly changes: PodChanges;
}

/** Combines the fragments into a plan, in order. All conflicts are returned at once, each naming both sides. */
export function planFragments(
  view: PodView,
  { fragments, overrides, edits, redirected, sleeps, changes }: PlanInput,
): { readonly plan: Plan } | { readonly conflicts: Reasons } {
  const conflicts: Reason[] = [];
  const application = draftApplication(view);
  const joined = fragments.map((fragment) => joinApplication(fragment, application, conflicts));
  const { containers, texts } = placeContainers(view, joined, overrides, conflicts);
  const volumes = placeVolumes(view, joined, changes.volumes, conflicts);
  conflicts.push(...listenedTwice(view, fragments));
  const added = [containers.initContainers, containers.containers].flatMap(allOf);
  const faults = [
    ...copyFaults(view, {
      added,
      volumes: allOf(volumes).map(({ name }) => name),
      removedVolumes: new Set(changes.volumes.map(({ index }) => index)),
      overrides,
    }),
    ...copyConflicts(view, added, overrides),
  ];
  const found = atLeastOne(conflicts.length > 0 ? conflicts : faults);
  if (found !== undefined) return { conflicts: found };
  const plan = {
    templates: fragments.map(({ source }) => source),
    containers,
    volumes,
    imagePullSecrets: missingSecrets(view, fragments),
    labels: newKeys(
      fragments.map(({ labels }) => labels),
      view.labels,
    ),
    annotations: newKeys(
      fragments.map(({ annotations }) => annotations),
      view.annotations,
    ),
    overrides,
    edits,
    sleeps,
    changes,
    overruled: false,
    revision: 'default',
    redirected,
    applicationEdits: application.edits(),
    warnings: application.warnings,
    texts,
  };
  return { plan };
}
