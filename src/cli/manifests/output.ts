import { inputFailure, partialFailure } from './input.ts';
import { exitCodes, print, remark, report, separated, type Io } from '../io.ts';
import type { RewrittenDocument, Rewriting } from './rewriting.ts';

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
function patchLines({ patches }: RewrittenDocument): string[] {
  return [...Map.groupBy(patches, ({ workload }) => workload.pointer).values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const { apiVersion, kind, namespace, name } = first.workload;
    const patch = same.flatMap(({ operations }) => operations);
    const where = namespace === undefined ? {} : { namespace };
    return [`${JSON.stringify({ apiVersion, kind, ...where, name, patch })}\n`];
  });
}

function patchText(rewriting: Rewriting): string {
  return rewriting.sources.flatMap(({ documents }) => documents.flatMap(patchLines)).join('');
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

/** What is written besides the result. */
interface Verbosity {
  /** Whether to tell about every object, and not only warnings and a summary. */
  readonly verbose?: boolean;
}

/** Reports what stops the command: a denied pod, or that nothing could be read. */
function stop(
  { sources, telling, problems, unread }: Rewriting,
  { verbose = false }: Verbosity,
  io: Io,
): number | undefined {
  if (problems.length === 0 && sources.length > 0) return undefined;
  remark(telling.lines(verbose).slice(0, -1), io);
  return report(inputFailure([...unread, ...problems]), io);
}

/**
 * Tells about the input, and reports the sources that are missing in what the command has done. The exit code tells so,
 * whatever it was.
 */
function conclude(code: number, { telling, unread }: Rewriting, { verbose = false }: Verbosity, io: Io): number {
  remark(telling.lines(verbose), io);
  return unread.length === 0 ? code : report(partialFailure(unread), io);
}

/**
 * Lists the objects that would change or are outdated, tells about the input, and returns the exit code. Sources that
 * cannot be read are reported beside.
 */
export function checkRewriting(rewriting: Rewriting, verbosity: Verbosity, io: Io): number {
  const stopped = stop(rewriting, verbosity, io);
  if (stopped !== undefined) return stopped;
  const lines = rewriting.findings.map(({ source, name, finding }) => {
    const what = finding.what === 'changes' ? 'would change' : `is outdated: ${finding.why}`;
    return `${source}: ${name} ${what}`;
  });
  if (lines.length > 0) print(lines, io);
  return conclude(lines.length > 0 ? exitCodes.different : exitCodes.fine, rewriting, verbosity, io);
}

/**
 * Writes the result, tells about the input, and returns the exit code. If a pod is denied, standard output stays empty.
 * Sources that cannot be read are left out and reported.
 */
export async function writeRewriting(
  rewriting: Rewriting,
  format: OutputFormat,
  verbosity: Verbosity,
  io: Io,
): Promise<number> {
  const stopped = stop(rewriting, verbosity, io);
  if (stopped !== undefined) return stopped;
  for (const { where, name, finding } of rewriting.findings) {
    if (finding.what === 'outdated') {
      rewriting.telling.warn(`${where}: ${name}: ${finding.why}; it stays as it is, inject --refresh renders it anew`);
    }
  }
  return conclude(await write(rewriting, format, io), rewriting, verbosity, io);
}
