import {
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  visit,
  type Alias,
  type Document,
  type Node,
  type YAMLMap,
} from 'yaml';
import { quote } from '../problem.ts';
import { isObject, type Json } from '../../json/json.ts';
import { withAdvice } from './advice.ts';
import { mostLevels } from './document.ts';
import { isMergePair, readKey, readScalar, Unfit } from './node.ts';
import { YamlNumber } from './scalar.ts';

/** A problem at a character of the text. */
export interface TextProblem {
  readonly offset: number;
  readonly message: string;
}

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

/** A value of YAML whose numbers are read as `N`. */
export type Tree<N> = null | boolean | string | N | readonly Tree<N>[] | { readonly [key: string]: Tree<N> };

type Members<N> = Readonly<Record<string, Tree<N>>>;

function createReader<N extends number | YamlNumber>(
  ofNumber: (number: YamlNumber) => N,
  findElsewhere: (alias: Alias) => unknown = () => undefined,
): (node: unknown) => Tree<N> {
  /** What an anchor names. Undefined as long as its own value is being read. */
  const anchors = new Map<string, Tree<N> | undefined>();
  let copies = 0;

  const isMembers = (value: Tree<N>): value is Members<N> => isObject(value) && !(value instanceof YamlNumber);

  // Every alias has a value of its own, so that one place can change without the others.
  const copy = (value: Tree<N>, alias: Alias): Tree<N> => {
    if (++copies > mostCopies) {
      throw new Unfit(`aliases stand for more than ${mostCopies} values; write them out, or split the document`, alias);
    }
    if (Array.isArray(value)) return (value as readonly Tree<N>[]).map((item) => copy(item, alias));
    if (!isMembers(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copy(inner, alias)]));
  };

  const aliased = (alias: Alias): Tree<N> => {
    const { source } = alias;
    if (!anchors.has(source)) {
      const node = findElsewhere(alias);
      if (node !== undefined) return read(node);
      throw new Unfit(`the alias *${source} names no anchor before it`, alias);
    }
    const value = anchors.get(source);
    if (value === undefined) throw new Unfit(`the alias *${source} stands inside its own anchor`, alias);
    return copy(value, alias);
  };

  const mergedBy = (value: unknown): readonly Members<N>[] => {
    const merged = read(value);
    // Of several maps, the first that has a key gives its value.
    const bases = Array.isArray(merged) ? (merged as readonly Tree<N>[]).toReversed() : [merged];
    if (bases.every(isMembers)) return bases;
    throw new Unfit('a merge key (<<) takes a map or a list of maps', value);
  };

  const readMap = (map: YAMLMap): Members<N> => {
    const members = new Map<string, Tree<N>>();
    const own = new Set<string>();
    for (const pair of map.items) {
      if (isMergePair(pair)) {
        for (const base of mergedBy(pair.value))
          for (const [key, value] of Object.entries(base)) members.set(key, value);
        continue;
      }
      const key = keyOf(pair.key);
      if (own.has(key))
        throw new Unfit(
          `Map keys must be unique: ${quote(key)} is there twice, and kubectl takes the last; remove one`,
          pair.key,
        );
      own.add(key);
      members.set(key, pair.value === null ? null : read(pair.value));
    }
    return Object.fromEntries(members);
  };

  const keyOf = (key: unknown): string => {
    if (!isAlias(key)) {
      const text = readKey(key);
      if (isScalar(key) && key.anchor !== undefined) read(key);
      return text;
    }
    const text = aliased(key);
    if (typeof text === 'string') return text;
    throw new Unfit('a key must be plain text; write quotes around it', key);
  };

  const readBare = (node: unknown): Tree<N> => {
    if (isMap(node)) return readMap(node);
    if (isSeq(node)) return node.items.map(read);
    if (!isScalar(node)) return null;
    const value = readScalar(node);
    if (!(value instanceof YamlNumber)) return value;
    if (Number.isFinite(value.value)) return ofNumber(value);
    throw new Unfit(notFinite(value.digits), node);
  };

  const read = (node: unknown): Tree<N> => {
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

function readWith<N extends number | YamlNumber>(
  document: Document,
  ofNumber: (number: YamlNumber) => N,
): { readonly value: Tree<N> } | TextProblem {
  const [error] = document.errors;
  if (error !== undefined) {
    const [message = ''] = error.message.split('\n');
    return { offset: error.pos[0], message: error.code === 'RESOURCE_EXHAUSTION' ? tooDeep : withAdvice(message) };
  }
  const deep = nodeBelow(document.contents, mostLevels);
  if (deep !== undefined) return { offset: offsetOf(deep), message: tooDeep };
  try {
    return { value: createReader(ofNumber)(document.contents) };
  } catch (problem) {
    if (problem instanceof Unfit) return { offset: offsetOf(problem.node), message: problem.message };
    throw problem;
  }
}

/**
 * The value of a document as Kubernetes reads it, or why it has none: errors of the parser, aliases without an anchor,
 * keys that are no texts or are there twice, numbers that are not finite, too many levels. Costs time that grows with
 * the text and what aliases stand for, which is bounded.
 */
export function readValue(document: Document): { readonly value: Json } | TextProblem {
  return readWith(document, ({ value }) => value);
}

/** Finds what an alias of the document names: the last node with the anchor before it. */
function createFinder(document: Document): (alias: Alias) => unknown {
  const anchored = new Map<string, Node[]>();
  visit(document, {
    Node: (_key, node) => {
      const anchor = 'anchor' in node ? node.anchor : undefined;
      if (anchor === undefined) return;
      const others = anchored.get(anchor);
      if (others === undefined) anchored.set(anchor, [node]);
      else others.push(node);
    },
  });
  return (alias) => anchored.get(alias.source)?.findLast((node) => offsetOf(node) < offsetOf(alias));
}

/** The value of a node of a document that has been read. */
export function readNode(node: unknown, document: Document): Json {
  let find: ((alias: Alias) => unknown) | undefined;
  return createReader(
    ({ value }) => value,
    (alias) => (find ??= createFinder(document))(alias),
  )(node);
}

/** The same value, with all digits of its numbers. */
export function readDigits(document: Document): { readonly value: Tree<YamlNumber> } | TextProblem {
  return readWith(document, (number) => number);
}
