import { isCollection, isNode, isPair, isScalar, type Document, type Node } from 'yaml';
import { columnOf, type Layout } from './layout.ts';
import type { Changes, Collection } from './tree.ts';

/** Place of an item of a block collection: from its key or dash to the end of its last line. */
export interface Extent {
  readonly from: number;
  readonly to: number;
  readonly startsLine: boolean;
}

/** A changed document and the text that it was parsed from. */
export interface Page {
  readonly text: string;
  readonly document: Document;
  readonly changes: Changes;
  readonly layout: Layout;
}

const blankOrComment = /^[ \t]*(?:#.*)?\r?$/;

export function endOfLine(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === '\n') return offset;
  const end = text.indexOf('\n', offset);
  return end === -1 ? text.length : end + 1;
}

/** Items of a collection as they were parsed. */
export function parsedItems(page: Page, collection: Collection): readonly unknown[] {
  return page.changes.parsedItems.get(collection) ?? collection.items;
}

/** The last node of an item, as it was parsed. */
function lastNode(page: Page, item: unknown): Node | undefined {
  if (!isPair(item)) return isNode(item) ? item : undefined;
  const value = page.changes.formerValues.has(item) ? page.changes.formerValues.get(item) : item.value;
  if (isNode(value)) return value;
  return isNode(item.key) ? item.key : undefined;
}

/** End of the last line of the node, without comments on lines of their own. */
function endOfNode(page: Page, node: Node): number {
  if (isCollection(node) && node.flow !== true) {
    const last = lastNode(page, parsedItems(page, node).at(-1));
    if (last !== undefined) return endOfNode(page, last);
  }
  return endOfLine(page.text, node.range?.[1] ?? 0);
}

/** Offset of the dash before a list item, which may be on an earlier line. Undefined after an anchor or tag. */
function dashBefore(text: string, node: Node): number | undefined {
  for (let end = node.range?.[0] ?? 0; end > 0;) {
    const start = end - columnOf(text, end);
    const before = text.slice(start, end).replace(/#.*$/s, '').trimEnd();
    if (before.endsWith('-')) return start + before.length - 1;
    if (before !== '') return undefined;
    end = start - 1;
  }
  return undefined;
}

function startOf(text: string, item: unknown): number | undefined {
  if (isPair(item)) return isScalar(item.key) ? item.key.range?.[0] : undefined;
  return isNode(item) ? dashBefore(text, item) : undefined;
}

/** Extents of the parsed items. Undefined if the text has no plain key or dash for one of them. */
export function extentsOf(page: Page, collection: Collection): readonly Extent[] | undefined {
  const extents: Extent[] = [];
  for (const item of parsedItems(page, collection)) {
    const from = startOf(page.text, item);
    const last = lastNode(page, item);
    if (from === undefined || last === undefined) return undefined;
    const before = page.text.slice(from - columnOf(page.text, from), from);
    if (!/^[ -]*$/.test(before)) return undefined;
    extents.push({ from, to: endOfNode(page, last), startsLine: !before.includes('-') });
  }
  return extents;
}

/** Offset before the first item, above the comments that belong to it. */
export function startOfBody(text: string, first: Extent): number {
  let start = first.from - columnOf(text, first.from);
  while (start > 0) {
    const before = start - 1 - columnOf(text, start - 1);
    if (!blankOrComment.test(text.slice(before, start - 1))) break;
    start = before;
  }
  return start;
}

/** Offset after an item and after its comments, which are those indented deeper than the collection. */
export function placeAfter(text: string, extent: Extent): number {
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
