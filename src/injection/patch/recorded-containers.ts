import {
  isObject,
  member,
  objectAt,
  objectMember,
  objectsMember,
  stringMember,
  type JsonObject,
} from '../../json/json.ts';
import { applicationContainers, containersOf, type PodContainer } from '../../pod/containers.ts';
import { statusAnnotation } from '../../pod/conventions.ts';
import { handlers, type Handler } from '../../pod/handler.ts';
import type { PodView } from '../../pod/view.ts';
import { quote } from '../../grammar/problem.ts';
import { isSleep } from '../plan/prestop-sleep.ts';
import type { InjectionStatus } from './status.ts';

/** A handler that calls the proxy, and the container and field of the original that its path names. */
export interface RedirectedHandler {
  /** Where the handler is now. */
  readonly field: Handler['field'];
  readonly path: string;
  readonly container: string;
  readonly original: Handler['field'];
}

/** Returns the handlers of a container that call the proxy. Somebody may have renamed the container or moved them. */
export function redirectedHandlers(container: JsonObject): RedirectedHandler[] {
  return handlers.flatMap(({ field, path: way }): RedirectedHandler[] => {
    const path = stringMember(objectMember(objectAt(container, way), 'httpGet'), 'path') ?? '';
    const [, folder, name, kind] = /^\/(app-health|app-lifecycle)\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    const original = handlers.find((handler) => handler.folder === folder && handler.kind === kind);
    return name === undefined || original === undefined
      ? []
      : [{ field, path, container: name, original: original.field }];
  });
}

/** Returns whether the record has the original of the handler. */
export function knowsOriginal({ undo }: InjectionStatus, handler: RedirectedHandler): boolean {
  return objectMember(objectMember(undo.probes, handler.container), handler.original) !== undefined;
}

/** What the record says that was added to one container of the application. */
interface Additions {
  readonly env: ReadonlySet<string>;
  readonly volumeMounts: ReadonlySet<string>;
  readonly sleep: JsonObject | undefined;
}

function additionsTo(name: string, { undo }: InjectionStatus): Additions {
  const keys = (field: 'env' | 'volumeMounts'): Set<string> =>
    new Set(undo.edits.filter((edit) => edit.container === name && edit.field === field).flatMap((edit) => edit.keys));
  return { env: keys('env'), volumeMounts: keys('volumeMounts'), sleep: objectMember(undo.sleeps, name) };
}

function hasAll(container: JsonObject, { env, volumeMounts, sleep }: Additions): boolean {
  const variables = new Set(objectsMember(container, 'env').map((one) => stringMember(one, 'name')));
  const paths = new Set(objectsMember(container, 'volumeMounts').map((one) => stringMember(one, 'mountPath')));
  return (
    [...env].every((name) => variables.has(name)) &&
    [...volumeMounts].every((path) => paths.has(path)) &&
    (sleep === undefined || isSleep(container, sleep))
  );
}

function mountsOneOf(container: JsonObject, volumes: ReadonlySet<string>): string | undefined {
  return objectsMember(container, 'volumeMounts')
    .map((mount) => stringMember(mount, 'name') ?? '')
    .find((name) => volumes.has(name));
}

/** The containers of the application under the names that the record knows. */
export interface RecordedContainers {
  /** The recorded name of a container, which is its own unless somebody has renamed or copied it. */
  readonly nameOf: (container: JsonObject) => string;
  /** What is added to a container that may or may not be a recorded one, one sentence each. */
  readonly doubts: readonly string[];
}

/**
 * Finds the containers that the record names, also those that somebody has renamed or copied since: a handler names its
 * container in its path, and a mount of an injected volume can only be ours.
 */
export function findRecorded(view: PodView, record: InjectionStatus): RecordedContainers {
  const { probes, sleeps, edits } = record.undo;
  const recorded = new Set([
    ...Object.keys(probes),
    ...Object.keys(sleeps),
    ...edits.map(({ container }) => container),
  ]);
  const injected = new Set([...record.initContainers, ...record.containers]);
  const application = applicationContainers(view).filter(({ name }) => !injected.has(name));
  const present = new Set(application.map(({ name }) => name));
  const strangers = application.filter(({ name }) => !recorded.has(name));
  const names = new Map<JsonObject, string>();
  for (const { raw } of strangers) {
    const named = redirectedHandlers(raw).find((handler) => knowsOriginal(record, handler));
    if (named !== undefined) names.set(raw, named.container);
  }
  const found = new Set(names.values());
  const volumes = new Set(record.volumes);
  const doubts: string[] = [];
  for (const name of recorded) {
    const additions = additionsTo(name, record);
    const isEmpty = additions.env.size + additions.volumeMounts.size === 0 && additions.sleep === undefined;
    if (isEmpty || present.has(name) || found.has(name)) continue;
    for (const { name: other, raw } of strangers) {
      if (names.has(raw) || !hasAll(raw, additions)) continue;
      if (additions.volumeMounts.size > 0 && mountsOneOf(raw, volumes) !== undefined) names.set(raw, name);
      else doubts.push(doubt(name, other, additions));
    }
  }
  return { nameOf: (container) => names.get(container) ?? stringMember(container, 'name') ?? '', doubts };
}

