import { X509Certificate } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { parseAllDocuments, visit, type Document } from 'yaml';
import { readSettings, readTemplate, readTemplateTest } from '../settings/document.ts';
import { createSnapshot } from '../injection/build-snapshot.ts';
import { denialsOfEveryPod } from '../injection/every-pod.ts';
import { withCode, type Reason } from '../injection/policy/reason.ts';
import type { ClusterFacts, Snapshot } from '../injection/snapshot.ts';
import { describeProblem, type Problem } from '../grammar/problem.ts';
import { plainScalarTags } from '../grammar/yaml/tags.ts';
import type { TemplateTest } from '../settings/schema/template-test.ts';

/** Files of settings and sidecar templates; undefined means only the built-in ones. */
export interface ConfigurationPaths {
  readonly settings?: string | undefined;
  /** Files, directories whose files are read, and directories of such directories. */
  readonly sidecars?: readonly string[] | undefined;
  /** Root certificates of the mesh's control plane, PEM. */
  readonly meshRoots?: MeshRootsFile | undefined;
}

/** The file of root certificates, and whether it may be missing because the control plane writes it later. */
export interface MeshRootsFile {
  readonly file: string;
  readonly mayBeMissing: boolean;
}

export interface FileProblem extends Problem {
  readonly file: string;
}

/** The problem on one line: the file, the path in it, and the message. */
export function describeFileProblem(problem: FileProblem): string {
  return `${problem.file}: ${describeProblem(problem)}`;
}

export type Loaded =
  { readonly snapshot: Snapshot; readonly files: readonly string[] } | { readonly problems: readonly FileProblem[] };

interface Parsed {
  readonly file: string;
  /** Index of the document in the file, from 0. */
  readonly document: number;
  readonly value: unknown;
}

interface Reading {
  readonly documents: Parsed[];
  readonly problems: FileProblem[];
}

function causeOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'no such file or directory';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'is a directory, not a file';
  if (code === 'ENOTDIR') return 'is a file, not a directory';
  return error instanceof Error ? error.message : String(error);
}

/** Characters of root certificates in all: every pod of the mesh carries them. A dozen with RSA keys fit. */
const mostRoots = 16_384;

const certificatePattern = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Reads root certificates, and returns them alone, without whatever else is in the file. */
async function readRoots({ file, mayBeMissing }: MeshRootsFile, problems: FileProblem[]): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (mayBeMissing && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    problems.push({ file, where: '', message: `cannot be read: ${causeOf(error)}` });
    return undefined;
  }
  const found = text.match(certificatePattern) ?? [];
  const refuse = (message: string, index?: number): void =>
    void problems.push({ file, where: index === undefined ? '' : `certificate ${index + 1}`, message });
  if (found.length === 0) refuse('has no certificate in PEM');
  const roots = found.map((pem) => `${pem}\n`).join('');
  if (roots.length > mostRoots) {
    refuse(
      `has ${roots.length} characters of certificates; allowed: at most ${mostRoots}, because every pod of the mesh carries them`,
    );
    return undefined;
  }
  const ends: Date[] = [];
  for (const [index, pem] of found.entries()) {
    try {
      const { ca, validToDate } = new X509Certificate(pem);
      ends.push(validToDate);
      if (!ca) refuse('is not that of an authority', index);
    } catch {
      refuse('cannot be parsed', index);
    }
  }
  // One that has expired does no harm beside its successor.
  const last = ends.toSorted((a, b) => b.getTime() - a.getTime())[0];
  if (last !== undefined && last < new Date())
    refuse(`every certificate has expired, the last on ${last.toISOString()}`);
  return roots;
}

/** Tags of YAML 1.1 whose values are none of JSON: the members of a set, for one, would be none. */
const foreignTags = ['set', 'omap', 'pairs', 'binary', 'timestamp'];

function foreignTag(document: Document): string | undefined {
  let found: string | undefined;
  visit(document, {
    Node: (_, { tag }) => {
      found = foreignTags.find((name) => tag === `tag:yaml.org,2002:${name}`);
      return found === undefined ? undefined : visit.BREAK;
    },
  });
  return found;
}

