import type { MarkedLine } from '../marked-lines.ts';
import { element } from './element.ts';

/** Lines that are shown; the whole result can be copied and downloaded. */
const mostLines = 5_000;

/** Characters of a line that are shown: an encoded file may be one line of a megabyte. */
const mostOfLine = 2_000;

/** Unchanged lines that are shown around changes when only these are wanted. */
const context = 3;

function lineElement({ mark, text }: MarkedLine): HTMLElement {
  const shown =
    text.length > mostOfLine ? `${text.slice(0, mostOfLine)} … ${text.length - mostOfLine} more characters` : text;
  const line = `${shown}\n`;
  if (mark === 'same') return element('span', {}, line);
  return element(mark === 'added' ? 'ins' : 'del', {}, line);
}

function foldElement(count: number): HTMLElement {
  return element('span', { class: 'fold' }, `⋯ ${count} unchanged ${count === 1 ? 'line' : 'lines'}\n`);
}

function nearChange(lines: readonly MarkedLine[]): readonly boolean[] {
  const near = lines.map(() => false);
  for (const [index, { mark }] of lines.entries()) {
    if (mark === 'same') continue;
    for (let at = Math.max(0, index - context); at <= Math.min(lines.length - 1, index + context); at++)
      near[at] = true;
  }
  return near;
}

/** Shows the lines of the result, with additions and removals marked, or only these and what is around them. */
export function showLines(holder: HTMLElement, lines: readonly MarkedLine[], onlyChanges: boolean): void {
  const near = onlyChanges ? nearChange(lines) : [];
  const shown: HTMLElement[] = [];
  let folded = 0;
  for (const [index, line] of lines.entries()) {
    if (shown.length >= mostLines) break;
    if (onlyChanges && near[index] !== true) {
      folded++;
      continue;
    }
    if (folded > 0) shown.push(foldElement(folded));
    folded = 0;
    shown.push(lineElement(line));
  }
  if (folded > 0) shown.push(foldElement(folded));
  else if (shown.length >= mostLines)
    shown.push(
      element('span', { class: 'fold' }, `Only the first ${mostLines} lines are shown; copy or download has all.\n`),
    );
  holder.replaceChildren(...shown);
}
