import { isObject, member, objectMember, stringMember, type Json, type JsonObject } from '../json/json.ts';
import { escapeToken } from '../json/operation.ts';
import { holderSubjects } from './object-holders.ts';
import { pathsOf, placesAt } from './places.ts';
import { templateSubjects, type TemplateRow, type TemplateSubject } from './pod-templates.ts';
import { withoutTemplate } from './without-template.ts';

/** Paths of the pod templates by `Kind.group`, in any version. Kinds of the core group have no suffix. */
export type TemplatePaths = ReadonlyMap<string, readonly string[]>;

/** A pod template with its pointer in the document, or a pod itself. */
export interface FoundPod {
  readonly pointer: string;
  readonly value: JsonObject;
  /** The path that led to it, in which `*` stands for any item or member. */
  readonly path: string;
}

/** An object of a document. The injector decides about its pods. */
export interface FoundObject {
  /** Pointer of the object in its document. */
  readonly pointer: string;
  readonly object: JsonObject;
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly pods: readonly FoundPod[];
  /** Why there is no pod. Undefined if there is one. */
  readonly without: WithoutPod | undefined;
}

/** Why an object has no pod that could be injected. */
export interface WithoutPod {
  /** One sentence. */
  readonly reason: string;
  /** Whether the object makes pods nevertheless, as far as is known. */
  readonly makesPods: boolean;
}

/** `Kind.group`, by which the kind of an object is known in any version; the core group has no suffix. */
function kindKey(group: string, kind: string): string {
  return group === '' ? kind : `${kind}.${group}`;
}

function rowsByKind(subjects: readonly TemplateSubject[]): ReadonlyMap<string, TemplateRow> {
  const rows = subjects.flatMap((subject) => subject.rows);
  return new Map(rows.flatMap((row) => row.kinds.map((kind) => [kindKey(row.group, kind), row])));
}

const templates = rowsByKind(templateSubjects);
const holders = rowsByKind(holderSubjects);
const reasonsWithout = new Map(
  withoutTemplate.flatMap((row) => row.kinds.map((kind) => [kindKey(row.group, kind), row])),
);

/** `Kind.group` of the object. */
export function keyOf({ apiVersion, kind }: Pick<FoundObject, 'apiVersion' | 'kind'>): string {
  const slash = apiVersion.indexOf('/');
  return kindKey(slash === -1 ? '' : apiVersion.slice(0, slash), kind);
}

/** What else an injected object of this kind needs, if anything. */
export function cautionOf(object: Pick<FoundObject, 'apiVersion' | 'kind'>): string | undefined {
  return templates.get(keyOf(object))?.caution;
}

/** One `Kind.group=/path` that is valid, or what is wrong with it and what to write instead. */
export type ReadTemplatePath =
  { readonly key: string; readonly path: string } | { readonly problem: string; readonly remedy: string };

/**
 * Reads `Kind.group=/path`, such as `Service.serving.knative.dev=/spec/template`. Only kinds of the core group have no
 * group, and these are all known.
 */
export function readTemplatePath(text: string): ReadTemplatePath {
  const example = 'Service.serving.knative.dev=/spec/template';
  const match = /^([A-Za-z][A-Za-z0-9]*)((?:\.[a-z0-9-]+)*)=((?:\/[^/]+)+)$/.exec(text);
  const [, kind, suffix, path] = match ?? [];
  if (kind === undefined || suffix === undefined || path === undefined) {
    return { problem: 'is not KIND=PATH', remedy: `write Kind.group=/path of the pod template, such as ${example}` };
  }
  const key = `${kind}${suffix}`;
  if (suffix !== '' || templates.has(kind) || holders.has(kind)) return { key, path };
  const known = [...templates.keys()].filter((other) => other.startsWith(`${kind}.`));
  const such = known.length === 0 ? example : known.map((other) => `${other}=${path}`).join(' or ');
  const remedy = `write Kind.group=/path, with the group that apiVersion has before its slash, such as ${such}`;
  return { problem: 'names no API group', remedy };
}

function nameOf(object: JsonObject): string {
  const metadata = objectMember(object, 'metadata');
  const prefix = stringMember(metadata, 'generateName');
  return stringMember(metadata, 'name') ?? (prefix === undefined ? '(no name)' : `${prefix}*`);
}

function isPod(value: Json): value is JsonObject {
  return isObject(value) && isObject(member(value, 'spec'));
}

function looksLikePod(value: Json): boolean {
  const containers = isObject(value) ? member(objectMember(value, 'spec'), 'containers') : undefined;
  return Array.isArray(containers) && containers.length > 0 && containers.every(isObject);
}

