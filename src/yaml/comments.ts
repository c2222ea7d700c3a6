import { isCollection, isNode, isPair, isScalar, type Node } from 'yaml';
import type { Edit } from './edit.ts';
import { endOfLine, type Extent, type Page } from './extent.ts';

/** Comments above an item stay in the text, so they must not be printed with the item. */
export function leaveCommentAbove(page: Page, node: Node, extent: Extent): void {
  node.spaceBefore = false;
  const [first] = (node.commentBefore ?? '').split('\n');
  if (!page.text.slice(extent.from, extent.to).includes(`#${first}`)) node.commentBefore = null;
}

/** The lines of a comment that occur in the text, with the blank lines between them. */
function linesInside(comment: string | null | undefined, text: string): string | null {
  const lines = (comment ?? '').split('\n').filter((line) => line === '' || text.includes(`#${line}`));
  return lines.every((line) => line === '') ? null : lines.join('\n');
}

/**
 * A comment after the last value of an item may belong to the next item. It stays there, so it is not printed with this
 * one.
 */
export function leaveCommentsBelow(item: unknown, text: string): void {
  if (isPair(item)) leaveCommentsBelow(item.value, text);
  if (!isNode(item)) return;
  item.comment = linesInside(item.comment, text);
  if (isCollection(item)) leaveCommentsBelow(item.items.at(-1), text);
}

/** Moves the comment after an empty value to the line of its key. */
export function keepComment(page: Page, end: number, edits: readonly Edit[]): Edit[] {
  const behind = page.text.slice(end, endOfLine(page.text, end)).trimEnd();
  if (!/^[ \t]*#/.test(behind)) return [...edits];
  const spaced = behind.startsWith('#') ? ` ${behind}` : behind;
  return edits.map((edit) => ({ ...edit, text: edit.text.replace('\n', () => `${spaced}\n`) }));
}

/** Does the same for a replaced value that ends on the line of its key. */
export function keepCommentOf(page: Page, former: unknown, edits: readonly Edit[]): Edit[] {
  const beside = isScalar(former) || (isCollection(former) && former.flow === true);
  return beside && former.range != null ? keepComment(page, former.range[1], edits) : [...edits];
}
