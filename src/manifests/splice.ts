import { isCollection, isNode, isPair, isScalar, isSeq, Scalar, type Document, type Node, type Pair } from 'yaml';
import { columnOf, detectLayout, printInline, printItem, printPair, type Layout } from './print.ts';
import type { Changes, Collection, Owner } from './tree.ts';

/** Replacement of `text.slice(from, to)`. */
interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
  /** Of two insertions at one place the deeper one comes first. */
  readonly depth: number;
  /** Prints a whole node, whatever changed inside it. */
  readonly whole: boolean;
}

/** Where an item of a block collection stands: from its key or dash to the end of its last line. */
interface Extent {
  readonly from: number;
  readonly to: number;
  readonly startsLine: boolean;
}

/** A changed document beside the text that it was parsed from. */
interface Page {
  readonly text: string;
  readonly changes: Changes;
  readonly layout: Layout;
}

const blankOrComment = /^[ \t]*(?:#.*)?\r?$/;

function endOfLine(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === '\n') return offset;
  const end = text.indexOf('\n', offset);
  return end === -1 ? text.length : end + 1;
}

function parsedItems(page: Page, collection: Collection): readonly unknown[] {
  return page.changes.parsedItems.get(collection) ?? collection.items;
}

/** The node that ends an item, as parsed. */
function lastNode(page: Page, item: unknown): Node | undefined {
  if (!isPair(item)) return isNode(item) ? item : undefined;
  const value = page.changes.formerValues.has(item) ? page.changes.formerValues.get(item) : item.value;
  if (isNode(value)) return value;
  return isNode(item.key) ? item.key : undefined;
}

/** End of the last line that holds a part of the node; comments on lines of their own are not part of it. */
function endOfNode(page: Page, node: Node): number {
  if (isCollection(node) && node.flow !== true) {
    const last = lastNode(page, parsedItems(page, node as Collection).at(-1));
    if (last !== undefined) return endOfNode(page, last);
  }
  return endOfLine(page.text, node.range?.[1] ?? 0);
}

/** Offsets of the dashes of a parsed block list, in order. */
function dashes(list: Collection): number[] {
  const token = list.srcToken;
  if (token?.type !== 'block-seq') return [];
  return token.items.flatMap((item) =>
    item.start.filter((part) => part.type === 'seq-item-ind').map((part) => part.offset),
  );
}

/** Extents of the parsed items; undefined where a key or dash has no plain place in the text. */
function extentsOf(page: Page, collection: Collection): readonly Extent[] | undefined {
  const parsed = parsedItems(page, collection);
  const starts = isSeq(collection)
    ? dashes(collection)
    : parsed.flatMap((pair) => (isPair(pair) && isScalar(pair.key) && pair.key.range != null ? [pair.key.range[0]] : []));
  if (starts.length !== parsed.length) return undefined;
  const extents: Extent[] = [];
  for (const [index, from] of starts.entries()) {
    const last = lastNode(page, parsed[index]);
    if (last === undefined) return undefined;
    const before = page.text.slice(from - columnOf(page.text, from), from);
    if (!/^[ -]*$/.test(before)) return undefined;
    extents.push({ from, to: endOfNode(page, last), startsLine: !before.includes('-') });
  }
  return extents;
}

/** Whether the collection still hangs in the document; a later operation may have taken it out. */
function isAttached(page: Page, collection: Collection): boolean {
  const owner = page.changes.owners.get(collection);
  if (owner === undefined) return true;
  const items: readonly unknown[] = owner.collection.items;
  const child: unknown = isPair(owner.item) ? owner.item.value : owner.item;
  return child === collection && items.includes(owner.item) && isAttached(page, owner.collection);
}

function depthOf(page: Page, collection: Collection): number {
  const owner = page.changes.owners.get(collection);
  return owner === undefined ? 0 : 1 + depthOf(page, owner.collection);
}

