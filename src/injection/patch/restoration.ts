import { isInjectedName } from '../../pod/containers.ts';
import { isObject, stringMember, type JsonObject } from '../../json/json.ts';
import { quote } from '../../grammar/problem.ts';
import { builtInContainer } from '../../sidecars/standalone/proxy.ts';
import { anyIds, checkOverride } from '../plan/override-check.ts';
import type { InjectionStatus } from './status.ts';

/** Actions that are rewritten to the status port, and therefore the only ones that undo may restore. */
const rewrittenActions: ReadonlySet<string> = new Set(['httpGet', 'tcpSocket', 'grpc']);

function nameOf(object: JsonObject): string {
  return stringMember(object, 'name') ?? '';
}

/** Names of containers and volumes that the pod has. */
export interface PresentNames {
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
}

function handlerProblems(probes: JsonObject): string[] {
  return Object.entries(probes).flatMap(([container, fields]) =>
    Object.entries(isObject(fields) ? fields : {}).flatMap(([field, original]) => {
      const actions = Object.entries(isObject(original) ? original : {});
      const isRewritten = actions.every(([key, action]) => rewrittenActions.has(key) && isObject(action));
      return isRewritten ? [] : [`${field} of container ${quote(container)}`];
    }),
  );
}

function overrideProblems(
  { overruled, initContainers, containers, undo }: InjectionStatus,
  present: PresentNames,
): string[] {
  const known = new Set([...initContainers, ...containers, ...present.containers]);
  return undo.overrides.flatMap((override) => {
    const { list, container, removed } = override;
    const name = nameOf(container);
    if (overruled) {
      // One of Istio's values' templates may have moved or removed it.
      if (removed === true || known.has(name)) return [];
      return [`container ${quote(name)}, in whose place nothing was injected`];
    }
    if (!isInjectedName(name)) return [`container ${quote(name)}`];
    // The images allowed at the time are unknown; the image is shown to the user with everything else restored.
    const image = stringMember(container, 'image') ?? 'auto';
    return checkOverride(
      { list, name, raw: container },
      {
        image,
        allowedImages: [],
        caps: { capture: 'open' },
        taken: anyIds,
        // With the rights of the init container, whatever has an image would run.
        ours: image === 'auto' ? builtInContainer(name) : {},
        replaces: false,
      },
    ).map(({ where }) => where);
  });
}

function mapProblems(what: string, map: JsonObject): string[] {
  return Object.keys(map)
    .filter((key) => typeof map[key] !== 'string')
    .map((key) => `${what} ${quote(key)}, which is no text`);
}

function fieldWords(fields: JsonObject): string[] {
  return Object.keys(fields).map((name) => `the pod's ${name}`);
}

function ownProblems({ overruled, volumes, undo: { own } }: InjectionStatus, present: PresentNames): string[] {
  const known = new Set([...volumes, ...present.volumes]);
  return [
    ...mapProblems('label', own.labels),
    ...mapProblems('annotation', own.annotations),
    ...(overruled ? [] : fieldWords(own.fields)),
    ...own.volumes
      .filter(({ volume, removed }) => !overruled || !(removed === true || known.has(nameOf(volume))))
      .map(({ volume }) => `volume ${quote(nameOf(volume))}`),
  ];
}

/**
 * Returns what the status annotation would restore although no injection can have removed it. Anybody may write the
 * annotation, and what it hides would be applied with the rights of whoever removes the sidecar. Empty for a status of
 * ours.
 */
export function impossibleOriginals(record: InjectionStatus, present: PresentNames): string[] {
  return [
    ...overrideProblems(record, present),
    ...ownProblems(record, present),
    ...handlerProblems(record.undo.probes),
  ];
}

function fieldsOf(object: JsonObject): string {
  return Object.keys(object)
    .filter((key) => key !== 'name')
    .join(', ');
}

/**
 * Returns, for display, what is restored from the annotation and stood nowhere else in the manifest. Rewritten probes
 * are not listed.
 */
export function restoredParts({ undo: { overrides, own } }: InjectionStatus): string[] {
  const keysOf = (what: string, map: JsonObject): string[] => Object.keys(map).map((key) => `${what} ${quote(key)}`);
  return [
    ...overrides.map(({ container }) => `container ${quote(nameOf(container))} (${fieldsOf(container)})`),
    ...own.volumes.map(({ volume }) => `volume ${quote(nameOf(volume))} (${fieldsOf(volume)})`),
    ...fieldWords(own.fields),
    ...keysOf('label', own.labels),
    ...keysOf('annotation', own.annotations),
  ];
}
