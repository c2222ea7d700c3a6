import { Composer, Parser, YAMLParseError, type CST, type Document } from 'yaml';
import { findAmbiguous, findUnclosed } from './checks.ts';
import { createLexer } from './lexer.ts';
import { kubernetesTags } from './tags.ts';

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