function whyNoPod(
  object: JsonObject,
  key: string,
  paths: readonly string[] | undefined,
  isPartial: boolean,
): WithoutPod {
  if (paths !== undefined) {
    if (objectMember(objectMember(object, 'spec'), 'workloadRef') !== undefined)
      return { reason: 'its pods come from the workload that spec.workloadRef names', makesPods: false };
    const places = paths.map((path) => `${path}/spec`).join(', ');
    const reason = isPartial
      ? `has no containers at ${places}; its controller adds them, and only the webhook sees its pods`
      : `has no pod at ${places}`;
    return { reason, makesPods: true };
  }
  const known = reasonsWithout.get(key);
  if (known !== undefined) return { reason: `no known pod template: ${known.because}`, makesPods: known.makesPods };
  const { status: _, ...desired } = object;
  const guesses = [...pathsOf(desired, looksLikePod)].slice(0, 4);
  if (guesses.length === 0) return { reason: 'no known pod template', makesPods: false };
  const options = guesses.map((path) => `--pod-template '${key}=${path}'`).join(' ');
  return { reason: `no known pod template; ${options} takes what looks like one`, makesPods: true };
}

function hasContainers(pod: JsonObject): boolean {
  const containers = member(objectMember(pod, 'spec'), 'containers');
  return Array.isArray(containers) && containers.length > 0;
}

function findPods(object: JsonObject, pointer: string, paths: readonly string[], isPartial: boolean): FoundPod[] {
  const found = new Map<string, FoundPod>();
  for (const path of paths) {
    for (const place of placesAt(object, path)) {
      if (!isPod(place.value) || found.has(place.pointer)) continue;
      if (isPartial && !hasContainers(place.value)) continue;
      found.set(place.pointer, { pointer: pointer + place.pointer, value: place.value, path });
    }
  }
  return [...found.values()];
}

function findOne(
  object: JsonObject,
  pointer: string,
  type: Pick<FoundObject, 'apiVersion' | 'kind'>,
  paths: TemplatePaths,
): FoundObject {
  const key = keyOf(type);
  const row = templates.get(key);
  const isPartial = row?.isPartial === true;
  const own = paths.get(key) ?? row?.paths;
  const pods = findPods(object, pointer, own ?? [], isPartial);
  return {
    pointer,
    object,
    ...type,
    name: nameOf(object),
    namespace: stringMember(objectMember(object, 'metadata'), 'namespace'),
    pods,
    without: pods.length === 0 ? whyNoPod(object, key, own, isPartial) : undefined,
  };
}

/** Whether the value has a kind, as every Kubernetes object has. */
export function hasKind(value: Json): boolean {
  return isObject(value) && (stringMember(value, 'kind') ?? '') !== '';
}

/**
 * Finds all objects of a document, in order, including those of nested Lists and of other kinds that hold objects. The
 * `paths` of a kind take the place of those that are known. A value that is not a Kubernetes object yields none.
 */
export function findObjects(value: Json, paths: TemplatePaths = new Map(), pointer = ''): readonly FoundObject[] {
  return findTyped(value, paths, pointer, { apiVersion: '', kind: '' });
}

function findTyped(
  value: Json,
  paths: TemplatePaths,
  pointer: string,
  fallback: Pick<FoundObject, 'apiVersion' | 'kind'>,
): FoundObject[] {
  if (!isObject(value)) return [];
  const apiVersion = stringMember(value, 'apiVersion') ?? fallback.apiVersion;
  const kind = stringMember(value, 'kind') ?? fallback.kind;
  if (kind === '') return [];
  const items = member(value, 'items');
  if (kind.endsWith('List') && Array.isArray(items)) {
    // The items of a typed list from the API server, such as a PodList, have no kind and version of their own.
    const itemKind = kind.slice(0, -'List'.length);
    const itemType = { apiVersion: itemKind === '' ? '' : apiVersion, kind: itemKind };
    return (items as readonly Json[]).flatMap((item, index) =>
      findTyped(item, paths, `${pointer}/items/${escapeToken(String(index))}`, itemType),
    );
  }
  const type = { apiVersion, kind };
  const held = paths.has(keyOf(type)) ? undefined : holders.get(keyOf(type));
  if (held === undefined) return [findOne(value, pointer, type, paths)];
  return held.paths.flatMap((path) =>
    placesAt(value, path).flatMap((place) =>
      findTyped(place.value, paths, pointer + place.pointer, { apiVersion: '', kind: '' }),
    ),
  );
}
