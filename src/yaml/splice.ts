import { isCollection, isNode, isPair, isScalar, Scalar, type Document, type Node, type Pair } from 'yaml';
import type { Json } from '../json/json.ts';
import { readKey } from '../grammar/yaml/node.ts';
import { keepComment, keepCommentOf, leaveCommentAbove, leaveCommentsBelow } from './comments.ts';
import type { Edit } from './edit.ts';
import { extentsOf, parsedItems, placeAfter, startOfBody, type Extent, type Page } from './extent.ts';
import { flowText, quoteColons } from './flow.ts';
import { columnOf, detectLayout } from './layout.ts';
import { printInline, printItem, printPair } from './print.ts';
import { materialiseBelow, type Changes, type Collection, type Owner } from './tree.ts';
import type { ValuePrinter } from './value-printer.ts';

/** Whether the collection is still part of the document; a later operation may have removed it. */
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

/** Changes a flow collection in its place, or prints it again where it has comments or unusual notation. */
function reprintFlow(page: Page, collection: Collection): Edit[] {
  const [from, to] = collection.range ?? [0, 0];
  const owner = page.changes.owners.get(collection);
  const filled = collection.items.length > 0 && parsedItems(page, collection).length === 0;
  if (filled && owner !== undefined && owner.collection.flow !== true) {
    collection.flow = false;
    collection.comment = null;
    return keepComment(page, to, reprintItem(page, owner));
  }
  const changed = flowText(page, collection);
  if (changed !== undefined) return [{ from, to, text: changed, depth: 0, whole: true }];
  // Comments above and beside the collection stay in the text, so they must not be printed again.
  collection.commentBefore = null;
  collection.comment = null;
  materialiseBelow(page.document, page.changes, collection);
  quoteColons(collection);
  const text = printInline(collection, columnOf(page.text, from), page.layout);
  return [{ from, to, text, depth: 0, whole: true }];
}

/** Prints the pair or list item that holds a collection again. */
function reprintItem(page: Page, owner: Owner | undefined): Edit[] {
  if (owner === undefined) throw new Error('the root of a document cannot be printed in place');
  if (owner.collection.flow === true) return reprintFlow(page, owner.collection);
  const index = parsedItems(page, owner.collection).indexOf(owner.item);
  const extent = extentsOf(page, owner.collection)?.[index];
  if (extent === undefined) return reprintItem(page, page.changes.owners.get(owner.collection));
  const column = columnOf(page.text, extent.from);
  const lead = isPair(owner.item) ? owner.item.key : owner.item;
  if (isNode(lead)) leaveCommentAbove(page, lead, extent);
  const to = placeAfter(page.text, extent);
  leaveCommentsBelow(owner.item, page.text.slice(extent.from, to));
  const text = printOne(page, owner.item, column, false);
  return [{ from: extent.from, to, text, depth: 0, whole: true }];
}

/** Prints `[]` or `{}` after the key or dash, and keeps the comment there. */
function emptyCollection(page: Page, owner: Owner | undefined): Edit[] {
  const edits = reprintItem(page, owner);
  const key = isPair(owner?.item) && isScalar(owner.item.key) ? owner.item.key.range?.[1] : undefined;
  if (key === undefined) return edits;
  const colon = page.text.indexOf(':', key);
  return keepComment(page, colon + 1, edits);
}

function printOne(page: Page, item: unknown, column: number, firstToo: boolean): string {
  const below = isPair(item) ? item.value : item;
  if (isCollection(below)) materialiseBelow(page.document, page.changes, below);
  if (isCollection(below) && below.flow === true) quoteColons(below);
  return isPair(item)
    ? printPair(item, column, page.layout, firstToo)
    : printItem(item as Node, column, page.layout, firstToo);
}

