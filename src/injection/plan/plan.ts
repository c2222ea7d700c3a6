import type { Fragment, PlacedContainer, Placement } from '../../sidecars/fragment.ts';
import type { PodView } from '../../pod/view.ts';
import { objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import { quote } from '../../grammar/problem.ts';
import type { SleepEdit } from './prestop-sleep.ts';
import { draftApplication, type ApplicationDraft, type ApplicationEdit } from './application.ts';
import { listenedTwice } from './conflicts.ts';
import type { KnownText, KnownTexts } from '../patch/patch-text.ts';
import { applyOverride } from './override.ts';
import type { PodChanges } from './pod-changes.ts';
import type { ProbeEdit } from './probes.ts';
import { reason, type Reason } from '../policy/reason.ts';
import type { ContainerList, PodContainer } from '../../pod/containers.ts';

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
  readonly overrides: readonly PodContainer[];
  readonly edits: readonly ProbeEdit[];
  readonly sleeps: readonly SleepEdit[];
  readonly changes: PodChanges;
  /** Whether a user's copies of injected containers and volumes count whole. */
  readonly overruled: boolean;
  /** Istio's revision; `default` without one. */
  readonly revision: string;
  /** Names in the order in which the record lists them; others follow in the order of the pod. */
  readonly order: readonly string[];
  /** Probes of injected containers that were turned before they are added. */
  readonly redirected: readonly ProbeEdit[];
  /** Variables and mounts that the pod's own containers get. */
  readonly applicationEdits: readonly ApplicationEdit[];
  readonly remarks: readonly string[];
  /** JSON texts of containers above that are known already. */
  readonly texts: KnownTexts;
}

/** The additions in the order in which they stand in the pod. */
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

/** What the last fragment that has a key says, unless the pod has the key itself. */
function newKeys(
  wanted: readonly Readonly<Record<string, string>>[],
  present: JsonObject | undefined,
): Record<string, string> {
  const merged = Object.assign({}, ...wanted) as Record<string, string>;
  return Object.fromEntries(
    Object.entries(merged).filter(([key]) => present === undefined || !Object.hasOwn(present, key)),
  );
}

/** Mounts of the containers, by name, that share files of the application, and the new volumes behind them. */
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

/** The container with the shared mounts; a path that is taken is a conflict. */
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

/** The fragment with what it shares of the application, and what it changes there done. */
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

/** Where a container stands among the injected ones of its place. */
function rank({ proxy }: Placement): number {
  return proxy === 'before' ? 0 : proxy === 'after' ? 2 : 1;
}

interface Ranked {
  readonly container: NamedObject;
  readonly rank: number;
}

function inOrder(row: readonly Ranked[]): NamedObject[] {
  return row.toSorted((left, right) => left.rank - right.rank).map(({ container }) => container);
}

interface PlacedContainers {
  readonly lists: Plan['containers'];
  readonly texts: KnownTexts;
}

/** Puts each container into its place, with what the pod's own copy of it says. */
function placeContainers(
  view: PodView,
  fragments: readonly Fragment[],
  overrides: readonly PodContainer[],
  conflicts: Reason[],
): PlacedContainers {
  const owners = nameOwners([...view.initContainers, ...view.containers]);
  const copies = new Map(overrides.map((override) => [override.name, override]));
  for (const name of copies.keys()) owners.delete(name);
  const ranked = (): { readonly first: Ranked[]; readonly last: Ranked[] } => ({ first: [], last: [] });
  const lists = { initContainers: ranked(), containers: ranked() };
  const texts = new Map<object, KnownText>();
  for (const { source, containers } of fragments) {
    for (const { container, placement, text, userMerged } of containers) {
      const conflict = claim(owners, 'container', container.name, source);
      if (conflict !== undefined) {
        conflicts.push(conflict);
        continue;
      }
      const override = userMerged ? undefined : copies.get(container.name);
      const wanted = override === undefined ? container : applyOverride(container, override);
      lists[placement.list][placement.at].push({ container: wanted, rank: rank(placement) });
      if (override === undefined && text !== undefined) texts.set(container, text);
    }
  }
  const additions = ({ first, last }: ReturnType<typeof ranked>): Additions => ({
    first: inOrder(first),
    last: inOrder(last),
  });
  return {
    lists: { initContainers: additions(lists.initContainers), containers: additions(lists.containers) },
    texts,
  };
}

/** Fragments that lead put their volumes and secrets before the pod's own. */
function sideOf({ volumesFirst }: Fragment): keyof Additions {
  return volumesFirst === true ? 'first' : 'last';
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
    for (const volume of fragment.volumes) {
      const conflict = claim(owners, 'volume', volume.name, fragment.source);
      if (conflict === undefined) sides[sideOf(fragment)].push(volume);
      else conflicts.push(conflict);
    }
  }
  return sides;
}

/** Secrets for pulling images that the pod does not name yet, each once. */
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

/** What is put onto the pod beside the fragments. */
export interface PlanInput {
  readonly fragments: readonly Fragment[];
  readonly overrides: readonly PodContainer[];
  readonly edits: readonly ProbeEdit[];
  readonly redirected: readonly ProbeEdit[];
  readonly sleeps: readonly SleepEdit[];
  /** What changes beside the containers. */
  readonly changes: PodChanges;
}

/** Puts the fragments onto the pod, in order. All conflicts come back at once, each naming both sides. */
export function planFragments(
  view: PodView,
  { fragments, overrides, edits, redirected, sleeps, changes }: PlanInput,
): { readonly plan: Plan } | { readonly conflicts: readonly [Reason, ...Reason[]] } {
  const conflicts: Reason[] = [];
  const application = draftApplication(view);
  const joined = fragments.map((fragment) => joinApplication(fragment, application, conflicts));
  const { lists, texts } = placeContainers(view, joined, overrides, conflicts);
  const volumes = placeVolumes(view, joined, changes.volumes, conflicts);
  conflicts.push(...listenedTwice(view, fragments));
  const [first, ...rest] = conflicts;
  if (first !== undefined) return { conflicts: [first, ...rest] };
  const plan = {
    templates: fragments.map(({ source }) => source),
    containers: lists,
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
    order: [],
    redirected,
    applicationEdits: application.edits(),
    remarks: application.remarks,
    texts,
  };
  return { plan };
}
