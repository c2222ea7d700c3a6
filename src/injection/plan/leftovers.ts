import { isObject, isSame, member, objectAt, objectMember, objectsMember, stringMember } from '../../json/json.ts';
import type { Json, JsonObject, NamedObject } from '../../json/json.ts';
import type { Operation } from '../../json/operation.ts';
import { applicationContainers, containersOf, pointerOf, type PodContainer } from '../../pod/containers.ts';
import { handlers } from '../../pod/handler.ts';
import type { PodView } from '../../pod/view.ts';
import { quote } from '../../grammar/problem.ts';

/**
 * What an earlier injection has left in a pod that has no status annotation to tell so: `kubectl debug --copy-to` and other
 * tools copy the spec of a pod and drop its annotations.
 */
export interface Leftovers {
  /** Take them out of the pod, which is then injected anew. */
  readonly operations: readonly Operation[];
  readonly warnings: readonly string[];
}

/** Members that the API server fills in where they are missing (kubernetes/pkg/apis/core/v1/defaults.go). */
const serverDefaults: ReadonlyMap<string, Json> = new Map<string, Json>([
  ['defaultMode', 0o644],
  ['apiVersion', 'v1'],
]);

/** Returns whether the value is what was wanted, or that with the API server's defaults. */
function isDefaulted(value: Json | undefined, wanted: Json | undefined): boolean {
  if (Array.isArray(value) && Array.isArray(wanted)) {
    return value.length === wanted.length && value.every((item: Json, at) => isDefaulted(item, wanted[at] as Json));
  }
  if (!isObject(value) || !isObject(wanted)) return isSame(value, wanted);
  const keys = new Set([...Object.keys(value), ...Object.keys(wanted)]);
  return [...keys].every((key) => {
    const [present, expected] = [member(value, key), member(wanted, key)];
    return isDefaulted(present, expected) || (expected === undefined && serverDefaults.get(key) === present);
  });
}

/** What would be injected, and by which its remains are known. */
export interface Injected {
  readonly isLeft: (container: PodContainer) => boolean;
  readonly volumes: readonly NamedObject[];
  /** Port on which the proxy answers the application's probes; undefined if those are left alone. */
  readonly statusPort: number | undefined;
}

/**
 * Returns the handlers that point to the proxy, whose originals are known to nobody any more. No proxy would answer them,
 * and the pod would never get ready, or be restarted for ever.
 */
function lostHandlers(
  view: PodView,
  { statusPort }: Injected,
): { readonly at: PodContainer; readonly field: string }[] {
  return applicationContainers(view).flatMap((at) =>
    handlers
      .filter(({ path, folder, kind }) => {
        const action = objectMember(objectAt(at.raw, path), 'httpGet');
        const isOurs = stringMember(action, 'path') === `/${folder}/${at.name}/${kind}`;
        return isOurs && member(action, 'port') === statusPort;
      })
      .map(({ field }) => ({ at, field })),
  );
}

/** Returns what is left of an earlier injection, or undefined if there is nothing. */
export function findLeftovers(view: PodView, injected: Injected): Leftovers | undefined {
  const containers = containersOf(view).filter(injected.isLeft);
  const wanted = new Map(injected.volumes.map((volume) => [volume.name, volume]));
  const isVolume = (volume: JsonObject): boolean => {
    const same = wanted.get(stringMember(volume, 'name') ?? '');
    return same !== undefined && isDefaulted(volume, same);
  };
  const volumes = objectsMember(view.spec, 'volumes').flatMap((volume, index) =>
    isVolume(volume) ? [{ index, name: stringMember(volume, 'name') ?? '' }] : [],
  );
  if (containers.length + volumes.length === 0) return undefined;
  const lost = lostHandlers(view, injected).filter(({ at }) => !containers.some((one) => one.raw === at.raw));
  const found = [
    ...containers.map(({ name }) => `container ${quote(name)}`),
    ...volumes.map(({ name }) => `volume ${quote(name)}`),
  ];
  return {
    operations: [
      ...lost.map(({ at, field }): Operation => ({ op: 'remove', path: `${pointerOf(at)}/${field}` })),
      ...[...containers]
        .toSorted((left, right) => right.index - left.index)
        .map((container): Operation => ({ op: 'remove', path: pointerOf(container) })),
      ...volumes.toReversed().map(({ index }): Operation => ({ op: 'remove', path: `/spec/volumes/${index}` })),
    ],
    warnings: [
      `left by an earlier injection without its status annotation, and made anew: ${found.join(', ')}`,
      ...lost.map(
        ({ at, field }) =>
          `container ${quote(at.name)}: ${field} asks the proxy of an earlier injection for what is no longer known; it is taken out`,
      ),
    ],
  };
}
