import { Composer, Parser, visit, YAMLParseError, type CST, type Document, type ScalarTag, type Tags } from 'yaml';
import { createLexer } from './lexer.ts';
import { plainValue, resolvePlain, type ScalarValue } from './scalar.ts';

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

/** The tags of what `parseYaml` parses, before others that only serve to print it. */
export function kubernetesTags(tags: Tags): Tags {
  return [plainTag, ...tags];
}

/** The tokens of a text. Their positions are offsets in the text, which may have a byte order mark after `---`. */
function* tokensOf(text: string): Generator<CST.Token> {
  const parser = new Parser();
  // libyaml ends lines at these characters, too.
  const lines = text.replaceAll(/\r(?!\n)|\u0085/g, '\n');
  const [head = ''] = /^\uFEFF?---[ \t]*\r?\n(?=\uFEFF)/.exec(lines) ?? [];
  const marked = head === '' ? lines : head + lines.slice(head.length + 1);
  for (const lexeme of createLexer().lex(marked)) {
    yield* parser.next(lexeme);
    if (head !== '' && parser.offset === head.length) parser.offset += 1;
  }
  yield* parser.end();
}

/** kubectl takes a comment right after a value. */
function isTolerated({ message }: YAMLParseError): boolean {
  return message.startsWith('Comments must be separated');
}

/**
 * libyaml ends lines at these two, too, and keeps them in the text. That makes no difference between quotes, unless
 * blanks stand beside it.
 */
function findLineSeparators(text: string, document: Document): YAMLParseError[] {
  const places = [...text.matchAll(/[\u2028\u2029]/g)].map(({ index }) => index);
  if (places.length === 0) return [];
  const harmless = new Set<number>();
  visit(document, {
    Scalar: (_key, { type, range }) => {
      if (range == null || (type !== 'QUOTE_SINGLE' && type !== 'QUOTE_DOUBLE')) return;
      for (const { index } of text.slice(range[0], range[1]).matchAll(/(?<!\s)[\u2028\u2029](?!\s)/g)) {
        harmless.add(range[0] + index);
      }
    },
  });
  const message = 'is a line break in YAML; write \\u2028 or \\u2029 in a text between double quotes';
  return places
    .filter((place) => !harmless.has(place))
    .map((place) => {
      const name = text.charCodeAt(place).toString(16);
      return new YAMLParseError([place, place + 1], 'UNEXPECTED_TOKEN', `U+${name} ${message}`);
    });
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
  const [document, second] = composer.compose(tokensOf(text), true, text.length);
  if (document === undefined) throw new Error('a text has at least an empty document');
  document.errors = [...document.errors.filter((error) => !isTolerated(error)), ...findLineSeparators(text, document)];
  if (second !== undefined) {
    const [from, to] = second.range;
    document.errors.push(new YAMLParseError([from, to], 'MULTIPLE_DOCS', 'a new document begins without `---`'));
  }
  return document;
}