/** If a one-line scalar replaces another, only its characters change. Otherwise the pair is printed again. */
function replaceValue(page: Page, pair: Pair, owner: Owner, printer: ValuePrinter): Edit[] {
  const former = page.changes.formerValues.get(pair);
  const value = page.changes.values.get(pair.value);
  const key = isScalar(pair.key) ? readKey(pair.key) : undefined;
  if (owner.collection.flow === true) return reprintFlow(page, owner.collection);
  if (value === undefined || key === undefined) {
    // An operation changed something below the new value. The pair's comment stays where it is.
    if (isCollection(pair.value)) pair.value.commentBefore = null;
    return keepCommentOf(page, former, reprintItem(page, owner));
  }
  if (isScalar(former) && former.range != null && (typeof value !== 'object' || value === null)) {
    const [from, to] = former.range;
    const scalar = new Scalar(value);
    if (former.type === Scalar.QUOTE_SINGLE || former.type === Scalar.QUOTE_DOUBLE) scalar.type = former.type;
    const text = printInline(scalar, 0, page.layout);
    if (!/[\r\n]/.test(page.text.slice(from, to) + text)) {
      // The range of an empty value starts after the spaces that follow the colon.
      const colon = page.text.slice(0, from).trimEnd().length;
      return [
        from < to
          ? { from, to, text, depth: 0, whole: true }
          : { from: colon, to: colon, text: ` ${text}`, depth: 0, whole: true },
      ];
    }
  }
  return replacePair(page, key, value, former, owner, printer);
}

/** Prints a parsed pair again with the value of an operation. */
function replacePair(
  page: Page,
  key: string,
  value: Json,
  former: unknown,
  owner: Owner,
  printer: ValuePrinter,
): Edit[] {
  const extent = extentsOf(page, owner.collection)?.[parsedItems(page, owner.collection).indexOf(owner.item)];
  if (extent === undefined) return reprintItem(page, page.changes.owners.get(owner.collection));
  const column = columnOf(page.text, extent.from);
  // Where a block stood below the key, an empty value reads more naturally than `null`.
  const lines = (shown: Json): string =>
    shown === null && isCollection(former)
      ? `${page.text.slice(extent.from, page.text.indexOf(':', extent.from) + 1)}\n`
      : printer.printEntry(key, shown, column, page.layout).slice(column);
  const edit = { from: extent.from, to: placeAfter(page.text, extent), text: lines(value), depth: 0, whole: true };
  return keepCommentOf(page, former, [edit]);
}

/** Prints an item that an operation added. */
function printNew(
  page: Page,
  item: unknown,
  column: number,
  printer: ValuePrinter,
): Pick<Edit, 'text' | 'value' | 'lines'> {
  const value = page.changes.values.get(isPair(item) ? item.value : item);
  if (value === undefined) return { text: printOne(page, item, column, true) };
  const key = isPair(item) && isScalar(item.key) ? readKey(item.key) : undefined;
  const lines = (shown: Json): string => printer.printEntry(key, shown, column, page.layout);
  return { text: lines(value), value, lines };
}

/** Prints a new item where a parsed one stood, which need not begin its line. */
function putInPlace(page: Page, extent: Extent, item: unknown, printer: ValuePrinter): Edit {
  const column = columnOf(page.text, extent.from);
  const { text, lines, ...rest } = printNew(page, item, column, printer);
  return {
    ...rest,
    from: extent.from,
    to: placeAfter(page.text, extent),
    text: text.slice(column),
    ...(lines === undefined ? {} : { lines: (value: Json) => lines(value).slice(column) }),
    depth: 0,
    whole: true,
  };
}

/** The new items that stand where a parsed one stood, by the parsed one. */
function successorsIn(page: Page, collection: Collection): ReadonlyMap<unknown, unknown> {
  const found = new Map<unknown, unknown>();
  for (const item of collection.items) {
    const former = isPair(item) ? page.changes.successors.get(item) : undefined;
    if (former !== undefined) found.set(former, item);
  }
  return found;
}

