import {
  Composer,
  isCollection,
  isNode,
  isPair,
  Parser,
  visit,
  YAMLParseError,
  type CST,
  type Document,
  type Node,
  type ScalarTag,
  type Tags,
} from 'yaml';
import { quote } from '../problem.ts';
import { createLexer } from './lexer.ts';
import { plainValue, resolvePlain, YamlNumber, type ScalarValue } from './scalar.ts';

/** The value of a plain scalar that is no text. It is printed as it was written: `1.0`, `0644`, `~`, 20 digits. */
export class PlainValue {
  readonly source: string;
  readonly value: Exclude<ScalarValue, string>;

  constructor(source: string, value: Exclude<ScalarValue, string>) {
    this.source = source;
    this.value = value;
  }
}

const plainTag: ScalarTag = {
  tag: 'tag:yaml.org,2002:plain',
  default: true,
  test: plainValue,
  identify: (value) => value instanceof PlainValue || value === null || /^(?:number|boolean)$/.test(typeof value),
  resolve(text) {
    const value = resolvePlain(text);
    return typeof value === 'string' ? value : new PlainValue(text, value);
  },
  stringify: ({ value }) => (value instanceof PlainValue ? value.source : JSON.stringify(value)),
};

/** Control characters, line separators and byte order marks, which the library prints as they are, even between quotes. */
const unprintable = /[\u007f-\u009f\u2028\u2029\ufeff]/g;

