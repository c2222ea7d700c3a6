import { readSources, type Source } from '../../manifests/source.ts';
import { readTemplatePath, type TemplatePaths } from '../../manifests/workloads.ts';
import { describeProblem, quote } from '../../grammar/problem.ts';
import { exitCodes, usageFailure, type Failure, type Io } from '../io.ts';
import type { ManifestOptions } from '../options.ts';

/** The sources that `-f` names, and the paths that `--pod-template` names. */
export interface Input {
  readonly sources: readonly Source[];
  readonly paths: TemplatePaths;
  /** Why sources are missing, one line each. */
  readonly unread: readonly string[];
}

function readTemplatePaths(texts: readonly string[]): { readonly paths: TemplatePaths } | Failure {
  const paths = new Map<string, readonly string[]>();
  for (const text of texts) {
    const read = readTemplatePath(text);
    if ('problem' in read) return usageFailure(`--pod-template: ${quote(text)} ${read.problem}`, read.remedy);
    paths.set(read.key, [...(paths.get(read.key) ?? []), read.path]);
  }
  return { paths };
}

/** Creates the failure for problems of the input. Nothing has been written at that point. */
export function inputFailure(problems: readonly string[]): Failure {
  const remedy = 'correct the input and run the command again; nothing was written';
  return { problems, remedy, code: exitCodes.failed };
}

/** Creates the failure for sources that could not be read, after the command has dealt with all others. */
export function partialFailure(unread: readonly string[]): Failure {
  const remedy = 'correct these files and run the command again; nothing of them was written, everything else was done';
  return { problems: unread, remedy, code: exitCodes.failed };
}

/** Reads all sources. Those that cannot be read are missing; if all are, that is a failure. */
export async function readInput(options: ManifestOptions, io: Io): Promise<Input | Failure> {
  const filenames = options.filename ?? [];
  const read = readTemplatePaths(options.podTemplate ?? []);
  if ('problems' in read) return read;
  if (filenames.length === 0) return usageFailure('-f is missing', 'name a file, a folder or - with -f');
  if (filenames.filter((name) => name === '-').length > 1) {
    return usageFailure('-f - is given twice', 'standard input can be read only once; give -f - once');
  }
  const { sources, problems } = await readSources(filenames, () => io.stdin());
  const unread = problems.map(describeProblem);
  return sources.length === 0 ? inputFailure(unread) : { sources, paths: read.paths, unread };
}
