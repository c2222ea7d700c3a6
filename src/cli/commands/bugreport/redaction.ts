import {
  isObject,
  member,
  objectMember,
  parseJson,
  stringMember,
  type Json,
  type JsonObject,
} from '../../../json/json.ts';
import { statusAnnotation } from '../../../pod/conventions.ts';

const removed = '(removed)';

/** What of the status annotation is told: not the record to undo the injection, which holds parts of the pod. */
const toldOfStatus = ['initContainers', 'containers', 'volumes', 'revision', 'templates', 'settingsHash', 'version'];

/** Longer ones are files, such as a template's configuration, which may hold a password. */
const longestAnnotation = 200;

/** Annotations that repeat a whole object, or hold whatever somebody has written. */
function annotationText(name: string, value: string): string {
  if (name === statusAnnotation) {
    const status = parseJson(value);
    if (!isObject(status)) return removed;
    return JSON.stringify(Object.fromEntries(toldOfStatus.map((key) => [key, member(status, key) ?? null])));
  }
  const isOurs = /(^|\.)(sidecar-injector\.io|istio\.io)\//.test(name) && name !== 'proxy.istio.io/config';
  return isOurs && value.length <= longestAnnotation && !value.includes('\n') ? value : removed;
}

function redactAnnotations(annotations: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(annotations).map(([key, value]) => [
      key,
      typeof value === 'string' ? annotationText(key, value) : removed,
    ]),
  );
}

function redactVariables(variables: Json): Json {
  if (!Array.isArray(variables)) {
    return isObject(variables) ? Object.fromEntries(Object.keys(variables).map((name) => [name, removed])) : removed;
  }
  return (variables as readonly Json[]).map((one) =>
    isObject(one) && member(one, 'value') !== undefined ? { ...one, value: removed } : one,
  );
}

/** Members whose content may be a secret wherever they are. */
const secretMembers = new Set([
  'httpHeaders',
  'data',
  'stringData',
  'binaryData',
  'managedFields',
  'token',
  'password',
]);

/** Members that are commands: of the injector's own containers they are told, of others they may hold anything. */
const commands = new Set(['command', 'args']);

function redact(value: Json, isOwn: boolean): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map((one) => redact(one, isOwn));
  if (typeof value === 'string') return redactText(value);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner = null]): [string, Json] => {
      if (key === 'managedFields') return [key, []];
      if (key === 'annotations' && isObject(inner)) return [key, redactAnnotations(inner)];
      if (key === 'env') return [key, redactVariables(inner)];
      if (secretMembers.has(key) || (commands.has(key) && !isOwn)) return [key, removed];
      return [key, redact(inner, isOwn)];
    }),
  );
}

/**
 * Returns a copy of an object of the cluster without values of variables, annotations of others, headers of probes, contents of
 * Secrets and ConfigMaps, and the commands of containers.
 *
 * @param isOwn whether it is of the injector's installation, whose commands hold nothing confidential
 */
export function redactObject(object: JsonObject, isOwn: boolean): JsonObject {
  return redact(object, isOwn) as JsonObject;
}

/** A text without private keys, tokens, and passwords of URLs. A log may begin or end within a key. */
export function redactText(text: string): string {
  return text
    .replaceAll(/-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, removed)
    .replace(/^(?:[\w+/=]+(?:\n|\\n))*[\w+/=]*(?:\n|\\n)?-----END [A-Z ]*PRIVATE KEY-----/, removed)
    .replaceAll(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@"']+@/gi, `$1${removed}@`)
    .replaceAll(/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, removed)
    .replaceAll(/\b(Bearer|Basic)\s+[\w.~+/=-]{6,}/gi, `$1 ${removed}`);
}

/**
 * Whether an object of the injector's namespace is of the injector: it or its pods carry the label `app` or
 * `app.kubernetes.io/name` that the shipped manifests have. Somebody else's pods may be there too.
 */
export function isOwn(object: JsonObject): boolean {
  const template = objectMember(objectMember(object, 'spec'), 'template');
  const labels = [object, template].map((one) => objectMember(objectMember(one, 'metadata'), 'labels'));
  return labels.some((map) =>
    ['app', 'app.kubernetes.io/name'].some((key) => /^sidecar-injector(-|$)/.test(stringMember(map, key) ?? '')),
  );
}

/** The name of an object, for the name of its file. */
export function nameOf(object: JsonObject): string {
  return stringMember(objectMember(object, 'metadata'), 'name') ?? 'unnamed';
}