/** The text between double quotes, with escapes for what readers of YAML take for a line break or refuse. */
export function escapeText(text: string): string {
  return JSON.stringify(text).replaceAll(
    unprintable,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Tags with which texts are printed so that every reader of YAML reads the same. */
export function printableTags(tags: Tags): Tags {
  return tags.map((tag) => {
    if (typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:str' || tag.collection !== undefined) return tag;
    const { stringify } = tag;
    return {
      ...tag,
      stringify: (item, context, onComment, onChompKeep) =>
        typeof item.value === 'string' && item.value.search(unprintable) !== -1
          ? escapeText(item.value)
          : (stringify?.(item, context, onComment, onChompKeep) ?? String(item.value)),
    };
  });
}

/** The tags of what `parseYaml` parses, before others that only serve to print it. */
export function kubernetesTags(tags: Tags): Tags {
  return [plainTag, ...printableTags(tags)];
}

/** The library's tags of YAML 1.1, with plain scalars that mean what they mean to kubectl. */
export function plainScalarTags(tags: Tags): Tags {
  const scalar: ScalarTag = {
    tag: plainTag.tag,
    default: true,
    test: plainValue,
    resolve(text) {
      const value = resolvePlain(text);
      return value instanceof YamlNumber ? value.value : value;
    },
  };
  const isKept = (tag: Tags[number]): boolean =>
    typeof tag === 'string' || tag.test === undefined || tag.tag.endsWith(':merge');
  return [scalar, ...tags.filter(isKept)];
}

/** Deeper than any object of Kubernetes, and not so deep that a walk of its values would fill the stack. */
export const mostLevels = 500;

/** Ends the parsing of a text that is nested more deeply, before the library walks it with a function that calls itself. */
class TooDeep extends Error {
  readonly offset: number;

  constructor(offset: number) {
    super();
    this.offset = offset;
  }
}

/** The tokens of a text, with offsets in it. A byte order mark at its start or after `---` is passed over. */
function* tokensOf(text: string): Generator<CST.Token> {
  const parser = new Parser();
  // libyaml ends lines at these characters, too.
  const lines = text.replaceAll(/\r(?!\n)|\u0085/g, '\n');
  const mark = /^(?:---[ \t]*\r?\n)?(?=\uFEFF)/.exec(lines)?.[0].length;
  if (mark === 0) parser.offset = 1;
  for (const lexeme of createLexer().lex(mark === undefined ? lines : lines.slice(0, mark) + lines.slice(mark + 1))) {
    yield* parser.next(lexeme);
    // The stack holds the document and what is open in it.
    if (parser.stack.length > mostLevels + 1) throw new TooDeep(parser.stack.at(-1)?.offset ?? parser.offset);
    if (mark !== 0 && parser.offset === mark) parser.offset += 1;
  }
  yield* parser.end();
}

/** kubectl takes a comment right after a value. */
function isTolerated({ message }: YAMLParseError): boolean {
  return message.startsWith('Comments must be separated');
}

/** A block scalar with nothing but blanks below a header with an indentation, of which the library reads no text. */
const onlyBlanks = /^[|>][-+]?[1-9][^\n]*\n(?=\s* )\s*$/;

/** Without one of these there is nothing to look for. */
const mayBeAmbiguous = /[\u2028\u2029]|[|>][-+]?[1-9]/;

/** What kubectl reads otherwise, with how to write it so that all read the same. */
function findAmbiguous(text: string, document: Document): YAMLParseError[] {
  if (!mayBeAmbiguous.test(text)) return [];
  const separators = new Set([...text.matchAll(/[\u2028\u2029]/g)].map(({ index }) => index));
  const errors: YAMLParseError[] = [];
  const report = (from: number, to: number, message: string): void => {
    errors.push(new YAMLParseError([from, to], 'UNEXPECTED_TOKEN', message));
  };
  visit(document, {
    Scalar: (_key, { type, range }) => {
      if (range == null) return;
      const [from, to] = range;
      if (type === 'QUOTE_SINGLE' || type === 'QUOTE_DOUBLE') {
        // libyaml ends lines here, too. Between quotes that makes no difference, unless blanks stand beside it.
        if (separators.size === 0) return;
        const harmless = text.slice(from, to).matchAll(/(?<!\s)[\u2028\u2029](?!\s)/g);
        for (const { index } of harmless) separators.delete(from + index);
      } else if (type !== 'PLAIN' && onlyBlanks.test(text.slice(from, to))) {
        report(from, to, 'is a text of blanks only; write it between double quotes');
      }
    },
  });
  for (const at of separators) {
    const name = `U+${text.charCodeAt(at).toString(16)}`;
    report(at, at + 1, `${name} is a line break in YAML; write \\u2028 or \\u2029 in a text between double quotes`);
  }
  return errors;
}

const closings: Readonly<Record<string, string>> = {
  '[': 'bracket ]',
  '{': 'bracket }',
  '"': 'quote "',
  "'": "quote '",
};

/** End of the last node inside a collection. */
function endInside(node: Node): number {
  const last: unknown = isCollection(node) ? node.items.at(-1) : undefined;
  const inner: unknown = isPair(last) ? (last.value ?? last.key) : last;
  return isNode(inner) ? (inner.range?.[1] ?? 0) : 0;
}

/** Says which bracket or quote is not closed, if there is one: whatever follows it is misunderstood. */
function findUnclosed(text: string, document: Document): YAMLParseError[] {
  const error = document.errors.find(({ message }) => /^Missing closing|^Flow (?:map|sequence) /.test(message));
  if (error === undefined) return [];
  let found: YAMLParseError | undefined;
  visit(document, {
    Node: (_key, node) => {
      const [from, to] = node.range ?? [0, 0];
      const closing = closings[text[from] ?? ''];
      const isClosed = to - from > 1 && closing?.endsWith(text[to - 1] ?? '') === true && endInside(node) < to;
      if (closing === undefined || isClosed) return undefined;
      const message = `Missing closing ${closing} of ${quote(text.slice(from, to).trimEnd())}`;
      found = new YAMLParseError(error.pos, 'MISSING_CHAR', message);
      return visit.BREAK;
    },
  });
  return found === undefined ? [] : [found];
}

/**
 * Parses one YAML document as kubectl does. Positions of its nodes are offsets in `text`. What scalars mean, and whether
 * keys are unique, is left to `readValue`.
 */
export function parseYaml(text: string): Document {
  const composer = new Composer({
    version: '1.1',
    schema: 'failsafe',
    customTags: kubernetesTags,
    resolveKnownTags: false,
    uniqueKeys: false,
  });
  let documents: readonly Document.Parsed[];
  try {
    documents = [...composer.compose(tokensOf(text), true, text.length)];
  } catch (error) {
    if (!(error instanceof TooDeep)) throw error;
    documents = [...composer.end(true, text.length)];
    documents[0]?.errors.push(new YAMLParseError([error.offset, error.offset + 1], 'RESOURCE_EXHAUSTION', 'too deep'));
  }
  const [document, second] = documents;
  if (document === undefined) throw new Error('a text has at least an empty document');
  const errors = document.errors.filter((error) => !isTolerated(error));
  document.errors = [...findUnclosed(text, document), ...errors, ...findAmbiguous(text, document)];
  if (second !== undefined) {
    const [from, to] = second.range;
    document.errors.push(new YAMLParseError([from, to], 'MULTIPLE_DOCS', 'a new document begins without `---`'));
  }
  return document;
}
