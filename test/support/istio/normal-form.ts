import { parseAllDocuments } from 'yaml';
import { findObjects } from '../../../src/manifests/workloads.ts';
import { injectionLabels } from '../../../src/injection/patch/injection-labels.ts';
import { isObject, stringMember, type Json, type JsonObject } from '../../../src/json/json.ts';
import { parseQuantity } from '../../../src/grammar/quantity.ts';

const jsonTexts = new Set([
  'PROXY_CONFIG',
  'ISTIO_META_POD_PORTS',
  'ISTIO_KUBE_APP_PROBERS',
  'ISTIO_PROMETHEUS_ANNOTATIONS',
  'sidecar.istio.io/status',
  'proxy.istio.io/overrides',
]);

/** Istio's injector has none like them. */
const ourLabels: readonly string[] = Object.values(injectionLabels);

const statusKeys = ['initContainers', 'containers', 'volumes', 'imagePullSecrets', 'revision'];

function isNothing(value: Json | undefined): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === 'object' && (Array.isArray(value) ? value.length : Object.keys(value).length) === 0;
}

function parsedText(key: string, value: Json): Json {
  if (typeof value !== 'string' || !jsonTexts.has(key)) return value;
  const parsed = JSON.parse(value) as JsonObject;
  if (key !== 'sidecar.istio.io/status') return parsed;
  return Object.fromEntries(statusKeys.map((name) => [name, parsed[name] ?? null]));
}

function amounts(value: Json): Json {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, amount = null]) => {
      const text = typeof amount === 'number' ? String(amount) : amount;
      return [key, (typeof text === 'string' ? parseQuantity(text) : undefined) ?? amount];
    }),
  );
}

/** Whatever re-serialising by Go's types changes, taken out of both sides. */
function normalise(value: Json, key = ''): Json {
  if (Array.isArray(value)) {
    const items = (value as readonly Json[]).map((item) => normalise(item, `${key}[]`));
    return items.filter((item) => !isNothing(item));
  }
  if (!isObject(value)) return value;
  const isVariable = key === 'env[]';
  const entries = Object.entries(value).flatMap(([name, raw = null]): [string, Json][] => {
    if (key === 'labels' && ourLabels.includes(name)) return [];
    if (name === 'creationTimestamp' || (name === 'initialDelaySeconds' && raw === 0)) return [];
    if (isVariable && name === 'value' && raw === '') return [];
    const text =
      isVariable && name === 'value' ? parsedText(stringMember(value, 'name') ?? '', raw) : parsedText(name, raw);
    const inner = name === 'requests' || name === 'limits' ? amounts(text) : text;
    const result = normalise(inner, name);
    return isNothing(result) ? [] : [[name, result]];
  });
  if (key === 'volumes[]' && entries.length === 1) entries.push(['emptyDir', {}]);
  return Object.fromEntries(entries);
}

/** One document's object with its pod, each normalised; without a pod the object is compared whole. */
export interface Compared {
  readonly object: JsonObject;
  readonly pod: JsonObject | undefined;
}

function without(object: Json, tokens: readonly string[]): Json {
  const [first, ...rest] = tokens;
  if (first === undefined || !isObject(object)) return null;
  return Object.fromEntries(
    Object.entries(object).map(([key, value = null]) => [key, key === first ? without(value, rest) : value]),
  );
}

/** Go's types write zeros of their own into what is not the pod. */
function withoutZeros(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(withoutZeros);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner = null]) =>
      key === 'status' || inner === false || inner === 0 || inner === '' ? [] : [[key, withoutZeros(inner)]],
    ),
  );
}

/** The objects of a document, those of Lists one by one. */
export function comparedOf(value: Json): Compared[] {
  return findObjects(value).map(({ object, pointer, pods: [pod] }): Compared => {
    if (pod === undefined) return { object: normalise(withoutZeros(object)) as JsonObject, pod: undefined };
    const { metadata, spec } = pod.value;
    const tokens = pod.pointer.slice(pointer.length).split('/').slice(1);
    const rest =
      tokens.length === 0
        ? Object.fromEntries(['apiVersion', 'kind'].map((key) => [key, object[key] ?? null]))
        : without(object, tokens);
    return {
      object: normalise(withoutZeros(rest)) as JsonObject,
      pod: normalise({ metadata: metadata ?? {}, spec: spec ?? {} }) as JsonObject,
    };
  });
}

/** Every object of a stream, those of Lists one by one. */
export function objectsOf(text: string): Compared[] {
  const documents = parseAllDocuments(text, { version: '1.1' });
  return Array.isArray(documents) ? documents.flatMap((document) => comparedOf(document.toJS() as Json)) : [];
}