/** Prints a flow collection anew in its place. */
function reprintFlow(page: Page, collection: Collection): Edit[] {
  const [from, to] = collection.range ?? [0, 0];
  const owner = page.changes.owners.get(collection);
  const filled = collection.items.length > 0 && parsedItems(page, collection).length === 0;
  if (filled && owner !== undefined && owner.collection.flow !== true) {
    collection.flow = false;
    collection.comment = null;
    return keepComment(page, to, reprintItem(page, owner));
  }
  // The comment beside it stays in the text, so it must not be printed too.
  collection.comment = null;
  const text = printInline(collection, columnOf(page.text, from), page.layout);
  return [{ from, to, text, depth: 0, whole: true }];
}

/** What stands above an item stays in the text, so it must not be printed with the item. */
function leaveCommentAbove(page: Page, node: Node, extent: Extent): void {
  node.spaceBefore = false;
  const [first] = (node.commentBefore ?? '').split('\n');
  if (!page.text.slice(extent.from, extent.to).includes(`#${first}`)) node.commentBefore = null;
}

/** Prints the pair or list item that holds a collection anew. */
function reprintItem(page: Page, owner: Owner | undefined): Edit[] {
  if (owner === undefined) throw new Error('the root of a document cannot be printed in place');
  if (owner.collection.flow === true) return reprintFlow(page, owner.collection);
  const index = parsedItems(page, owner.collection).indexOf(owner.item);
  const extent = extentsOf(page, owner.collection)?.[index];
  if (extent === undefined) return reprintItem(page, page.changes.owners.get(owner.collection));
  const column = columnOf(page.text, extent.from);
  const lead = isPair(owner.item) ? owner.item.key : owner.item;
  if (isNode(lead)) leaveCommentAbove(page, lead, extent);
  const text = printOne(page, owner.item, column, false);
  return [{ from: extent.from, to: placeAfter(page.text, extent), text, depth: 0, whole: true }];
}

/** Puts the comment that stood behind an empty value behind its key. */
function keepComment(page: Page, end: number, edits: readonly Edit[]): Edit[] {
  const behind = page.text.slice(end, endOfLine(page.text, end)).trim();
  if (!behind.startsWith('#')) return [...edits];
  return edits.map((edit) => ({ ...edit, text: edit.text.replace('\n', () => ` ${behind}\n`) }));
}

/** Prints `[]` or `{}` behind the key or dash, with the comment that stands there. */
function emptyCollection(page: Page, owner: Owner | undefined): Edit[] {
  const edits = reprintItem(page, owner);
  const key = isPair(owner?.item) && isScalar(owner.item.key) ? owner.item.key.range?.[1] : undefined;
  if (key === undefined) return edits;
  const colon = page.text.indexOf(':', key);
  return keepComment(page, colon + 1, edits);
}

function printOne(page: Page, item: unknown, column: number, firstToo: boolean): string {
  return isPair(item)
    ? printPair(item, column, page.layout, firstToo)
    : printItem(item as Node, column, page.layout, firstToo);
}

/** Scalar for scalar on one line: only its own characters change. Otherwise the pair is printed anew. */
function replaceValue(page: Page, pair: Pair, owner: Owner): Edit[] {
  const former = page.changes.formerValues.get(pair);
  const value = pair.value;
  // An empty value is how people write null below a key, `null` is how programs do.
  if (isCollection(former) && isScalar(value) && value.value === null) value.source = '';
  if (!isScalar(former) || former.range == null) return reprintItem(page, owner);
  if (isCollection(value)) {
    value.commentBefore = null;
    return keepComment(page, former.range[1], reprintItem(page, owner));
  }
  if (!isScalar(value)) return reprintItem(page, owner);
  const [from, to] = former.range;
  if (former.type === Scalar.QUOTE_SINGLE || former.type === Scalar.QUOTE_DOUBLE) value.type = former.type;
  const printed = printInline(value, 0, page.layout);
  if (/[\r\n]/.test(page.text.slice(from, to) + printed)) return reprintItem(page, owner);
  if (from < to) return [{ from, to, text: printed, depth: 0, whole: true }];
  // An empty value counts from the end of the spaces behind the colon.
  const colon = page.text.slice(0, from).trimEnd().length;
  return [{ from: colon, to: colon, text: ` ${printed}`, depth: 0, whole: true }];
}

