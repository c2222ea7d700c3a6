import { isInjectedName, type PodContainer } from '../../pod/containers.ts';
import type { PodView } from '../../pod/view.ts';
import { member, objectsMember, stringMember, type Json, type JsonObject } from '../../json/json.ts';
import { quote } from '../../grammar/problem.ts';
import { reason, type Reason } from '../policy/reason.ts';

/** What the plan makes of the pod, as far as the pod's own copies and volumes matter. */
interface Result {
  /** Containers that are added, the pod's copies merged in. */
  readonly added: readonly JsonObject[];
  /** Names of volumes that are added, with those that take the place of the pod's own. */
  readonly volumes: readonly string[];
  /** Places of the pod's volumes that are taken out. */
  readonly removedVolumes: ReadonlySet<number>;
  /** Containers of the pod that are taken from their places. */
  readonly overrides: readonly PodContainer[];
}

function repeated(names: readonly string[]): string[] {
  const seen = new Set<string>();
  return [...new Set(names.filter((name) => seen.size === seen.add(name).size))];
}

function nameOf(object: JsonObject): string {
  return stringMember(object, 'name') ?? '';
}

function portText(port: JsonObject): string {
  const number: Json = member(port, 'containerPort') ?? null;
  return `${typeof number === 'number' ? number : JSON.stringify(number)}/${stringMember(port, 'protocol') ?? 'TCP'}`;
}

/** Returns what is wrong with one container that the pod has a copy of. */
function containerFaults(container: JsonObject, volumes: ReadonlySet<string>): string[] {
  const mounts = objectsMember(container, 'volumeMounts');
  const paths = mounts.map((mount) => stringMember(mount, 'mountPath') ?? '');
  const lost = mounts.map((mount) => stringMember(mount, 'name') ?? '').filter((name) => !volumes.has(name));
  const allowed = [...volumes].join(', ') || 'none';
  return [
    ...repeated(paths).map((path) => `volumeMounts: ${quote(path)} is there twice`),
    ...[...new Set(lost)].map((name) => `volumeMounts: ${quote(name)} is no volume of the pod; allowed: ${allowed}`),
    ...repeated(objectsMember(container, 'ports').map(portText)).map((port) => `ports: ${port} is there twice`),
  ];
}

/**
 * Returns why the pod's own containers and volumes would make no valid pod together with what is added: its copies of
 * injected containers mount what does not exist or one path twice, or a name is there twice. The API server would reject
 * the pod. Without these reasons such a pod would fail verification as if the injector were at fault.
 */
export function copyFaults(view: PodView, { added, volumes, removedVolumes, overrides }: Result): Reason[] {
  const taken = new Set(overrides.map(({ raw }) => raw));
  const staying = [...view.initContainers, ...view.containers].filter((container) => !taken.has(container));
  const own = objectsMember(view.spec, 'volumes').filter((_volume, index) => !removedVolumes.has(index));
  const others = overrides.filter(({ name }) => !isInjectedName(name)).map(({ raw }) => raw);
  // A StatefulSet's claims bring volumes that only the containers' mounts show.
  const claimed = [...staying, ...others].flatMap((container) => objectsMember(container, 'volumeMounts').map(nameOf));
  const known = new Set([...own.map(nameOf), ...volumes, ...claimed]);
  const copied = new Set(overrides.filter(({ name }) => isInjectedName(name)).map(({ name }) => name));
  const addedNames = new Set(added.map(nameOf));
  const twice = repeated([...staying, ...added].map(nameOf)).filter((name) => addedNames.has(name));
  const volumesTwice = repeated([...own.map(nameOf), ...volumes]).filter((name) => volumes.includes(name));
  return [
    ...twice.map((name) => reason('InvalidPod', `container ${quote(name)} is there twice`)),
    ...volumesTwice.map((name) => reason('InvalidPod', `volume ${quote(name)} is there twice`)),
    ...added
      .filter((container) => copied.has(nameOf(container)))
      .flatMap((container) =>
        containerFaults(container, known).map((fault) =>
          reason('InvalidOverride', `container ${quote(nameOf(container))}: ${fault}`),
        ),
      ),
  ];
}
