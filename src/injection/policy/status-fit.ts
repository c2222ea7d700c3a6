import type { PodView } from '../../pod/view.ts';
import type { Fragment } from '../../sidecars/fragment.ts';
import { builtInSidecar, nameOf } from '../../sidecars/template-library.ts';
import { names } from '../../pod/conventions.ts';
import type { PodSettings } from '../../settings/effective.ts';
import { isAllowedImage } from '../../settings/pod-checks.ts';
import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import { quote } from '../../grammar/problem.ts';

import type { NotInjected } from '../patch/proposal.ts';
import { reason, type Reason } from './reason.ts';
import { containerLists, containersOf, isInjectedName, type PodContainer } from '../../pod/containers.ts';
import type { InjectionStatus } from '../patch/status.ts';
import { prohibitions } from './selection.ts';
import type { Snapshot } from '../snapshot.ts';

/** Maximum number of names in a sentence; a user may have written any number. */
const shownNames = 8;

function listed(found: readonly string[]): string {
  const more = found.length > shownNames ? ` and ${found.length - shownNames} more` : '';
  return `${found.slice(0, shownNames).map(quote).join(', ')}${more}`;
}

function twice(found: readonly string[]): string[] {
  const seen = new Set<string>();
  return found.filter((name) => seen.size === seen.add(name).size);
}

/** Returns the containers that the status annotation names and the pod does not have. */
function missingContainers(view: PodView, record: InjectionStatus): string[] {
  return containerLists.flatMap((list) => {
    const present = new Set(view[list].map((container) => stringMember(container, 'name')));
    return record[list].filter((name) => !present.has(name));
  });
}

/** Most entries of a status that is undone here: an injection writes some dozens, and anybody may write any number. */
const mostEntries = 256;

function isLong({ initContainers, containers, volumes, imagePullSecrets, undo }: InjectionStatus): boolean {
  const { absent, labels, annotations, edits, overrides, own } = undo;
  const lists = [initContainers, containers, volumes, imagePullSecrets, absent, undo.null, labels, annotations];
  const keyed = [undo.probes, undo.sleeps, own.labels, own.annotations].map((map) => Object.keys(map));
  return [...lists, ...keyed, edits, overrides, own.volumes].some(({ length }) => length > mostEntries);
}

/**
 * Returns whether the pod is a copy without any init containers of an injected one (`kubectl debug --copy-to
 * --keep-init-containers=false --keep-annotations`): all that the status names besides them is there.
 */
export function lacksInitContainers(view: PodView, record: InjectionStatus): boolean {
  if (record.initContainers.length === 0 || view.initContainers.length > 0 || isLong(record)) return false;
  const namesIn = (list: readonly JsonObject[]): ReadonlySet<string | undefined> =>
    new Set(list.map((one) => stringMember(one, 'name')));
  const [containers, volumes] = [namesIn(view.containers), namesIn(objectsMember(view.spec, 'volumes'))];
  return record.containers.every((name) => containers.has(name)) && record.volumes.every((name) => volumes.has(name));
}

function namesProxy({ initContainers, containers }: InjectionStatus): boolean {
  return initContainers.includes(names.proxyContainer) || containers.includes(names.proxyContainer);
}

/**
 * Returns why no injection can have written the status annotation for this pod, whatever the settings were, or
 * undefined if one can. Anybody may write the annotation, so one that names nothing, or names what does not exist, is
 * worse than none.
 */
function misfitOf(view: PodView, record: InjectionStatus): string | undefined {
  const { templates, initContainers, containers, volumes, imagePullSecrets } = record;
  if (templates.length === 0) return 'names no sidecar';
  if (templates.includes(builtInSidecar) && !namesProxy(record))
    return `says that the proxy was injected, but does not name its container ${names.proxyContainer}`;
  const repeated = [[...initContainers, ...containers], volumes, imagePullSecrets, templates].flatMap(twice);
  if (repeated.length > 0) return `names ${listed(repeated)} twice`;
  const missing = missingContainers(view, record);
  return missing.length === 0 ? undefined : `says that ${listed(missing)} was injected, but it is not there`;
}

function isPrivileged(container: JsonObject | undefined): boolean {
  const security = objectMember(container, 'securityContext');
  return security !== undefined && member(security, 'privileged') === true;
}

/**
 * Returns whether the container has a bootstrap in its arguments, as the standalone proxy does. Without one it belongs
 * to another program.
 */
export function hasBootstrap(container: JsonObject): boolean {
  const args = member(container, 'args');
  return Array.isArray(args) && args.includes('--config-yaml');
}

