import { diffLines } from 'diff';
import type { RewrittenDocument } from '../cli/manifests/rewriting.ts';

/** One line of the result. Removed lines stand where they were. */
export interface MarkedLine {
  readonly mark: 'same' | 'added' | 'removed';
  readonly text: string;
}

function linesOf(text: string, mark: MarkedLine['mark']): MarkedLine[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => ({ mark, text: line }));
}

/** Returns the lines of rewritten documents, in order, with what was added and removed. */
export function markLines(documents: readonly Pick<RewrittenDocument, 'before' | 'after'>[]): MarkedLine[] {
  return documents.flatMap(({ before, after }) => {
    if (before === after) return linesOf(before, 'same');
    return diffLines(before, after).flatMap(({ value, added, removed }) =>
      linesOf(value, added ? 'added' : removed ? 'removed' : 'same'),
    );
  });
}
