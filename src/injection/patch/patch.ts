import { containerLists, pointerOf } from '../../pod/containers.ts';
import type { PodView } from '../../pod/view.ts';
import { statusAnnotation } from '../../pod/conventions.ts';
import { isObject, member, objectsMember, stringMember, type Json, type JsonObject } from '../../json/json.ts';
import { annotationsTooLarge } from './annotation-size.ts';
import type { NotInjected, Proposal } from './proposal.ts';
import type { InjectionRequest } from '../decision.ts';
import { hashInputs } from '../inputs.ts';
import type { Snapshot } from '../snapshot.ts';
import { recordedSleeps, sleepOperation } from '../plan/prestop-sleep.ts';
import type { ApplicationEdit } from '../plan/application.ts';
import { escapeToken, type Operation } from '../../json/operation.ts';
import { allOf, type Additions, type Plan, type StatusNames } from '../plan/plan.ts';
import { changeOperations, originalsOf, volumeRemovals } from '../plan/pod-changes.ts';
import type { ProbeEdit } from '../plan/probes.ts';
import { writeStatus, type InjectionStatus, type RecordedEdit, type Undo } from './status.ts';

/** Parents that were created, as the undo record names them. */
interface Parents {
  readonly absent: string[];
  readonly null: string[];
}

function noteParent(parents: Parents, pointer: string, value: Json | undefined): void {
  (value === null ? parents.null : parents.absent).push(pointer);
}

/** Returns the operations that point one handler to the status port. */
export function editOperations(edit: ProbeEdit): Operation[] {
  const path = `${pointerOf(edit.at)}/${edit.field}`;
  if (edit.key === 'httpGet') return [{ op: 'replace', path: `${path}/httpGet`, value: edit.replacement }];
  return [
    { op: 'remove', path: `${path}/${edit.key}` },
    { op: 'add', path: `${path}/httpGet`, value: edit.replacement },
  ];
}

function listOf(edit: ApplicationEdit): Json | undefined {
  return member(edit.at.raw, edit.field);
}

/** Returns the operations that add entries to a list of one of the pod's own containers. */
export function additionOperations(edit: ApplicationEdit): Operation[] {
  const path = `${pointerOf(edit.at)}/${edit.field}`;
  if (!Array.isArray(listOf(edit))) return [{ op: 'add', path, value: edit.items }];
  return edit.items.map((value): Operation => ({ op: 'add', path: `${path}/-`, value }));
}

/** Returns the same edit for the undo record. */
export function recordedEdit(edit: ApplicationEdit): RecordedEdit {
  const key = edit.field === 'env' ? 'name' : 'mountPath';
  const present = listOf(edit);
  return {
    container: edit.at.name,
    field: edit.field,
    keys: edit.items.map((item) => stringMember(item, key) ?? ''),
    ...(Array.isArray(present) ? {} : { was: present === null ? 'null' : 'absent' }),
  };
}

function removalOperations(plan: Plan): Operation[] {
  return plan.overrides
    .toSorted((left, right) => right.index - left.index)
    .map((own) => ({ op: 'remove', path: pointerOf(own) }));
}

function listOperations(
  pointer: string,
  existing: Json | undefined,
  additions: { readonly first: readonly Json[]; readonly last: readonly Json[] },
  parents: Parents,
): Operation[] {
  const { first, last } = additions;
  if (first.length + last.length === 0) return [];
  if (!Array.isArray(existing)) {
    noteParent(parents, pointer, existing);
    return [{ op: 'add', path: pointer, value: [...first, ...last] }];
  }
  return [
    ...first.map((value, index): Operation => ({ op: 'add', path: `${pointer}/${index}`, value })),
    ...last.map((value): Operation => ({ op: 'add', path: `${pointer}/-`, value })),
  ];
}

function mapOperations(
  pointer: string,
  existing: Json | undefined,
  added: Readonly<Record<string, string>>,
  parents: Parents,
): Operation[] {
  const entries = Object.entries(added);
  if (entries.length === 0) return [];
  if (!isObject(existing)) {
    noteParent(parents, pointer, existing);
    return [{ op: 'add', path: pointer, value: added }];
  }
  return entries.map(([key, value]) => ({ op: 'add', path: `${pointer}/${escapeToken(key)}`, value }));
}