async function readDocuments(file: string, into: Reading): Promise<void> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    into.problems.push({ file, where: '', message: `cannot be read: ${causeOf(error)}` });
    return;
  }
  const documents = parseAllDocuments(text, { version: '1.1', customTags: plainScalarTags });
  if (!Array.isArray(documents)) return;
  for (const [document, parsed] of documents.entries()) {
    for (const error of parsed.errors) {
      const [position] = error.linePos ?? [];
      const where = position === undefined ? '' : `line ${position.line}, column ${position.col}`;
      // The first line repeats the position at its end, and the other lines quote the text.
      const [sentence = ''] = error.message.split('\n');
      into.problems.push({ file, where, message: sentence.replace(/ at line \d+, column \d+:?$/, '') });
    }
    const foreign = foreignTag(parsed);
    if (foreign !== undefined) {
      const message = `has a value with the tag !!${foreign}; allowed: mappings, lists, texts, numbers, true and false`;
      into.problems.push({ file, where: '', message });
    }
    if (parsed.errors.length > 0 || foreign !== undefined) continue;
    try {
      const value: unknown = parsed.toJS();
      if (value !== null && value !== undefined) into.documents.push({ file, document, value });
    } catch (error) {
      // Aliases are resolved only here: one may have no anchor, or there may be too many of them.
      into.problems.push({ file, where: '', message: `is not YAML: ${causeOf(error)}` });
    }
  }
}

const manifestName = /\.(?:ya?ml|json)$/;

/** What kustomize reads in a directory of manifests; it describes the others. */
const kustomization = /^kustomization\.ya?ml$/;

/**
 * The YAML and JSON files of a directory and its subdirectories, both sorted. Hidden names are skipped, such as the
 * kubelet's `..data` link.
 */
async function listDirectory(
  directory: string,
  into: Reading,
): Promise<{ readonly files: readonly string[]; readonly directories: readonly string[] }> {
  try {
    const entries = (await readdir(directory, { withFileTypes: true })).filter(({ name }) => !name.startsWith('.'));
    const paths = (kept: typeof entries) => kept.map(({ name }) => path.join(directory, name)).toSorted();
    const directories = entries.filter((entry) => entry.isDirectory());
    const files = entries.filter(
      ({ name }) =>
        manifestName.test(name) && !kustomization.test(name) && !directories.some((one) => one.name === name),
    );
    const read = files.filter((entry) => entry.isFile() || entry.isSymbolicLink());
    // To read a pipe is to wait for whoever writes to it, also when the program is to end.
    for (const file of paths(files.filter((entry) => !read.includes(entry))))
      into.problems.push({ file, where: '', message: 'is a pipe, a socket or a device, not a file' });
    return { files: paths(read), directories: paths(directories) };
  } catch (error) {
    into.problems.push({ file: directory, where: '', message: `cannot be read: ${causeOf(error)}` });
    return { files: [], directories: [] };
  }
}

/** The files of a directory, or, if it only has subdirectories, those of each of them. */
async function listTemplates(directory: string, into: Reading): Promise<string[]> {
  const { files, directories } = await listDirectory(directory, into);
  if (files.length > 0 || directories.length === 0) return [...files];
  const inner: string[] = [];
  for (const one of directories) inner.push(...(await listDirectory(one, into)).files);
  if (inner.length === 0) {
    const message = 'no .yaml, .yml or .json file is there, nor in one of its folders';
    into.problems.push({ file: directory, where: '', message });
  }
  return inner;
}

/** Expands directories to their files. Each file is listed once, even if it is named several times. */
async function filesOf(paths: readonly string[], into: Reading): Promise<string[]> {
  const files: string[] = [];
  for (const one of paths) {
    const isFile = manifestName.test(one) && (await stat(one).catch(() => undefined))?.isFile() === true;
    files.push(...(isFile ? [one] : await listTemplates(one, into)));
  }
  return [...new Map(files.map((file) => [path.resolve(file), file])).values()];
}

