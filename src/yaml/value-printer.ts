import { Document, Pair, Scalar, YAMLMap } from 'yaml';
import { escapeText, printableTags } from '../grammar/yaml/tags.ts';
import { isObject, type Json } from '../json/json.ts';
import type { Layout } from './layout.ts';
import { printOptions } from './print.ts';

/** Prints plain data as block YAML. Remembers the notation of printed strings, because most occur again. */
export interface ValuePrinter {
  /** Prints `key: value` at a column, or `- value` if there is no key, with a line break at the end. */
  printEntry(key: string | undefined, value: Json, column: number, layout: Layout): string;
}

/** The notation of longer strings is not remembered: a proxy's bootstrap, for example, differs in every pod. */
const longestKept = 4_096;

/** Longer strings are quoted here, because the library would scan each character several times. */
const longText = 256;

export function createValuePrinter(): ValuePrinter {
  const document = new Document(null, { version: '1.1', compat: 'core', customTags: printableTags });
  const known = new Map<string, string>();

  /**
   * Notation of a string after a key. Lines after the first are indented by one level. The library decides about
   * quotes.
   */
  function textNotation(text: string, layout: Layout): string {
    if (text.length > longText && /^[ -~]*$/.test(text)) return `'${text.replaceAll("'", "''")}'`;
    const name = `${layout.indent} ${text}`;
    const before = known.get(name);
    if (before !== undefined) return before;
    const map = new YAMLMap();
    map.items.push(new Pair(new Scalar('k'), new Scalar(text)));
    document.contents = map;
    const notation = document.toString({ ...printOptions(layout), directives: false }).slice('k: '.length, -1);
    if (text.length <= longestKept) known.set(name, notation);
    return notation;
  }

  function scalar(value: Json, margin: string, layout: Layout): string {
    if (typeof value !== 'string') return JSON.stringify(value);
    const [first = '', ...rest] = textNotation(value, layout).split('\n');
    return [first, ...rest.map((line) => (line === '' ? '' : margin + line))].join('\n');
  }

  /** Prints a value after `head`, which starts at the column and ends in a colon or dash. */
  function lines(head: string, value: Json, column: number, layout: Layout): string {
    const list = Array.isArray(value) ? (value as readonly Json[]) : undefined;
    if (list === undefined && !isObject(value)) return `${head} ${scalar(value, ' '.repeat(column), layout)}\n`;
    const entries = list === undefined ? Object.entries(value as object) : [];
    if (list?.length === 0) return `${head} []\n`;
    if (list === undefined && entries.length === 0) return `${head} {}\n`;
    const inItem = head.endsWith('-');
    const step = inItem ? 2 : list === undefined ? layout.indent : layout.indentSeq ? layout.indent : 0;
    const margin = ' '.repeat(column + step);
    const parts =
      list === undefined
        ? entries.map(([key, inner]: [string, Json]) =>
            lines(`${keyNotation(key, layout)}:`, inner, column + step, layout),
          )
        : list.map((inner) => lines('-', inner, column + step, layout));
    // The first member of a list item is on the line of the dash.
    return inItem ? `${head} ${parts.join(margin)}` : `${head}\n${margin}${parts.join(margin)}`;
  }

  function keyNotation(key: string, layout: Layout): string {
    const notation = textNotation(key, layout);
    return notation.includes('\n') ? escapeText(key) : notation;
  }

  return {
    printEntry: (key, value, column, layout) => {
      const head = key === undefined ? '-' : `${keyNotation(key, layout)}:`;
      return `${' '.repeat(column)}${lines(head, value, column, layout)}`;
    },
  };
}
