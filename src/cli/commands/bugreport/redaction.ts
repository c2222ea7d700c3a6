import {
  isObject,
  member,
  objectMember,
  parseJson,
  stringMember,
  type Json,
  type JsonObject,
} from '../../../json/json.ts';
import { annotationNames } from '../../../pod/annotation-names.ts';
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
  const isTold = isOurs && !secretName.test(name) && value.length <= longestAnnotation && !value.includes('\n');
  return isTold ? redactText(value) : removed;
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
const secretMembers = new Set(['httpHeaders', 'headers', 'data', 'stringData', 'binaryData']);

/** Names of what is confidential by itself, unlike `secretName` and `credentialName`, which name an object. */
const secretWord =
  '(?:pass(?:word|wd|phrase)|secret|token|api[-_]?key|(?:access|private|secret)[-_]?key|credentials?|authorization)';
const secretName = new RegExp(`${secretWord}$`, 'i');

/** Members that are commands: of the injector's own containers they are told, of others they may hold anything. */
const commands = new Set(['command', 'args']);

/** A variable, a header or a parameter, whatever the list of it is called. */
function isNamedValue(value: JsonObject): boolean {
  const isNamed = ['name', 'header', 'key'].some((key) => stringMember(value, key) !== undefined);
  return isNamed && member(value, 'value') !== undefined;
}

function redactMember(key: string, inner: Json, isOwn: boolean): Json {
  if (key === 'managedFields') return [];
  if (key === 'annotations' && isObject(inner)) return redactAnnotations(inner);
  if (key === 'env') return redactVariables(inner);
  const isSecret = secretMembers.has(key) || (secretName.test(key) && ['string', 'number'].includes(typeof inner));
  return isSecret || (commands.has(key) && !isOwn) ? removed : redact(inner, isOwn);
}

function redact(value: Json, isOwn: boolean): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map((one) => redact(one, isOwn));
  if (typeof value === 'string') return redactText(value);
  if (!isObject(value)) return value;
  const isNamed = isNamedValue(value);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner = null]) => [
      key,
      isNamed && key === 'value' ? removed : redactMember(key, inner, isOwn),
    ]),
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

/** What texts of any kind have of secrets, such as logs, and by what it is replaced. */
const secretTexts: readonly (readonly [RegExp, string])[] = [
  // To its end, or as far as it looks like a key: a log may end within one, or cut one and go on. It may begin within one, too.
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----(?:\\[nr]|[\s\w+/=:,-])*?-----END [A-Z ]*PRIVATE KEY-----/g, removed],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?:\\[nr]|\s)*[\w+/=]{8,})*/g, removed],
  [/^(?:[\w+/=]+(?:\n|\\n))*[\w+/=]*(?:\n|\\n)?-----END [A-Z ]*PRIVATE KEY-----/g, removed],
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@"']+@/gi, `$1${removed}@`],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, removed],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{6,}/gi, `$1 ${removed}`],
  [
    new RegExp(String.raw`(${secretWord}(?:=|\\?["']\s*:\s*\\?["']))(?!\(removed\))[^\s"'\\,;&]+`, 'gi'),
    `$1${removed}`,
  ],
];

/** Any text without private keys, tokens, passwords of URLs, and what is called a password or the like. */
export function redactText(text: string): string {
  return secretTexts.reduce((rest, [pattern, replacement]) => rest.replaceAll(pattern, replacement), text);
}

/**
 * Whether an object of the injector's namespace is of the injector: it or its pods carry the label `app` or
 * `app.kubernetes.io/name` that the shipped manifests have. Somebody else's pods may be there too.
 */
export function isOwn(object: JsonObject): boolean {
  const template = objectMember(objectMember(object, 'spec'), 'template');
  const labels = [object, template].map((one) => objectMember(objectMember(one, 'metadata'), 'labels'));
  return labels.some((map) =>
    ['app', annotationNames.applicationName].some((key) => /^sidecar-injector(-|$)/.test(stringMember(map, key) ?? '')),
  );
}

/** The name of an object, for the name of its file. */
export function nameOf(object: JsonObject): string {
  return stringMember(objectMember(object, 'metadata'), 'name') ?? 'unnamed';
}
