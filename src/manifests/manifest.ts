import { isScalar, LineCounter, parseDocument, visit, type Document, type Tags } from 'yaml';
import type { Json } from '../settings/json.ts';
import type { Problem } from '../settings/problem.ts';
import { splitStream, type Chunk } from './stream.ts';
import type { Source } from './source.ts';

/** One document of a stream: its exact text and what Kubernetes would read in it. */
export interface Manifest {
  readonly source: string;
  /** Line of the source where the text begins, from 1. */
  readonly line: number;
  readonly text: string;
  readonly content:
    /** Nothing but comments, blank lines and separators. */
    | { readonly format: 'empty' }
    | { readonly format: 'json'; readonly value: Json; readonly from: number; readonly to: number }
    | { readonly format: 'yaml'; readonly value: Json };
}

// kubectl reads YAML 1.1 (`yes` is true, 0644 is octal) but takes times, dates and base-60 numbers for strings.
function kubernetesTags(tags: Tags): Tags {
  return tags.filter(
    (tag) => typeof tag === 'string' || (tag.format !== 'TIME' && tag.tag !== 'tag:yaml.org,2002:timestamp'),
  );
}

/** Parses one YAML document as kubectl does; positions of its nodes are offsets in `text`. */
export function parseYaml(text: string, lines?: LineCounter): Document {
  return parseDocument(text, {
    version: '1.1',
    customTags: kubernetesTags,
    keepSourceTokens: true,
    prettyErrors: false,
    ...(lines === undefined ? {} : { lineCounter: lines }),
  }) as unknown as Document;
}

function readJson(text: string): { value: Json; from: number; to: number } | undefined {
  const start = /^\uFEFF?(?:---[ \t]*\r?\n)?\s*(?=[{[])/.exec(text);
  if (start === null) return undefined;
  const from = start[0].length;
  const to = text.trimEnd().length;
  try {
    return { value: JSON.parse(text.slice(from, to)) as Json, from, to };
  } catch {
    return undefined;
  }
}

function firstSentence(message: string): string {
  return message.split('\n')[0] ?? message;
}

interface Fault {
  readonly offset: number;
  readonly message: string;
}

/** What is YAML but nothing that Kubernetes reads: keys that are no scalars, aliases of nothing. */
function findFault(document: Document): Fault | undefined {
  const error = document.errors[0];
  if (error !== undefined) return { offset: error.pos[0], message: firstSentence(error.message) };
  const anchors = new Set<string>();
  let fault: Fault | undefined;
  visit(document, {
    Pair: (_key, pair) => {
      if (isScalar(pair.key)) return undefined;
      fault = { offset: (pair.key as { range?: number[] } | null)?.range?.[0] ?? 0, message: 'a key must be plain text' };
      return visit.BREAK;
    },
    Node: (_key, node) => {
      if ('anchor' in node && node.anchor !== undefined) anchors.add(node.anchor);
      return undefined;
    },
    Alias: (_key, alias) => {
      if (anchors.has(alias.source)) return undefined;
      fault = { offset: alias.range?.[0] ?? 0, message: `the alias *${alias.source} names no anchor before it` };
      return visit.BREAK;
    },
  });
  return fault;
}

function readChunk(source: string, chunk: Chunk): Manifest | Problem {
  const base = { source, line: chunk.line, text: chunk.text };
  const json = readJson(chunk.text);
  if (json !== undefined) return { ...base, content: { format: 'json', ...json } };
  const lines = new LineCounter();
  const document = parseYaml(chunk.text, lines);
  const fault = findFault(document);
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.offset);
    const where = `${source}:${chunk.line + line - 1}:${col}`;
    const templated = chunk.text.includes('{{') ? '; this looks like a chart template, render it first' : '';
    return { where, message: `${fault.message}${templated}` };
  }
  try {
    // Aliases come out as shared objects; the round trip makes a tree of them, which may be changed in one place.
    const value = JSON.parse(JSON.stringify(document.toJS())) as Json;
    return { ...base, content: value === null ? { format: 'empty' } : { format: 'yaml', value } };
  } catch (error) {
    // Aliases that expand without end are refused here.
    return { where: `${source}:${chunk.line}:1`, message: error instanceof Error ? error.message : String(error) };
  }
}

/** All documents of a source in order. The texts joined give the source, byte for byte. Problems name line and column. */
export function readManifests(source: Source): { manifests: readonly Manifest[]; problems: readonly Problem[] } {
  const manifests: Manifest[] = [];
  const problems: Problem[] = [];
  for (const chunk of splitStream(source.text)) {
    const read = readChunk(source.name, chunk);
    if ('content' in read) manifests.push(read);
    else problems.push(read);
  }
  return { manifests, problems };
}
