import { Lexer } from 'yaml';

/** The parts of the library's lexer that decide where a token ends. The library declares them private. */
interface LexerParts {
  readonly buffer: string;
  readonly pos: number;
  readonly flowLevel: number;
  /** The indentation below which the lines of a scalar or collection end. */
  indentNext: number;
  /** -1 if the line at the offset does not belong to the scalar. */
  continueScalar: (offset: number) => number;
  pushToIndex: (end: number, allowEmpty: boolean) => Generator<string, number>;
  pushUntil: (isEnd: (character: string | undefined) => boolean) => Generator<string, number>;
  parseQuotedScalar: () => Generator<string, string>;
  parseFlowCollection: () => Generator<string, string>;
  parsePlainScalar: () => Generator<string, string>;
  /** The indentation that the header of a block scalar gives, or -1. */
  readonly blockScalarIndent: number;
  /** Whether the blank lines after a block scalar belong to it. */
  blockScalarKeep: boolean;
  parseBlockScalar: () => Generator<string, string>;
}

const blank = new Set([undefined, '', ' ', '\t', '\r', '\n']);
/** Announces a scalar to the library's parser. */
const scalarFollows = '\u001F';

/** End of the plain scalar at the offset, between brackets. A colon belongs to it unless a blank follows. */
function endInFlow(lexer: LexerParts): number {
  const { buffer, pos } = lexer;
  let end = pos;
  for (let at = pos; at < buffer.length; at++) {
    const character = buffer[at];
    const next = buffer[at + 1];
    if (character === '\n' && lexer.continueScalar(at + 1) === -1) break;
    if (blank.has(character)) {
      if (next === '#') break;
      continue;
    }
    if (',[]{}'.includes(character ?? '') || (character === ':' && blank.has(next))) break;
    end = at + 1;
  }
  return end;
}

/**
 * The library's lexer with the indulgence of libyaml, which kubectl's parser comes from: between quotes and brackets,
 * indentation means nothing, `[a:]` is a list of one text and `[?a]` one of a map, and a colon ends the name of an anchor.
 */
export function createLexer(): Lexer {
  const lexer = new Lexer();
  const parts = lexer as unknown as LexerParts;
  const { parseQuotedScalar, parseFlowCollection, parsePlainScalar, parseBlockScalar, pushUntil } = parts;

  function* withoutIndent(parse: () => Generator<string, string>): Generator<string, string> {
    const { indentNext } = parts;
    parts.indentNext = 0;
    const next = yield* parse.call(lexer);
    parts.indentNext = indentNext;
    return next;
  }

  Object.assign(parts, {
    parseQuotedScalar: () => withoutIndent(parseQuotedScalar),
    parseFlowCollection: () => withoutIndent(parseFlowCollection),
    *parsePlainScalar() {
      if (parts.flowLevel === 0) return yield* parsePlainScalar.call(lexer);
      if (parts.buffer[parts.pos] === '?') {
        yield* parts.pushToIndex(parts.pos + 1, false);
      } else {
        yield scalarFollows;
        yield* parts.pushToIndex(endInFlow(parts), true);
      }
      return 'flow';
    },
    parseBlockScalar: () => {
      // Blank lines at its end are text where they are longer than the given indentation.
      if (parts.blockScalarIndent !== -1) parts.blockScalarKeep = true;
      return parseBlockScalar.call(lexer);
    },
    pushUntil: (isEnd: (character: string | undefined) => boolean) => {
      const isName = /[&*]/.test(parts.buffer[parts.pos] ?? '');
      return pushUntil.call(lexer, isName ? (character) => character === ':' || isEnd(character) : isEnd);
    },
  });
  return lexer;
}
