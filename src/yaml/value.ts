import { isAlias, isCollection, isMap, isPair, isScalar, isSeq, type Alias, type Document, type YAMLMap } from 'yaml';
import { quote } from '../grammar/problem.ts';
import { isObject, type Json, type JsonObject } from '../json/json.ts';
import { isMergePair } from './expand.ts';

/** A problem at a character of the text. */
export interface TextProblem {
  readonly offset: number;
  readonly message: string;
}

/** Deeper than any object of Kubernetes, and not so deep that a walk of its values would fill the stack. */
export const mostLevels = 500;
export const tooDeep = `is nested too deeply; allowed: ${mostLevels} levels`;

/** All aliases of a document may stand for so many values together: a small text can ask for billions. */
const mostCopies = 100_000;

/** What is wrong with a number that JSON cannot say, such as `.inf` or `1e400`. */
export function notFinite(source: string): string {
  return `${quote(source)} is no finite number, and Kubernetes reads no other; write another, or quotes for a text`;
}

function offsetOf(node: unknown): number {
  return (node as { readonly range?: readonly number[] } | null | undefined)?.range?.[0] ?? 0;
}

class Unfit extends Error {
  readonly offset: number;

  constructor(message: string, node: unknown) {
    super(message);
    this.offset = offsetOf(node);
  }
}

/** The first node below so many levels, if there is one. */
function nodeBelow(node: unknown, levels: number): unknown {
  if (levels < 0) return node;
  if (!isCollection(node)) return undefined;
  for (const item of node.items) {
    for (const child of isPair(item) ? [item.key, item.value] : [item]) {
      const found = nodeBelow(child, levels - 1);
      if (found !== undefined && found !== null) return found;
    }
  }
  return undefined;
}

/** What an anchor names. Undefined as long as its own value is being read. */
type Anchors = Map<string, Json | undefined>;

function createReader(): (node: unknown) => Json {
  const anchors: Anchors = new Map();
  let copies = 0;

  // Every alias has a value of its own, so that one place can change without the others.
  const copy = (value: Json, alias: Alias): Json => {
    if (++copies > mostCopies) {
      throw new Unfit(`aliases stand for more than ${mostCopies} values; write them out, or split the document`, alias);
    }
    if (Array.isArray(value)) return value.map((item: Json) => copy(item, alias));
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner = null]) => [key, copy(inner, alias)]));
  };

  const aliased = (alias: Alias): Json => {
    const { source } = alias;
    if (!anchors.has(source)) throw new Unfit(`the alias *${source} names no anchor before it`, alias);
    const value = anchors.get(source);
    if (value === undefined) throw new Unfit(`the alias *${source} stands inside its own anchor`, alias);
    return copy(value, alias);
  };

  const keyOf = (key: unknown): string => {
    if (!isScalar(key)) throw new Unfit('a key must be plain text', key);
    const value = read(key) as string | number | boolean | null;
    return value === null ? '' : String(value);
  };

  const mergedBy = (value: unknown): readonly JsonObject[] => {
    const merged = read(value);
    const bases = Array.isArray(merged) ? (merged as readonly Json[]) : [merged];
    if (bases.every(isObject)) return bases;
    throw new Unfit('a merge key (<<) takes a map or a list of maps', value);
  };

  const readMap = (map: YAMLMap): JsonObject => {
    const members = new Map<string, Json>();
    const merged: (readonly [string, Json])[] = [];
    for (const pair of map.items) {
      if (isMergePair(pair)) {
        merged.push(...mergedBy(pair.value).flatMap((base) => Object.entries(base) as [string, Json][]));
        continue;
      }
      const key = keyOf(pair.key);
      if (members.has(key)) throw new Unfit('Map keys must be unique', pair.key);
      members.set(key, pair.value === null ? null : read(pair.value));
    }
    for (const [key, value] of merged) if (!members.has(key)) members.set(key, value);
    return Object.fromEntries(members);
  };

  const readBare = (node: unknown): Json => {
    if (isMap(node)) return readMap(node);
    if (isSeq(node)) return node.items.map(read);
    if (!isScalar(node)) return null;
    const { value } = node;
    if (typeof value === 'number' && !Number.isFinite(value)) {
      const { source = String(value) } = node;
      // What is too large for a number is a text in kubectl: `12e4567` is the start of a commit's hash.
      if (/\d/.test(source)) return source;
      throw new Unfit(notFinite(source), node);
    }
    if (value === null || ['string', 'number', 'bigint', 'boolean'].includes(typeof value)) return value as Json;
    throw new Unfit('is no value that JSON has', node);
  };

  const read = (node: unknown): Json => {
    if (isAlias(node)) return aliased(node);
    const anchor = isScalar(node) || isCollection(node) ? node.anchor : undefined;
    if (anchor === undefined) return readBare(node);
    anchors.set(anchor, undefined);
    const value = readBare(node);
    anchors.set(anchor, value);
    return value;
  };

  return read;
}

/**
 * The value of a document as Kubernetes reads it, or why it has none: errors of the parser, aliases without an anchor,
 * keys that are no texts or are there twice, numbers that are not finite, too many levels. Costs time that grows with
 * the text and what aliases stand for, which is bounded.
 */
export function readValue(document: Document): { readonly value: Json } | TextProblem {
  const [error] = document.errors;
  if (error !== undefined) {
    const [message = ''] = error.message.split('\n');
    return { offset: error.pos[0], message: error.code === 'RESOURCE_EXHAUSTION' ? tooDeep : message };
  }
  const deep = nodeBelow(document.contents, mostLevels);
  if (deep !== undefined) return { offset: offsetOf(deep), message: tooDeep };
  try {
    return { value: createReader()(document.contents) };
  } catch (problem) {
    if (problem instanceof Unfit) return { offset: problem.offset, message: problem.message };
    throw problem;
  }
}
