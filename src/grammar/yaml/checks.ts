import { isCollection, isNode, isPair, visit, YAMLParseError, type Document, type Node } from 'yaml';
import { quote } from '../problem.ts';

/** A block scalar with nothing but blanks below a header with an indentation, of which the library reads no text. */
const onlyBlanks = /^[|>][-+]?[1-9][^\n]*\n(?=\s* )\s*$/;

/** Without one of these there is nothing to look for. */
const mayBeAmbiguous = /[\u2028\u2029]|[|>][-+]?[1-9]/;

/** What kubectl reads otherwise, with how to write it so that all read the same. */
export function findAmbiguous(text: string, document: Document): YAMLParseError[] {
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
export function findUnclosed(text: string, document: Document): YAMLParseError[] {
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