/** Place before the first item, above the comments that belong to it. */
function startOfBody(text: string, first: Extent): number {
  let start = first.from - columnOf(text, first.from);
  while (start > 0) {
    const before = start - 1 - columnOf(text, start - 1);
    if (!blankOrComment.test(text.slice(before, start - 1))) break;
    start = before;
  }
  return start;
}

/** Place after an item, below the comments that are indented deeper than the collection: those belong to the item. */
function placeAfter(text: string, extent: Extent): number {
  const column = columnOf(text, extent.from);
  let place = extent.to;
  for (let at = extent.to; at < text.length;) {
    const end = endOfLine(text, at + 1);
    const line = text.slice(at, end).trimEnd();
    if (!blankOrComment.test(line)) break;
    if (line.search(/#/) > column) place = end;
    at = end;
  }
  return place;
}

function editsOf(page: Page, collection: Collection): Edit[] {
  if (collection.flow === true) return reprintFlow(page, collection);
  const parsed = parsedItems(page, collection);
  const extents = extentsOf(page, collection);
  const first = extents?.[0];
  const owner = page.changes.owners.get(collection);
  if (collection.items.length === 0) return emptyCollection(page, owner);
  if (extents === undefined || first === undefined) return reprintItem(page, owner);
  const edits: Edit[] = [];
  const column = columnOf(page.text, first.from);
  const kept = new Set<unknown>(collection.items);
  for (const [index, extent] of extents.entries()) {
    if (kept.has(parsed[index])) continue;
    if (!extent.startsLine) return reprintItem(page, owner);
    edits.push({ from: extent.from - column, to: placeAfter(page.text, extent), text: '', depth: 0, whole: true });
  }
  const depth = depthOf(page, collection);
  let place = first.startsLine ? startOfBody(page.text, first) : undefined;
  for (const item of collection.items) {
    const extent = extents[parsed.indexOf(item)];
    if (extent !== undefined) {
      place = placeAfter(page.text, extent);
      if (isPair(item) && page.changes.formerValues.has(item)) edits.push(...replaceValue(page, item, { collection, item }));
    } else if (place === undefined) {
      return reprintItem(page, owner);
    } else {
      edits.push({ from: place, to: place, text: printOne(page, item, column, true), depth, whole: false });
    }
  }
  return edits;
}

function isInside(edit: Edit, outer: Edit): boolean {
  if (!outer.whole || outer === edit) return false;
  if (edit.from === outer.from && edit.to === outer.to) return false;
  const starts = edit.from > outer.from || (edit.from === outer.from && edit.to > edit.from);
  return starts && edit.from < outer.to && edit.to <= outer.to;
}

/**
 * The text of a document after `changeDocument`: lines that no operation touched are kept byte for byte, with their
 * comments and style. Throws when a change has no place that can be printed alone.
 */
export function spliceChanges(source: string, document: Document, changes: Changes): string {
  const lineBreak = source.includes('\r\n') ? '\r\n' : '\n';
  const text = source.endsWith('\n') ? source : source + lineBreak;
  const page: Page = { text, changes, layout: detectLayout(text, document) };
  const unique = new Map<string, Edit>();
  for (const collection of changes.parsedItems.keys()) {
    if (collection.range == null || !isAttached(page, collection)) continue;
    for (const edit of editsOf(page, collection)) {
      // The same node may be printed for several reasons; insertions are all different.
      unique.set(edit.whole ? `${edit.from}-${edit.to}` : `insertion ${unique.size}`, edit);
    }
  }
  const all = [...unique.values()];
  const edits = all
    .filter((edit) => !all.some((outer) => isInside(edit, outer)))
    .sort((a, b) => a.from - b.from || a.to - b.to || b.depth - a.depth);
  let result = '';
  let at = 0;
  for (const edit of edits) {
    if (edit.from < at) throw new Error('changes of a document overlap');
    result += text.slice(at, edit.from) + edit.text.replaceAll('\n', lineBreak);
    at = edit.to;
  }
  result += text.slice(at);
  return source.endsWith('\n') ? result : result.replace(/\r?\n$/, '');
}
