import { diffLines, FILE_HEADERS_ONLY, formatPatch, type StructuredPatchHunk } from 'diff';

/** Text of one document before and after. Equal if nothing changed. */
export interface Revision {
  readonly before: string;
  readonly after: string;
}

type Mark = ' ' | '-' | '+';

interface Line {
  readonly mark: Mark;
  readonly text: string;
}

const contextLines = 3;
const noNewline = '\\ No newline at end of file';

function splitLines(text: string): string[] {
  const lines = text.split('\n');
  const rest = lines.pop() ?? '';
  const ended = lines.map((line) => `${line}\n`);
  return rest === '' ? ended : [...ended, rest];
}

function marked(text: string, mark: Mark): Line[] {
  return splitLines(text).map((line) => ({ mark, text: line }));
}

function linesOf({ before, after }: Revision): Line[] {
  if (before === after) return marked(before, ' ');
  return diffLines(before, after).flatMap((change) =>
    marked(change.value, change.added ? '+' : change.removed ? '-' : ' '),
  );
}

function printLine(line: Line): string[] {
  const text = `${line.mark}${line.text}`;
  return text.endsWith('\n') ? [text.slice(0, -1)] : [text, noNewline];
}

/** Ranges of lines around the changes. Ranges that touch or overlap are merged. */
function stretches(lines: readonly Line[]): [number, number][] {
  const found: [number, number][] = [];
  for (const [index, line] of lines.entries()) {
    if (line.mark === ' ') continue;
    const from = Math.max(0, index - contextLines);
    const to = Math.min(lines.length, index + contextLines + 1);
    const last = found.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = to;
    else found.push([from, to]);
  }
  return found;
}

function hunksOf(lines: readonly Line[]): StructuredPatchHunk[] {
  const hunks: StructuredPatchHunk[] = [];
  let at = 0;
  let oldLine = 1;
  let newLine = 1;
  const pass = (line: Line): void => {
    if (line.mark !== '+') oldLine++;
    if (line.mark !== '-') newLine++;
  };
  for (const [from, to] of stretches(lines)) {
    while (at < from) pass(lines[at++] ?? { mark: ' ', text: '' });
    const part = lines.slice(from, to);
    const oldLines = part.filter(({ mark }) => mark !== '+').length;
    const newLines = part.filter(({ mark }) => mark !== '-').length;
    hunks.push({ oldStart: oldLine, oldLines, newStart: newLine, newLines, lines: part.flatMap(printLine) });
    part.forEach(pass);
    at = to;
  }
  return hunks;
}

/**
 * Unified diff of one source, from its documents in order. Empty if no document changed. Documents are compared one by
 * one, because comparing a stream of a thousand documents as a whole would take minutes.
 */
export function diffDocuments(name: string, revisions: readonly Revision[]): string {
  const aligned = revisions.slice(0, -1).every(({ before, after }) => before.endsWith('\n') && after.endsWith('\n'));
  const joined = {
    before: revisions.map(({ before }) => before).join(''),
    after: revisions.map(({ after }) => after).join(''),
  };
  const lines = (aligned ? revisions : [joined]).flatMap(linesOf);
  const hunks = hunksOf(lines);
  if (hunks.length === 0) return '';
  const path = name.replace(/^\/+/, '');
  return formatPatch(
    { oldFileName: `a/${path}`, newFileName: `b/${path}`, oldHeader: '', newHeader: '', hunks },
    FILE_HEADERS_ONLY,
  );
}