function doubt(name: string, other: string, { env, sleep }: Additions): string {
  const what = [...env].map(quote);
  if (sleep !== undefined) what.push('a sleep before its end');
  const remedy = `name the container ${quote(name)} again, or remove this and what ${statusAnnotation} says of ${quote(name)}`;
  return `container ${quote(other)} has ${what.join(', ')}, as was added to ${quote(name)}, which is gone; ${remedy}`;
}

const programs: readonly (readonly string[])[] = [['--config-yaml'], ['istio-iptables'], ['proxy', 'sidecar']];

function runsOurProgram(container: JsonObject): boolean {
  const args = member(container, 'args');
  return Array.isArray(args) && programs.some((words) => words.every((word) => args.includes(word)));
}

function leftContainers(view: PodView, record: InjectionStatus): string[] {
  const injected = { initContainers: new Set(record.initContainers), containers: new Set(record.containers) };
  const volumes = new Set(record.volumes);
  const remaining = containersOf(view).filter(({ list, name }) => !injected[list].has(name));
  return remaining.flatMap(({ name, raw }) => {
    const ours = record.undo.edits.flatMap(({ field, keys }) => (field === 'volumeMounts' ? keys : []));
    const own = {
      ...raw,
      volumeMounts: objectsMember(raw, 'volumeMounts').filter(
        (mount) => !ours.includes(stringMember(mount, 'mountPath') ?? ''),
      ),
    };
    const volume = mountsOneOf(own, volumes);
    if (volume !== undefined) return [`container ${quote(name)} mounts ${quote(volume)}, a volume of the sidecar`];
    return runsOurProgram(raw) ? [`container ${quote(name)} runs a program of the sidecar`] : [];
  });
}

/** Volumes that only injected containers mount, where the record names one that is gone. */
function leftVolumes(view: PodView, record: InjectionStatus): string[] {
  const volumes = objectsMember(view.spec, 'volumes').map((volume) => stringMember(volume, 'name') ?? '');
  if (record.volumes.every((name) => volumes.includes(name))) return [];
  const injected = new Set([...record.initContainers, ...record.containers]);
  const mounts = (ours: boolean): Set<string> =>
    new Set(
      containersOf(view)
        .filter(({ name }: PodContainer) => injected.has(name) === ours)
        .flatMap(({ raw }) => objectsMember(raw, 'volumeMounts').map((mount) => stringMember(mount, 'name') ?? '')),
    );
  const [byOurs, byOthers] = [mounts(true), mounts(false)];
  return volumes
    .filter((name) => !record.volumes.includes(name) && byOurs.has(name) && !byOthers.has(name))
    .map((name) => `volume ${quote(name)} is mounted by the sidecar alone`);
}

function isMissing(view: PodView, record: InjectionStatus): boolean {
  const present = new Set(containersOf(view).map(({ name }) => name));
  return [...record.initContainers, ...record.containers].some((name) => !present.has(name));
}

function leftHandlers(view: PodView, record: InjectionStatus): string[] {
  // Handlers that Istio's own injector had rewritten before stay as it left them.
  if (isObject(record.undo.own.annotations) && Object.hasOwn(record.undo.own.annotations, statusAnnotation)) return [];
  return applicationContainers(view).flatMap(({ name, raw }) =>
    redirectedHandlers(raw)
      .filter((handler) => !knowsOriginal(record, handler) && handler.container !== name)
      .map(({ field, path }) => `container ${quote(name)}: ${field} asks ${path} of the sidecar`),
  );
}

/**
 * Returns what of the injection would stay after it is undone, because somebody has renamed or moved it and the record
 * does not tell what it was; one sentence each.
 */
export function leftovers(view: PodView, record: InjectionStatus): string[] {
  const unknown = [
    ...(isMissing(view, record) ? leftContainers(view, record) : []),
    ...leftVolumes(view, record),
    ...leftHandlers(view, record),
  ];
  const remedy = `which ${statusAnnotation} does not name; give it the name that it had, or remove it`;
  return [...unknown.map((text) => `${text}, ${remedy}`), ...findRecorded(view, record).doubts];
}
