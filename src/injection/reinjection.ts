import { captureIntent, type ProxyIdentity } from '../sidecars/capture-intent.ts';
import type { PodView } from '../sidecars/pod-view.ts';
import { captureVariable, proxyArguments } from '../sidecars/proxy.ts';
import type { Workload } from '../sidecars/workload.ts';
import { renderIptables } from '../capture/iptables.ts';
import type { CaptureIntent } from '../capture/intent.ts';
import { names, proxyUser } from '../settings/constants.ts';
import type { Effective } from '../settings/effective.ts';
import { member, objectMember, objectsMember, stringMember, type Json, type JsonObject } from '../settings/json.ts';
import { readPodSettings } from '../settings/pod-settings.ts';
import type { Problem } from '../settings/problem.ts';
import { escapeToken, type Operation } from './operation.ts';
import { editOperations, originalActions } from './patch.ts';
import { planProbes, type ApplicationContainer } from './probes.ts';
import { statusAnnotation, writeRecord, type ContainerList, type Record as StatusRecord } from './record.ts';

export interface ReinjectionInput {
  readonly view: PodView;
  readonly record: StatusRecord;
  readonly base: Effective;
  readonly allowedImages: readonly string[];
  readonly workload: Workload;
  readonly containers: readonly ApplicationContainer[];
}

export interface Reinjection {
  /** Empty when nothing was added since. */
  readonly operations: readonly Operation[];
  readonly record: StatusRecord;
  /** Containers whose probes were added. */
  readonly containers: readonly string[];
  readonly remarks: readonly string[];
  readonly capture: CaptureIntent | undefined;
}

interface Place {
  readonly pointer: string;
  readonly container: JsonObject;
}

function find(view: PodView, name: string): Place | undefined {
  for (const list of ['initContainers', 'containers'] as const satisfies readonly ContainerList[]) {
    const index = view[list].findIndex((container) => stringMember(container, 'name') === name);
    const container = view[list][index];
    if (container !== undefined) return { pointer: `/spec/${list}/${index}`, container };
  }
  return undefined;
}

function identityOf(container: JsonObject): ProxyIdentity {
  const security = objectMember(container, 'securityContext');
  const id = (field: string, otherwise: number): number => {
    const value = security === undefined ? undefined : member(security, field);
    return typeof value === 'number' ? value : otherwise;
  };
  return { uid: id('runAsUser', proxyUser.uid), gid: id('runAsGroup', proxyUser.gid) };
}

/** Replaces the bootstrap inside the arguments; whatever else others changed in our container stays. */
function bootstrapOperation(place: Place, args: readonly string[]): Operation[] {
  const present = member(place.container, 'args');
  const at = Array.isArray(present) ? present.indexOf('--config-yaml') : -1;
  const bootstrap = args[args.indexOf('--config-yaml') + 1];
  if (at < 0 || bootstrap === undefined || !Array.isArray(present) || present[at + 1] === bootstrap) return [];
  return [{ op: 'replace', path: `${place.pointer}/args/${at + 1}`, value: bootstrap }];
}

function ruleOperations(place: Place, capture: CaptureIntent): Operation[] {
  const env = objectsMember(place.container, 'env');
  return capture.families.flatMap((family): Operation[] => {
    const index = env.findIndex((entry) => stringMember(entry, 'name') === captureVariable(family));
    const value = renderIptables(capture, family);
    if (index < 0 || stringMember(env[index], 'value') === value) return [];
    return [{ op: 'replace', path: `${place.pointer}/env/${index}/value`, value }];
  });
}

function mergeProbes(recorded: JsonObject, added: JsonObject): JsonObject {
  const merged = new Map<string, Json>(
    Object.entries(recorded).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
  for (const [name, fields] of Object.entries(added)) {
    merged.set(name, { ...objectMember(recorded, name), ...(fields as JsonObject) });
  }
  return Object.fromEntries(merged);
}

/**
 * A pod that carries our status and all our containers: only what containers added since need is done, that is their
 * probes. Everything else stays, because other webhooks and the API server's own plug-ins may have changed it.
 */
export function reinject(input: ReinjectionInput): Reinjection | { readonly problems: readonly Problem[] } {
  const { view, record } = input;
  const settings = readPodSettings(view.annotations, input.base, input.allowedImages);
  if (settings.problems.length > 0) return { problems: settings.problems };
  const { effective } = settings;
  const unchanged: Reinjection = { operations: [], record, containers: [], remarks: [], capture: undefined };
  const proxy = find(view, names.proxyContainer);
  if (proxy === undefined) return unchanged;
  const probes = planProbes(input.containers, effective, record.undo.probes);
  if (probes.edits.length === 0 && probes.exclude.length === 0) return unchanged;

  const identity = identityOf(proxy.container);
  const capture = captureIntent(effective, identity, probes.exclude);
  const init = find(view, names.initContainer);
  const args = proxyArguments({
    effective,
    native: true,
    workload: input.workload,
    identity,
    probes: probes.redirects,
    probePorts: probes.exclude,
  });
  const operations: Operation[] = [
    ...probes.edits.flatMap(editOperations),
    ...(probes.edits.length > 0 ? bootstrapOperation(proxy, args) : []),
    ...(init === undefined || capture === undefined ? [] : ruleOperations(init, capture)),
  ];
  if (operations.length === 0) return unchanged;
  const undo = { ...record.undo, probes: mergeProbes(record.undo.probes, originalActions(probes.edits)) };
  const next = { ...record, undo };
  if (probes.edits.length > 0) {
    operations.push({
      op: 'replace',
      path: `/metadata/annotations/${escapeToken(statusAnnotation)}`,
      value: writeRecord(next),
    });
  }
  const containers = new Set(probes.edits.map((edit) => stringMember(edit.at.container, 'name') ?? ''));
  return { operations, record: next, containers: [...containers], remarks: probes.remarks, capture };
}
