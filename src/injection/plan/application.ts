import { isSame, member, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import { quote } from '../../grammar/problem.ts';
import { withoutTrailing } from '../../grammar/trailing.ts';
import type { ApplicationChange, ContainerSelector, Share } from '../../settings/schema/template.ts';
import { applicationContainers, type PodContainer } from '../../pod/containers.ts';
import type { PodView } from '../../pod/view.ts';

import { reason, type Reason } from '../policy/reason.ts';

/** Additions to one list of one of the pod's own containers. */
export interface ApplicationEdit {
  readonly at: PodContainer;
  readonly field: 'env' | 'volumeMounts';
  readonly items: readonly JsonObject[];
}

/** Returns `container: variables A, B` or `container: mounts /a, /b`. */
export function describeEdit({ at, field, items }: ApplicationEdit): string {
  const [what, key] = field === 'env' ? ['variables', 'name'] : ['mounts', 'mountPath'];
  return `${at.name}: ${what} ${items.map((item) => stringMember(item, key) ?? '').join(', ')}`;
}

interface Entry {
  readonly item: JsonObject;
  /** `the pod`, or the sidecar that added the entry. */
  readonly owner: string;
}

/** One of the pod's own containers with the additions of the sidecars so far. */
interface Drafted {
  readonly at: PodContainer;
  readonly name: string;
  readonly env: Entry[];
  readonly volumeMounts: Entry[];
}

const thePod = 'the pod';

/** The volume behind a share, and whether it has to be created. */
interface SharedVolume {
  readonly volume: string;
  readonly subPath: string | undefined;
  readonly isNew: boolean;
}

/** The pod's own containers while one sidecar after another changes them. */
export interface ApplicationDraft {
  /** Adds variables and mounts, and returns the reasons for which some cannot be added. */
  change(source: string, change: ApplicationChange): Reason[];
  /**
   * Finds or creates the volume behind a path of the application. Undefined if there is none and the share is optional.
   */
  share(source: string, share: Share): SharedVolume | undefined | { readonly conflict: Reason };
  edits(): ApplicationEdit[];
  readonly warnings: readonly string[];
}

/** Returns the path without a final slash, the form in which paths are compared. */
export function withoutFinalSlash(path: string): string {
  return path.length > 1 ? withoutTrailing(path, '/') : path;
}

/** Returns the path relative to the mounted folder: empty if they are the same, undefined if it is outside. */
function inside(mountPath: string, path: string): string | undefined {
  if (mountPath === path) return '';
  return path.startsWith(`${mountPath}/`) ? path.slice(mountPath.length + 1) : undefined;
}

function mountOf(container: Drafted, path: string): { readonly mount: JsonObject; readonly rest: string } | undefined {
  let best: { readonly mount: JsonObject; readonly rest: string } | undefined;
  for (const { item } of container.volumeMounts) {
    const rest = inside(withoutFinalSlash(stringMember(item, 'mountPath') ?? ''), path);
    if (rest !== undefined && (best === undefined || rest.length < best.rest.length)) best = { mount: item, rest };
  }
  return best;
}

function joined(...parts: readonly (string | undefined)[]): string | undefined {
  const present = parts.filter((part) => part !== undefined && part !== '');
  return present.length === 0 ? undefined : present.join('/');
}

/** Returns a draft of the pod as received. */
export function draftApplication(view: PodView): ApplicationDraft {
  const entries = (container: JsonObject, field: string): Entry[] =>
    objectsMember(container, field).map((item) => ({ item, owner: thePod }));
  let drafted: Drafted[] | undefined;
  // Most sidecars do not change the application; its containers are read only if one does.
  const containers = (): readonly Drafted[] => {
    drafted ??= applicationContainers(view).map((at) => ({
      at,
      name: at.name,
      env: entries(at.raw, 'env'),
      volumeMounts: entries(at.raw, 'volumeMounts'),
    }));
    return drafted;
  };
  const warnings: string[] = [];

  const select = (source: string, selector: ContainerSelector = 'all'): Drafted[] | { readonly missing: Reason } => {
    const own = containers().filter(({ at }) => at.list === 'containers');
    if (selector === 'all') return own;
    if (selector === 'first') return own.slice(0, 1);
    const missing = selector.filter((name) => !containers().some((container) => container.name === name));
    if (missing.length === 0) return containers().filter(({ name }) => selector.includes(name));
    const sentence = `sidecar ${quote(source)} is for container ${missing.map(quote).join(', ')}, which the pod does not have`;
    return { missing: reason('MissingInPod', sentence) };
  };

  const addMount = (source: string, container: Drafted, item: JsonObject): Reason | undefined => {
    const path = withoutFinalSlash(stringMember(item, 'mountPath') ?? '');
    const other = container.volumeMounts.find(
      (entry) => withoutFinalSlash(stringMember(entry.item, 'mountPath') ?? '') === path,
    );
    if (other === undefined) {
      container.volumeMounts.push({ item, owner: source });
      return undefined;
    }
    // A copy of an injected pod has it already.
    if (other.owner === thePod && stringMember(other.item, 'name') === stringMember(item, 'name')) return undefined;
    const who = other.owner === thePod ? thePod : `sidecar ${quote(other.owner)}`;
    return reason(
      'MountConflict',
      `sidecar ${quote(source)} mounts ${quote(path)} into container ${quote(container.name)}, where ${who} mounts volume ${quote(stringMember(other.item, 'name') ?? '')}`,
    );
  };

  const addVariable = (source: string, container: Drafted, item: JsonObject): Reason | undefined => {
    const name = stringMember(item, 'name') ?? '';
    const other = container.env.find((entry) => stringMember(entry.item, 'name') === name);
    if (other === undefined) container.env.push({ item, owner: source });
    else if (other.owner === thePod) {
      if (isSame(other.item, item)) return undefined;
      warnings.push(
        `container ${quote(container.name)} keeps its own variable ${name}; sidecar ${quote(source)} sets it too`,
      );
    } else if (JSON.stringify(other.item) !== JSON.stringify(item)) {
      return reason(
        'NameConflict',
        `variable ${quote(name)} of sidecar ${quote(source)} for container ${quote(container.name)} is also set by sidecar ${quote(other.owner)}`,
      );
    }
    return undefined;
  };

  return {
    warnings,
    change(source, change) {
      const selected = select(source, change.containers);
      if ('missing' in selected) return [selected.missing];
      return selected.flatMap((container) => [
        ...(change.env ?? []).flatMap((item) => addVariable(source, container, item as unknown as JsonObject) ?? []),
        ...(change.volumeMounts ?? []).flatMap(
          (item) => addMount(source, container, item as unknown as JsonObject) ?? [],
        ),
      ]);
    },
    share(source, { path: wanted, containers: selector, volume, optional }) {
      const path = withoutFinalSlash(wanted);
      const selected = select(source, selector);
      if ('missing' in selected) return optional === true ? undefined : { conflict: selected.missing };
      const found = selected.flatMap((container) => {
        const mounted = mountOf(container, path);
        return mounted === undefined ? [] : [{ container, ...mounted }];
      });
      const [first] = found;
      if (first === undefined) {
        if (volume === undefined) {
          if (optional === true) return undefined;
          const sentence = `sidecar ${quote(source)} shares ${quote(path)}, where no container of the pod has a volume; mount one there`;
          return { conflict: reason('MissingInPod', sentence) };
        }
        for (const container of selected) addMount(source, container, { name: volume.name, mountPath: path });
        return { volume: volume.name, subPath: undefined, isNew: true };
      }
      const name = stringMember(first.mount, 'name') ?? '';
      const other = found.find(({ mount }) => stringMember(mount, 'name') !== name);
      if (other !== undefined) {
        const sentence = `sidecar ${quote(source)} shares ${quote(path)}, where container ${quote(first.container.name)} mounts volume ${quote(name)} and container ${quote(other.container.name)} volume ${quote(stringMember(other.mount, 'name') ?? '')}`;
        return { conflict: reason('MountConflict', sentence) };
      }
      if (found.some(({ mount }) => member(mount, 'subPathExpr') !== undefined)) {
        const sentence = `sidecar ${quote(source)} shares ${quote(path)}, which container ${quote(first.container.name)} mounts with subPathExpr; only subPath can be shared`;
        return { conflict: reason('MountConflict', sentence) };
      }
      return { volume: name, subPath: joined(stringMember(first.mount, 'subPath'), first.rest), isNew: false };
    },
    edits: () =>
      (drafted ?? []).flatMap((container) =>
        (['env', 'volumeMounts'] as const).flatMap((field): ApplicationEdit[] => {
          const items = container[field].filter(({ owner }) => owner !== thePod).map(({ item }) => item);
          return items.length === 0 ? [] : [{ at: container.at, field, items }];
        }),
      ),
  };
}