function problemsOf(document: Parsed, read: (value: unknown) => object): FileProblem[] {
  const result = read(document.value) as { problems?: readonly Problem[] };
  const prefix = document.document === 0 ? '' : `document ${document.document + 1}: `;
  return (result.problems ?? []).map((problem) => ({
    file: document.file,
    where: `${prefix}${problem.where}`,
    message: problem.message,
  }));
}

function everyPodProblem(denial: Reason, file: string | undefined): FileProblem {
  const message = `every pod that does not choose its sidecars would be denied: ${withCode(denial)}`;
  return { file: file ?? '(built in)', where: 'spec.injection.defaultTemplates', message };
}

/**
 * Loads settings and templates, and validates everything. Returns either a snapshot or every problem with its file and
 * path. `amend` changes the content of the settings file before validation.
 */
export async function loadConfiguration(
  paths: ConfigurationPaths,
  facts: Partial<ClusterFacts> = {},
  amend: (settings: unknown) => unknown = (settings) => settings,
): Promise<Loaded> {
  const settings: Reading = { documents: [], problems: [] };
  const sidecars: Reading = { documents: [], problems: [] };
  if (paths.settings !== undefined) await readDocuments(paths.settings, settings);
  for (const file of await filesOf(paths.sidecars ?? [], sidecars)) await readDocuments(file, sidecars);
  const meshRoots = paths.meshRoots === undefined ? undefined : await readRoots(paths.meshRoots, sidecars.problems);
  const [first, second] = settings.documents;
  const amended = amend(first?.value);
  if (paths.settings !== undefined && first === undefined && settings.problems.length === 0) {
    // The file is partly written or was emptied by mistake: the built-in settings apply only if no file is named.
    settings.problems.push({ file: paths.settings, where: '', message: 'is empty' });
  }
  if (second !== undefined) {
    settings.problems.push({ file: second.file, where: 'document 2', message: 'the settings are one document' });
  }
  const problems = [
    ...settings.problems,
    ...(first === undefined ? [] : problemsOf({ ...first, value: amended }, readSettings)),
    ...sidecars.problems,
    ...sidecars.documents.flatMap((document) => problemsOf(document, readTemplate)),
  ];
  if (problems.length > 0) return { problems };
  const result = createSnapshot({
    settings: amended,
    templates: sidecars.documents.map((document) => document.value),
    meshRoots,
    ...facts,
  });
  const files = [...settings.documents, ...sidecars.documents].map((document) => document.file);
  if ('snapshot' in result) {
    const denials = denialsOfEveryPod(result.snapshot);
    if (denials.length === 0) return { snapshot: result.snapshot, files: [...new Set(files)] };
    return { problems: denials.map((denial) => everyPodProblem(denial, first?.file)) };
  }
  return {
    problems: result.problems.map((problem) => {
      const [, index] = /^templates\[(\d+)\]/.exec(problem.where) ?? [];
      const file = index === undefined ? first?.file : sidecars.documents[Number(index)]?.file;
      return {
        file: file ?? '(built in)',
        where: problem.where.replace(/^templates\[\d+\]\./, ''),
        message: problem.message,
      };
    }),
  };
}

/** The TemplateTest objects in the files of a directory, or every problem with its file. */
export async function loadTemplateTests(
  directory: string,
): Promise<{ readonly tests: readonly TemplateTest[] } | { readonly problems: readonly FileProblem[] }> {
  const reading: Reading = { documents: [], problems: [] };
  for (const file of (await listDirectory(directory, reading)).files) await readDocuments(file, reading);
  const problems = [
    ...reading.problems,
    ...reading.documents.flatMap((document) => problemsOf(document, readTemplateTest)),
  ];
  if (problems.length > 0) return { problems };
  const results = reading.documents.map(({ value }) => readTemplateTest(value));
  return { tests: results.flatMap((result) => ('value' in result ? [result.value] : [])) };
}
