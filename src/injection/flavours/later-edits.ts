import type { Fragment } from '../../sidecars/fragment.ts';
import type { PodView } from '../../pod/view.ts';
import { fragmentFor } from '../../sidecars/prepared-template.ts';
import { objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import type { ContainerSelector } from '../../settings/schema/template.ts';
import { withoutFinalSlash, type ApplicationEdit } from '../plan/application.ts';
import { applicationContainers, type PodContainer } from '../../pod/containers.ts';

import type { InjectionStatus } from '../patch/status.ts';
import type { Snapshot } from '../snapshot.ts';

function isForAll(selector: ContainerSelector | undefined): boolean {
  return selector === undefined || selector === 'all';
}

/**
 * Returns the fragments of the declared sidecars in the status annotation, with the pod's parameters. That they were
 * made with these settings has been checked before.
 */
export function recordedFragments(view: PodView, record: InjectionStatus, snapshot: Snapshot): Fragment[] {
  return record.templates.flatMap((reference) => {
    const template = snapshot.templates.get(reference);
    const made = template === undefined ? undefined : fragmentFor(template, view.annotations, true);
    return made !== undefined && 'fragment' in made ? [made.fragment] : [];
  });
}

function wantedMounts(fragment: Fragment, record: InjectionStatus): JsonObject[] {
  const shared = (fragment.share ?? []).flatMap(({ path, containers, volume }) =>
    volume !== undefined && isForAll(containers) && record.volumes.includes(volume.name)
      ? [{ name: volume.name, mountPath: withoutFinalSlash(path) }]
      : [],
  );
  const own = (fragment.application ?? []).flatMap(({ containers, volumeMounts = [] }) =>
    isForAll(containers) ? (volumeMounts as unknown as readonly JsonObject[]) : [],
  );
  return [...shared, ...own];
}

function wantedVariables(fragment: Fragment): JsonObject[] {
  return (fragment.application ?? []).flatMap(({ containers, env = [] }) =>
    isForAll(containers) ? (env as unknown as readonly JsonObject[]) : [],
  );
}

function missing(at: PodContainer, field: ApplicationEdit['field'], wanted: readonly JsonObject[]): JsonObject[] {
  const key = field === 'env' ? 'name' : 'mountPath';
  const keyOf = (item: JsonObject): string => withoutFinalSlash(stringMember(item, key) ?? '');
  const present = new Set(objectsMember(at.raw, field).map(keyOf));
  return wanted.filter((item) => !present.has(keyOf(item)));
}

/**
 * Returns the variables and mounts that sidecars add to every container, for containers that another webhook has added
 * since the injection. A container's own variables and mounts stay.
 */
export function laterEdits(view: PodView, record: InjectionStatus, fragments: readonly Fragment[]): ApplicationEdit[] {
  const known = new Set([...record.containers, ...record.undo.edits.map(({ container }) => container)]);
  const added = applicationContainers(view).filter(({ list, name }) => list === 'containers' && !known.has(name));
  if (added.length === 0) return [];
  const variables = fragments.flatMap(wantedVariables);
  const mounts = fragments.flatMap((fragment) => wantedMounts(fragment, record));
  return added.flatMap((at) =>
    [['env', variables] as const, ['volumeMounts', mounts] as const].flatMap(([field, wanted]): ApplicationEdit[] => {
      const items = missing(at, field, wanted);
      return items.length === 0 ? [] : [{ at, field, items }];
    }),
  );
}
