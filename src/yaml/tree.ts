import {
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  Pair,
  Scalar,
  visit,
  type Document,
  type Node,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { Operation } from '../json/operation.ts';
import { isObject, member, type Json, type JsonObject } from '../json/json.ts';
import { isMergePair, readKey } from '../grammar/yaml/node.ts';
import { readNode } from '../grammar/yaml/value.ts';
import { listIndex, pointerTokens } from '../json/pointer.ts';

export type Collection = YAMLMap | YAMLSeq;

/** The parent of a node: the collection, and the pair or list item in it that holds the node. */
export interface Owner {
  readonly collection: Collection;
  readonly item: unknown;
}

/** What operations changed in a parsed document. Parsed nodes keep their identity, so that their text can be kept. */
export interface Changes {
  /** Items of each changed collection as they were parsed. */
  readonly parsedItems: Map<Collection, readonly unknown[]>;
  /** Former value of every pair whose value was replaced. */
  readonly formerValues: Map<Pair, unknown>;
  readonly owners: Map<Collection, Owner>;
  /**
   * Values added by operations, keyed by their placeholder scalar. Nodes are created only if a later operation descends
   * into the value or if the library has to print it.
   */
  readonly values: Map<unknown, Json>;
  /** Pairs that stand where an operation has just taken another one away, such as one action of a probe for another. */
  readonly successors: Map<Pair, Pair>;
}

/** A pair that the last operation has taken away, and where it stood. */
interface Gap {
  readonly map: YAMLMap;
  readonly pair: Pair;
  readonly index: number;
}

/** The path leads through an alias, a merge key or an anchor, so that a change would also show in other places. */
function sharedNode(): Error {
  return new Error('the document shares what is to be changed; it has to be expanded first');
}

function doesNotFit(operation: Operation): Error {
  return new Error(`operation ${operation.op} at ${operation.path} does not fit the document`);
}

function findPair(map: YAMLMap, token: string): Pair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && readKey(pair.key) === token);
}

function isEqual(one: Json, other: Json): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function touch(changes: Changes, collection: Collection): void {
  if (!changes.parsedItems.has(collection)) changes.parsedItems.set(collection, [...collection.items]);
}

/** Moves the comments of a scalar to the node that replaces it. A collection gets all of them before it. */
function takeComments(node: Node, former: Scalar): void {
  const { comment, commentBefore } = former;
  if (!isCollection(node)) node.comment = comment ?? null;
  node.commentBefore = (isCollection(node) ? comment : undefined) ?? commentBefore ?? null;
}

function setValue(changes: Changes, map: YAMLMap, pair: Pair, value: Node): void {
  const former = pair.value;
  if (!changes.formerValues.has(pair)) changes.formerValues.set(pair, former);
  if (isScalar(former)) takeComments(value, former);
  pair.value = value;
  touch(changes, map);
}

function throwIfShared(node: unknown): void {
  if (isAlias(node) || (isCollection(node) && node.anchor !== undefined)) throw sharedNode();
}

/** Whether the map, or a map that it merges, has the key. Of several anchors with one name, each counts. */
function hasMerged(document: Document, map: YAMLMap, token: string): boolean {
  const anchored = new Map<string, YAMLMap[]>();
  visit(document, {
    Map: (_key, node) => {
      if (node.anchor === undefined) return;
      const others = anchored.get(node.anchor);
      if (others === undefined) anchored.set(node.anchor, [node]);
      else others.push(node);
    },
  });
  const seen = new Set<YAMLMap>();
  const has = (one: unknown): boolean => {
    if (isAlias(one)) return anchored.get(one.source)?.some(has) === true;
    if (isSeq(one)) return one.items.some(has);
    if (!isMap(one) || seen.has(one)) return false;
    seen.add(one);
    return findPair(one, token) !== undefined || one.items.some((pair) => isMergePair(pair) && has(pair.value));
  };
  return has(map);
}

/** A map's own key hides a merged one, so a key is shared only if it comes from a merge key alone. */
function throwIfMerged(document: Document, map: YAMLMap, token: string): void {
  if (map.items.some(isMergePair) && hasMerged(document, map, token)) throw sharedNode();
}

function createValue(changes: Changes, value: Json): Node {
  const placeholder = new Scalar('');
  changes.values.set(placeholder, value);
  return placeholder;
}

/** Creates the node for a placeholder, with the placeholder's comments. Any other node is returned as it is. */
function materialise(document: Document, changes: Changes, node: unknown): unknown {
  const value = changes.values.get(node);
  if (value === undefined || !isScalar(node)) return node;
  const made = document.createNode(value, { aliasDuplicateObjects: false });
  takeComments(made, node);
  return made;
}

/** Replaces all placeholders below the node, so that the library can print it. */
export function materialiseBelow(document: Document, changes: Changes, node: Node | Document): void {
  visit(node, {
    Scalar: (_key, scalar) => {
      const made = materialise(document, changes, scalar);
      return made === scalar ? undefined : (made as Node);
    },
  });
}

/** Whether the node can be changed member by member: a map without anchor and merge keys. */
function isPlainMap(node: unknown): node is YAMLMap {
  return isMap(node) && node.anchor === undefined && node.items.length > 0 && !node.items.some(isMergePair);
}