/** Returns the original actions of the edits for the undo record: container -> field -> action. */
export function originalActions(edits: readonly ProbeEdit[]): JsonObject {
  const containers = new Map<string, [string, Json][]>();
  for (const edit of edits) {
    const { name } = edit.at;
    const fields = containers.get(name) ?? [];
    fields.push([edit.field, { [edit.key]: edit.original }]);
    containers.set(name, fields);
  }
  return Object.fromEntries([...containers].map(([name, fields]) => [name, Object.fromEntries(fields)]));
}

function namesIn(additions: Additions): string[] {
  return [...new Set(allOf(additions).map(({ name }) => name))];
}

function namesOf(plan: Plan): StatusNames {
  return (
    plan.names ?? {
      initContainers: namesIn(plan.containers.initContainers),
      containers: namesIn(plan.containers.containers),
      volumes: namesIn(plan.volumes),
      imagePullSecrets: namesIn(plan.imagePullSecrets),
    }
  );
}

/** Returns the containers that are taken from their places, as the undo record has them. */
function takenContainers({ overrides, containers }: Plan): Undo['overrides'] {
  const added = new Set(containerLists.flatMap((list) => allOf(containers[list]).map(({ name }) => name)));
  return overrides.map(({ list, index, name, raw }) => ({
    list,
    index,
    container: raw,
    ...(added.has(name) ? {} : { removed: true as const }),
  }));
}

/**
 * Writes the plan as JSON Patch with its status annotation: minimal, parents created once, stable order. Edits of the
 * pod's own containers come first, while their indices are still valid, then removals from the back, then additions.
 * Denies the pod if its annotations would exceed the API server's limit.
 */
export function proposalOf(
  view: PodView,
  plan: Plan,
  request: InjectionRequest,
  snapshot: Snapshot,
  said: Pick<Proposal, 'reasons' | 'warnings' | 'added' | 'capture' | 'proxy'>,
): Proposal | NotInjected {
  const parents: Parents = { absent: [], null: [] };
  const field = (name: string): Json | undefined => member(view.spec, name);
  const operations: Operation[] = [];
  // One by one: a user's list may be longer than the number of arguments that a call accepts.
  const append = (more: readonly Operation[]): void => {
    for (const operation of more) operations.push(operation);
  };
  append(plan.edits.flatMap(editOperations));
  append(plan.sleeps.map(sleepOperation));
  append(plan.applicationEdits.flatMap(additionOperations));
  append(removalOperations(plan));
  append(volumeRemovals(plan.changes));
  for (const list of containerLists) {
    append(listOperations(`/spec/${list}`, field(list), plan.containers[list], parents));
  }
  for (const list of ['volumes', 'imagePullSecrets'] as const) {
    append(listOperations(`/spec/${list}`, field(list), plan[list], parents));
  }

  append(changeOperations(view, plan.changes));
  const metadata = member(view.pod, 'metadata');
  if (!isObject(metadata)) {
    noteParent(parents, '/metadata', metadata);
    operations.push({ op: 'add', path: '/metadata', value: {} });
  }
  const below = (name: string): Json | undefined => (isObject(metadata) ? member(metadata, name) : undefined);
  append(mapOperations('/metadata/labels', below('labels'), plan.labels, parents));
  const presentAnnotations = below('annotations');
  if (!isObject(presentAnnotations)) noteParent(parents, '/metadata/annotations', presentAnnotations);

  const names = namesOf(plan);
  const ownSecrets = new Set(
    objectsMember(view.spec, 'imagePullSecrets').map((one) => stringMember(one, 'name') ?? ''),
  );
  const undo: Undo = {
    absent: parents.absent,
    null: parents.null,
    probes: originalActions([...plan.edits, ...plan.redirected]),
    sleeps: recordedSleeps(plan.sleeps),
    edits: plan.applicationEdits.map(recordedEdit),
    labels: Object.keys(plan.labels),
    annotations: Object.keys(plan.annotations),
    overrides: takenContainers(plan),
    secrets: names.imagePullSecrets.filter((name) => ownSecrets.has(name)),
    own: originalsOf(view, plan.changes),
  };
  const record: InjectionStatus = {
    ...names,
    templates: plan.templates,
    revision: plan.revision,
    settingsHash: snapshot.hash,
    version: snapshot.version,
    inputs: hashInputs(request, snapshot),
    overruled: plan.overruled,
    undo,
  };
  const annotations = { ...plan.annotations, [statusAnnotation]: writeStatus(record) };
  append(mapOperations('/metadata/annotations', presentAnnotations, annotations, { absent: [], null: [] }));
  const tooLarge = annotationsTooLarge(view, annotations);
  return tooLarge ?? { operations, texts: plan.texts, record, ...said };
}
