import { inputFailure, partialFailure } from './input.ts';
import { exitCodes, print, remark, report, separated, type Io } from '../io.ts';
import { describeObject, type Rewriting } from './rewriting.ts';

/** Output format of rewritten manifests. `yaml` keeps each document in its own notation, also JSON. */
export type OutputFormat = 'yaml' | 'json' | 'patch' | 'diff' | 'unified';

/** Joins the sources into one stream, with separators between them. Unchanged bytes are kept. */
function streamText(rewriting: Rewriting): string {
  const parts: string[] = [];
  let ended = true;
  for (const { documents } of rewriting.sources) {
    let text = documents.map(({ after }) => after).join('');
    if (text === '') continue;
    if (parts.length > 0) {
      // Inside a stream a byte order mark would be content, and a directive may only follow the end of a document.
      text = text.replace(/^\uFEFF/, '');
      if (!ended) parts.push('\n');
      if (text.startsWith('%')) parts.push('...\n');
      else if (!/^---(?:\s|$)/.test(text)) parts.push('---\n');
    }
    parts.push(text);
    ended = text.endsWith('\n');
  }
  return parts.join('');
}

/** One line of JSON for each object that changes. */
function patchText(rewriting: Rewriting): string {
  return rewriting.sources
    .flatMap(({ documents }) => documents.flatMap(({ patches }) => patches))
    .filter(({ operations }) => operations.length > 0)
    .map(({ object: { apiVersion, kind, namespace, name }, operations }) => {
      const where = namespace === undefined ? {} : { namespace };
      return `${JSON.stringify({ apiVersion, kind, ...where, name, patch: operations })}\n`;
    })
    .join('');
}

/** Writes all objects as one JSON document. */
async function writeJson(rewriting: Rewriting, io: Io): Promise<number> {
  const { printAsJson } = await import('../../manifests/json-output.ts');
  io.stdout(printAsJson(rewriting.sources.flatMap(({ documents }) => documents.map(({ after }) => after))));
  return exitCodes.fine;
}

/** Writes the changes by object, container and field. */
async function writeChanges(rewriting: Rewriting, io: Io): Promise<number> {
  const { changeLines } = await import('./change-text.ts');
  const patches = rewriting.sources.flatMap(({ documents }) => documents.flatMap((document) => document.patches));
  const texts = patches.map(changeLines).filter((lines) => lines.length > 0);
  if (texts.length === 0) return exitCodes.fine;
  print(separated(texts), io);
  return exitCodes.different;
}

/** Writes the changes as a unified diff. */
async function writeDiff(rewriting: Rewriting, io: Io): Promise<number> {
  const { diffDocuments } = await import('../../manifests/diff.ts');
  const text = rewriting.sources.map(({ name, documents }) => diffDocuments(name, documents)).join('');
  if (text === '') return exitCodes.fine;
  io.stdout(text);
  return exitCodes.different;
}

async function write(rewriting: Rewriting, format: OutputFormat, io: Io): Promise<number> {
  switch (format) {
    case 'yaml':
      io.stdout(streamText(rewriting));
      return exitCodes.fine;
    case 'json':
      return writeJson(rewriting, io);
    case 'patch':
      io.stdout(patchText(rewriting));
      return exitCodes.fine;
    case 'diff':
      return writeChanges(rewriting, io);
    case 'unified':
      return writeDiff(rewriting, io);
  }
}

/** Reports what stops the command: a denied pod, or that nothing could be read. */
function stop({ sources, problems, unread }: Rewriting, io: Io): number | undefined {
  if (problems.length === 0 && sources.length > 0) return undefined;
  return report(inputFailure([...unread, ...problems]), io);
}

/** Reports the sources that are missing in what the command has done. The exit code tells so, whatever it was. */
function conclude(code: number, { unread }: Rewriting, io: Io): number {
  return unread.length === 0 ? code : report(partialFailure(unread), io);
}

/**
 * Writes the notes, lists the objects that would change, and returns the exit code. Sources that cannot be read are
 * reported beside.
 */
export function checkRewriting(rewriting: Rewriting, io: Io): number {
  remark(rewriting.notes, io);
  const stopped = stop(rewriting, io);
  if (stopped !== undefined) return stopped;
  const changing = rewriting.sources.flatMap(({ name, documents }) =>
    documents.flatMap(({ patches }) =>
      patches
        .filter(({ operations }) => operations.length > 0)
        .map(({ object }) => `${name}: ${describeObject(object)} would change`),
    ),
  );
  if (changing.length > 0) print(changing, io);
  return conclude(changing.length > 0 ? exitCodes.different : exitCodes.fine, rewriting, io);
}

/**
 * Writes the notes and the result, and returns the exit code. If a pod is denied, standard output stays empty. Sources
 * that cannot be read are left out and reported.
 */
export async function writeRewriting(rewriting: Rewriting, format: OutputFormat, io: Io): Promise<number> {
  remark(rewriting.notes, io);
  return stop(rewriting, io) ?? conclude(await write(rewriting, format, io), rewriting, io);
}
