import { isSame, member, objectsMember, stringMember, type JsonObject } from '../../../json/json.ts';
import { names } from '../../../pod/conventions.ts';
import type { PodContainer } from '../../../pod/containers.ts';
import { settingsOf } from '../../namespace-defaults.ts';
import type { Fragment } from '../../../sidecars/fragment.ts';
import { volumesOf } from '../../../sidecars/standalone/proxy.ts';
import { builtInSidecar } from '../../../sidecars/template-library.ts';
import type { PodView } from '../../../pod/view.ts';
import { workloadOf } from '../../../pod/workload.ts';
import { isBuiltIn } from '../../plan/injected-container.ts';
import { findLeftovers } from '../../plan/leftovers.ts';
import { chooseSidecars, declareFragments } from '../../policy/selection.ts';
import { type Snapshot } from '../../snapshot.ts';
import type { Flavour } from '../flavour.ts';

/** Returns whether both run the same program of the same image. */
function isAlike(one: JsonObject, other: JsonObject): boolean {
  return ['image', 'command', 'args'].every((field) =>
    isSame(member(one, field) ?? null, member(other, field) ?? null),
  );
}

function isDeclared({ name, raw }: PodContainer, fragments: readonly Fragment[]): boolean {
  return fragments.some(({ containers }) =>
    containers.some(({ container }) => container.name === name && isAlike(container, raw)),
  );
}

const builtInNames: ReadonlySet<string | undefined> = new Set([
  names.initContainer,
  names.checkContainer,
  names.proxyContainer,
  names.logsVolume,
  names.podInfoVolume,
  names.tokenMaskVolume,
  names.adminVolume,
  names.meshTokenVolume,
]);

function namesOf({ templates }: Snapshot): ReadonlySet<string | undefined> {
  const known = new Set<string | undefined>();
  for (const { native } of templates.values()) {
    for (const { name } of [...native.containers.map(({ container }) => container), ...native.volumes]) known.add(name);
  }
  return known;
}

/** Returns whether names of the pod are those of injected containers or volumes; of most pods none is. */
function hasKnownNames(view: PodView, snapshot: Snapshot): boolean {
  const lists = [view.containers, view.initContainers, objectsMember(view.spec, 'volumes')];
  const areAmong = (known: ReadonlySet<string | undefined>): boolean =>
    lists.some((list) => list.some((one) => known.has(stringMember(one, 'name'))));
  return areAmong(builtInNames) || (snapshot.templates.size > 0 && areAmong(namesOf(snapshot)));
}

/** Returns what an earlier injection has left in a pod whose status annotation is missing. */
export const leftoversIn: Flavour['leftovers'] = (view, request, snapshot) => {
  if (!hasKnownNames(view, snapshot)) return undefined;
  const { effective, problems } = settingsOf(view, request, snapshot);
  if (problems.length > 0) return undefined;
  const owner = request.workload ?? workloadOf(view);
  const { chosen } = chooseSidecars(effective.templates, snapshot, { namespace: request.namespace, owner });
  const withProxy = chosen.has(builtInSidecar);
  const declared = declareFragments(chosen, view, request.namespace, snapshot.nativeSidecars, snapshot);
  const fragments = [...declared.fragments.values()];
  return findLeftovers(view, {
    isLeft: (container) => (withProxy && isBuiltIn(container)) || isDeclared(container, fragments),
    volumes: [...(withProxy ? volumesOf(effective) : []), ...fragments.flatMap(({ volumes }) => volumes)],
    statusPort: effective.proxy.statusPort,
  });
};