function editsOf(page: Page, collection: Collection, printer: ValuePrinter): Edit[] {
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
  const extentOf = new Map(extents.map((extent, index) => [parsed[index], extent]));
  const successorOf = successorsIn(page, collection);
  for (const [index, extent] of extents.entries()) {
    if (kept.has(parsed[index])) continue;
    const successor = successorOf.get(parsed[index]);
    if (successor !== undefined) {
      edits.push(putInPlace(page, extent, successor, printer));
      continue;
    }
    if (!extent.startsLine) return reprintItem(page, owner);
    edits.push({ from: extent.from - column, to: placeAfter(page.text, extent), text: '', depth: 0, whole: true });
  }
  const depth = depthOf(page, collection);
  let place = first.startsLine ? startOfBody(page.text, first) : undefined;
  for (const item of collection.items) {
    const extent = extentOf.get(item);
    if (extent !== undefined) {
      place = placeAfter(page.text, extent);
      if (isPair(item) && page.changes.formerValues.has(item))
        edits.push(...replaceValue(page, item, { collection, item }, printer));
    } else if (isPair(item) && extentOf.has(page.changes.successors.get(item))) {
      const replaced = extentOf.get(page.changes.successors.get(item));
      if (replaced !== undefined) place = placeAfter(page.text, replaced);
    } else if (place === undefined) {
      return reprintItem(page, owner);
    } else {
      edits.push({ from: place, to: place, depth, whole: false, ...printNew(page, item, column, printer) });
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

function collectEdits(page: Page, printer: ValuePrinter): Edit[] {
  const unique = new Map<string, Edit>();
  for (const collection of page.changes.parsedItems.keys()) {
    if (collection.range == null || !isAttached(page, collection)) continue;
    for (const edit of editsOf(page, collection, printer)) {
      // Several changes may print the same node again; every insertion is different.
      unique.set(edit.whole ? `${edit.from}-${edit.to}` : `insertion ${unique.size}`, edit);
    }
  }
  const all = [...unique.values()];
  return all
    .filter((edit) => !all.some((outer) => isInside(edit, outer)))
    .sort((a, b) => a.from - b.from || a.to - b.to || b.depth - a.depth);
}

/** The text of a changed document. */
export interface Spliced {
  readonly text: string;
  /** The same text with short placeholders for the inserted values, which makes it cheap to check. */
  probe(): string;
  /** The values of the placeholders, by number. */
  readonly values: readonly Json[];
  /** Whether the library printed several lines again, with their comments. Such a text must always be checked. */
  readonly reprinted: boolean;
}

/** The placeholder for the value with this number. */
export function placeholder(index: number): string {
  return `stand-in.${index}.sidecar-injector.io`;
}

/**
 * The text of a document after `changeDocument`. Lines that no operation touched are kept byte for byte, with their
 * comments and style. Throws if a change has no place in the text that can be printed by itself.
 */
export function spliceChanges(source: string, document: Document, changes: Changes, printer: ValuePrinter): Spliced {
  const lineBreak = source.includes('\r\n') ? '\r\n' : '\n';
  const text = source.endsWith('\n') ? source : source + lineBreak;
  const page: Page = { text, document, changes, layout: detectLayout(text, document) };
  const edits = collectEdits(page, printer);
  const joined = (textOf: (edit: Edit) => string): string => {
    let result = '';
    let at = 0;
    for (const edit of edits) {
      if (edit.from < at) throw new Error('changes of a document overlap');
      result += text.slice(at, edit.from) + textOf(edit);
      at = edit.to;
    }
    return result + text.slice(at);
  };
  const result = joined((edit) => (lineBreak === '\n' ? edit.text : edit.text.replaceAll('\n', lineBreak)));
  const inserted = edits.filter((edit) => edit.value !== undefined);
  return {
    text: source.endsWith('\n') ? result : result.replace(/\r?\n$/, ''),
    probe: () => joined((edit) => edit.lines?.(placeholder(inserted.indexOf(edit))) ?? edit.text),
    values: inserted.map((edit) => edit.value ?? null),
    reprinted: edits.some((edit) => edit.whole && edit.text.includes('\n')),
  };
}