function injectedOf(view: PodView, record: InjectionStatus): readonly PodContainer[] {
  const named = new Set([...record.initContainers, ...record.containers]);
  return containersOf(view).filter(({ name }) => named.has(name));
}

/**
 * Returns why the snapshot's settings, with the flavour's built-in sidecars, cannot have chosen the recorded sidecars
 * for this pod: they do not have them, do not allow them here, or require others. Empty if they can.
 */
export function misfitSidecars(
  record: InjectionStatus,
  wanted: readonly string[],
  builtIn: readonly string[],
  namespace: string,
  snapshot: Snapshot,
): Reason[] {
  const declared = record.templates.filter((reference) => !builtIn.includes(reference));
  const unknown = declared.filter((reference) => !snapshot.templates.has(reference));
  const found = declared.flatMap((reference) => {
    const template = snapshot.templates.get(reference);
    return template === undefined ? [] : prohibitions(template, namespace, snapshot);
  });
  if (unknown.length > 0) found.push(damagedStatus(`names ${listed(unknown)}, which is no sidecar of the settings`));
  const chosen = new Set(record.templates.map(nameOf));
  const left = wanted.filter((name) => !chosen.has(nameOf(name)));
  if (left.length > 0) found.push(damagedStatus(`does not name ${listed(left)}, which the pod is to have`));
  return found;
}

/**
 * In standalone mode, returns why the recorded containers are not those of the recorded sidecars: foreign containers,
 * or a proxy that is not ours. In istiod mode a pod may override its proxy completely, so nothing can be said about it
 * there.
 */
export function strangersIn(view: PodView, record: InjectionStatus, fragments: readonly Fragment[]): Reason[] {
  const known = new Set(fragments.flatMap(({ containers }) => containers.map(({ container }) => container.name)));
  const recorded = [...record.initContainers, ...record.containers];
  const foreign = recorded.filter((name) => !known.has(name) && !isInjectedName(name));
  const sentences =
    foreign.length === 0 ? [] : [`names the container ${listed(foreign)}, which is none of its sidecars'`];
  for (const { name, raw } of injectedOf(view, record)) {
    if (isInjectedName(name) && isPrivileged(raw))
      sentences.push(`says that ${quote(name)} was injected, but that is privileged`);
    if (name === names.proxyContainer && !hasBootstrap(raw))
      sentences.push(`says that ${quote(name)} was injected, but that has no configuration of ours`);
  }
  return sentences.map(damagedStatus);
}

/** Returns the reason for a status annotation that no injection of this pod can have written. */
export function damagedStatus(sentence: string): Reason {
  const remedy = 'take the annotation out, or run `sidecar-injector uninject`';
  return reason('IncompleteInjection', `sidecar.istio.io/status ${sentence}; ${remedy}`);
}

/**
 * Returns injected containers whose image is neither that of the settings nor on their allow-list. The cause is a
 * webhook that rewrites images, or a pod whose own container has the name of ours; the status annotation alone does not
 * tell the two apart.
 */
export function foreignImages(
  view: PodView,
  record: InjectionStatus,
  { proxy, capture }: PodSettings,
  fragments: readonly Fragment[],
  allowedImages: readonly string[],
): Reason[] {
  const images = new Map([
    ...fragments.flatMap(({ containers }) =>
      containers.map(({ container }) => [container.name, stringMember(container, 'image')] as const),
    ),
    [names.initContainer, capture.image] as const,
    [names.checkContainer, capture.image] as const,
    [names.proxyContainer, proxy.image] as const,
  ]);
  return injectedOf(view, record).flatMap(({ name, raw }) => {
    const image = stringMember(raw, 'image') ?? '';
    const ours = images.get(name) ?? '';
    if (image === ours || isAllowedImage(image, allowedImages)) return [];
    const sentence = `container ${quote(name)} runs ${quote(image)} and not ${quote(ours)}; who rewrites images adds theirs to proxy.allowedImages`;
    return [reason('ForeignImage', sentence)];
  });
}

/** Returns why a pod with this status annotation is not processed any further, or undefined if it is. */
export function refusalOf(view: PodView, record: InjectionStatus, snapshot: Snapshot): NotInjected | undefined {
  const misfit = misfitOf(view, record);
  if (misfit !== undefined) return { outcome: 'deny', reasons: [damagedStatus(misfit)] };
  if (record.settingsHash === snapshot.hash) return undefined;
  const message = `injected with the settings ${quote(record.settingsHash)}, now they are ${snapshot.hash}; left alone`;
  return { outcome: 'skip', reasons: [reason('OtherSettings', message)] };
}
