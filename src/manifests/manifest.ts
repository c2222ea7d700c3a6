import type { Document } from 'yaml';
import type { Json } from '../json/json.ts';
import type { Problem } from '../grammar/problem.ts';
import { isPlain } from '../yaml/plain.ts';
import { mostLevels, parseYaml } from '../grammar/yaml/document.ts';
import { splitStream, type Chunk } from '../yaml/stream.ts';
import { notFinite, readValue, tooDeep, type TextProblem } from '../grammar/yaml/value.ts';
import type { Source } from './source.ts';

/** One document of a stream: its exact text and the value that Kubernetes would read. */
export interface Manifest {
  readonly source: string;
  /** Line of the source where the text begins, counted from 1. */
  readonly line: number;
  readonly text: string;
  readonly content:
    /** Only comments, blank lines and separators. */
    | { readonly format: 'empty' }
    | { readonly format: 'json'; readonly value: Json; readonly from: number; readonly to: number }
    /** `plain`: only indentation gives the structure, see `isPlain`. */
    | { readonly format: 'yaml'; readonly value: Json; readonly document: Document; readonly plain: boolean };
}

/** What JSON can say and nothing here or in Kubernetes can hold: too many levels, and numbers beyond those of 64 bits. */
function findUnfit(text: string, from: number): TextProblem | undefined {
  let level = 0;
  for (const { 0: token, index } of text.slice(from).matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{[\]}]|-?\d[^\s,\]}]*/gs)) {
    if (token === '{' || token === '[') level++;
    else if (token === '}' || token === ']') level--;
    else if (!token.startsWith('"') && !Number.isFinite(Number(token))) {
      return { offset: from + index, message: notFinite(token) };
    }
    if (level > mostLevels) return { offset: from + index, message: tooDeep };
  }
  return undefined;
}

/** Whether the value has no more levels than these, and finite numbers only. */
function isFit(value: Json, levels: number): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((inner = null) => isFit(inner, levels - 1));
}

/** Reads a document in JSON. Undefined if it is none. */
export function readJson(text: string): Extract<Manifest['content'], { format: 'json' }> | TextProblem | undefined {
  const start = /^\uFEFF?(?:---[ \t]*\r?\n)?\s*(?=[{[])/.exec(text);
  if (start === null) return undefined;
  const from = start[0].length;
  const to = text.trimEnd().length;
  let value: Json;
  try {
    value = JSON.parse(text.slice(from, to)) as Json;
  } catch {
    return undefined;
  }
  const unfit = isFit(value, mostLevels) ? undefined : findUnfit(text, from);
  return unfit ?? { format: 'json', value, from, to };
}

/** A line, or its value, that begins with a template. Between quotes or inside a text, braces are for others. */
const looksLikeTemplate = /^[ \t]*(?:- +)*(?:[^\s"'#:]+:[ \t]+)?\{\{/m;

function problemAt(source: string, chunk: Chunk, problem: TextProblem): Problem {
  const before = chunk.text.slice(0, problem.offset).split('\n');
  const where = `${source}:${chunk.line + before.length - 1}:${(before.at(-1)?.length ?? 0) + 1}`;
  const templated = looksLikeTemplate.test(chunk.text) ? '; this looks like a chart template, render it first' : '';
  return { where, message: `${problem.message}${templated}` };
}

function readChunk(source: string, chunk: Chunk): Manifest | Problem {
  const { text } = chunk;
  const base = { source, line: chunk.line, text };
  const json = readJson(text);
  if (json !== undefined) return 'message' in json ? problemAt(source, chunk, json) : { ...base, content: json };
  const document = parseYaml(text);
  const read = readValue(document);
  if ('message' in read) return problemAt(source, chunk, read);
  const { value } = read;
  if (value === null) return { ...base, content: { format: 'empty' } };
  return { ...base, content: { format: 'yaml', value, document, plain: isPlain(text, document) } };
}

/**
 * Yields the documents of a source in order and parses each one lazily. The joined texts are the source, byte for byte.
 * A document with a problem is replaced by the problem, which names line and column.
 */
export function* readManifests(source: Source): Generator<Manifest | Problem, void, undefined> {
  for (const chunk of splitStream(source.text)) yield readChunk(source.name, chunk);
}
