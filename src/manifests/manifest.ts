import { isScalar, parseDocument, visit, type Document, type Tags } from 'yaml';
import type { Json } from '../json/json.ts';
import type { Problem } from '../grammar/problem.ts';
import { plainValue } from '../yaml/plain-value.ts';
import { splitStream, type Chunk } from '../yaml/stream.ts';
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
    /** `plain`: only indentation gives the structure, see `plainValue`. */
    | { readonly format: 'yaml'; readonly value: Json; readonly document: Document; readonly plain: boolean };
}

// kubectl reads YAML 1.1 (`yes` is true, 0644 is octal) but reads times, dates and base-60 numbers as strings.
function kubernetesTags(tags: Tags): Tags {
  return tags.filter(
    (tag) => typeof tag === 'string' || (tag.format !== 'TIME' && tag.tag !== 'tag:yaml.org,2002:timestamp'),
  );
}

/** Parses one YAML document as kubectl does. Positions of its nodes are offsets in `text`. */
export function parseYaml(text: string): Document {
  return parseDocument(text, {
    version: '1.1',
    customTags: kubernetesTags,
    prettyErrors: false,
  });
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

/** A problem at a character of the text. */
interface TextProblem {
  readonly offset: number;
  readonly message: string;
}

/** Finds errors, and YAML that Kubernetes cannot read: keys that are not scalars, aliases without an anchor. */
function findProblem(document: Document): TextProblem | undefined {
  const error = document.errors[0];
  if (error !== undefined) return { offset: error.pos[0], message: firstSentence(error.message) };
  const anchors = new Set<string>();
  let problem: TextProblem | undefined;
  visit(document, {
    Pair: (_key, pair) => {
      if (isScalar(pair.key)) return undefined;
      problem = {
        offset: (pair.key as { range?: number[] } | null)?.range?.[0] ?? 0,
        message: 'a key must be plain text',
      };
      return visit.BREAK;
    },
    Node: (_key, node) => {
      if ('anchor' in node && node.anchor !== undefined) anchors.add(node.anchor);
      return undefined;
    },
    Alias: (_key, alias) => {
      if (anchors.has(alias.source)) return undefined;
      problem = { offset: alias.range?.[0] ?? 0, message: `the alias *${alias.source} names no anchor before it` };
      return visit.BREAK;
    },
  });
  return problem;
}

function problemAt(source: string, chunk: Chunk, problem: TextProblem): Problem {
  const before = chunk.text.slice(0, problem.offset).split('\n');
  const where = `${source}:${chunk.line + before.length - 1}:${(before.at(-1)?.length ?? 0) + 1}`;
  const templated = chunk.text.includes('{{') ? '; this looks like a chart template, render it first' : '';
  return { where, message: `${problem.message}${templated}` };
}

function readChunk(source: string, chunk: Chunk): Manifest | Problem {
  const base = { source, line: chunk.line, text: chunk.text };
  const json = readJson(chunk.text);
  if (json !== undefined) return { ...base, content: { format: 'json', ...json } };
  const document = parseYaml(chunk.text);
  const plain = plainValue(chunk.text, document);
  if (plain !== undefined && plain !== null)
    return { ...base, content: { format: 'yaml', value: plain, document, plain: true } };
  const found = findProblem(document);
  if (found !== undefined) return problemAt(source, chunk, found);
  try {
    // Aliases become shared objects. The round trip copies them, so that one place can change without the others.
    const value = JSON.parse(JSON.stringify(document.toJS())) as Json;
    return {
      ...base,
      content: value === null ? { format: 'empty' } : { format: 'yaml', value, document, plain: false },
    };
  } catch (error) {
    // The parser rejects aliases that expand too far.
    return { where: `${source}:${chunk.line}:1`, message: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Yields the documents of a source in order and parses each one lazily. The joined texts are the source, byte for byte.
 * A document with a problem is replaced by the problem, which names line and column.
 */
export function* readManifests(source: Source): Generator<Manifest | Problem, void, undefined> {
  for (const chunk of splitStream(source.text)) yield readChunk(source.name, chunk);
}