/**
 * Sets the value of a pair. In a map, only the members that differ are changed, so that the others keep their comments.
 */
function replaceValue(document: Document, changes: Changes, map: YAMLMap, pair: Pair, value: Json): void {
  const former = pair.value;
  if (!isPlainMap(former) || !isObject(value) || Object.keys(value).length === 0) {
    setValue(changes, map, pair, createValue(changes, value));
    return;
  }
  changes.owners.set(former, { collection: map, item: pair });
  // A placeholder is an empty text, which must not be taken for the value that it stands for.
  if (changes.values.size > 0) materialiseBelow(document, changes, former);
  const present = readNode(former, document) as JsonObject;
  for (const key of Object.keys(present)) {
    if (Object.hasOwn(value, key)) continue;
    touch(changes, former);
    former.items = former.items.filter((one) => one !== findPair(former, key));
  }
  for (const [key, wanted = null] of Object.entries(value)) {
    const inner = findPair(former, key);
    if (inner === undefined) {
      touch(changes, former);
      former.items.push(new Pair(document.createNode(key), createValue(changes, wanted)));
    } else if (!isEqual(member(present, key) ?? null, wanted)) {
      replaceValue(document, changes, former, inner, wanted);
    }
  }
}

function descend(
  document: Document,
  changes: Changes,
  parent: Collection,
  token: string,
  operation: Operation,
): Collection {
  let item: unknown;
  let child: unknown;
  if (isSeq(parent)) {
    const index = listIndex(token, parent.items.length);
    if (index !== undefined && index < parent.items.length)
      parent.items[index] = materialise(document, changes, parent.items[index]);
    item = child = index === undefined ? undefined : parent.items[index];
  } else {
    const pair = findPair(parent, token);
    if (pair === undefined) throwIfMerged(document, parent, token);
    else pair.value = materialise(document, changes, pair.value);
    item = pair;
    child = pair?.value;
  }
  throwIfShared(child);
  if (!isCollection(child)) throw doesNotFit(operation);
  changes.owners.set(child, { collection: parent, item });
  return child;
}

/**
 * Removes comments and space before an empty collection, because the library prints them where they break the document.
 */
function dropCommentOfEmpty(collection: Collection): void {
  if (collection.items.length > 0) return;
  collection.commentBefore = null;
  collection.comment = null;
  collection.spaceBefore = false;
}

function applyToList(changes: Changes, list: YAMLSeq, token: string, operation: Operation): void {
  const index = listIndex(token, list.items.length);
  if (index === undefined || (operation.op !== 'add' && index === list.items.length)) throw doesNotFit(operation);
  if (operation.op === 'remove') list.items.splice(index, 1);
  else list.items.splice(index, operation.op === 'add' ? 0 : 1, createValue(changes, operation.value));
}

function addPair(document: Document, changes: Changes, map: YAMLMap, token: string, value: Json, gap?: Gap): void {
  throwIfMerged(document, map, token);
  const former: unknown = gap?.pair.value;
  const node =
    isCollection(former) && former.flow === true && typeof value === 'object' && value !== null
      ? document.createNode(value, { flow: true, aliasDuplicateObjects: false })
      : createValue(changes, value);
  const pair = new Pair(document.createNode(token), node);
  map.items.splice(gap?.index ?? map.items.length, 0, pair);
  if (gap !== undefined) changes.successors.set(pair, gap.pair);
}

/** Applies the operation. Returns the gap that it leaves. */
function applyToMap(
  document: Document,
  changes: Changes,
  map: YAMLMap,
  token: string,
  operation: Operation,
  gap: Gap | undefined,
): Gap | undefined {
  const pair = findPair(map, token);
  if (operation.op !== 'remove') {
    if (pair === undefined) addPair(document, changes, map, token, operation.value, gap?.map === map ? gap : undefined);
    else replaceValue(document, changes, map, pair, operation.value);
    return undefined;
  }
  if (pair === undefined) throw doesNotFit(operation);
  const index = map.items.indexOf(pair);
  map.items.splice(index, 1);
  return { map, pair, index };
}

/**
 * Applies the operations to the document's nodes in place and returns what changed. Throws if the document must be
 * expanded first (`expandShared`), or if an operation does not fit.
 */
export function changeDocument(document: Document, operations: readonly Operation[]): Changes {
  const changes: Changes = {
    parsedItems: new Map(),
    formerValues: new Map(),
    owners: new Map(),
    values: new Map(),
    successors: new Map(),
  };
  let gap: Gap | undefined;
  for (const operation of operations) {
    const tokens = pointerTokens(operation.path);
    const last = tokens.pop();
    throwIfShared(document.contents);
    if (last === undefined || !isCollection(document.contents)) throw doesNotFit(operation);
    let parent: Collection = document.contents;
    for (const token of tokens) parent = descend(document, changes, parent, token, operation);
    touch(changes, parent);
    if (isSeq(parent)) {
      applyToList(changes, parent, last, operation);
      gap = undefined;
    } else {
      gap = applyToMap(document, changes, parent, last, operation, gap);
    }
    dropCommentOfEmpty(parent);
  }
  return changes;
}
