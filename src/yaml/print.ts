import { Document, YAMLMap, YAMLSeq, type Node, type Pair, type ToStringOptions } from 'yaml';
import type { Layout } from './layout.ts';
import { kubernetesTags } from '../grammar/yaml/tags.ts';

/** Printing options for a layout. Long lines are not folded. */
export function printOptions(layout: Layout): ToStringOptions {
  return {
    lineWidth: 0,
    indent: layout.indent,
    indentSeq: layout.indentSeq,
    flowCollectionPadding: layout.flowPadding,
    doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER,
  };
}

/**
 * Prints a node as the only content of a document, with one line break at the end. Quotes follow the full YAML 1.1
 * schema.
 */
function print(node: Node, layout: Layout): string {
  const document = new Document(null, { version: '1.1', compat: 'core', customTags: kubernetesTags });
  document.contents = node;
  const text = document.toString({ ...printOptions(layout), directives: false });
  return text.endsWith('\n') ? text : `${text}\n`;
}

/** Indents all lines that are not empty; the first line only if `firstToo` is true. */
function indentLines(text: string, column: number, firstToo: boolean): string {
  const margin = ' '.repeat(column);
  return text
    .split('\n')
    .map((line, index) => (line === '' || (index === 0 && !firstToo) ? line : margin + line))
    .join('\n');
}

/** Prints one list item at a column. */
export function printItem(item: Node, column: number, layout: Layout, firstToo: boolean): string {
  const list = new YAMLSeq();
  list.items.push(item);
  return indentLines(print(list, layout), column, firstToo);
}

/** Prints one `key: value` pair at a column. */
export function printPair(pair: Pair, column: number, layout: Layout, firstToo: boolean): string {
  const map = new YAMLMap();
  map.items.push(pair);
  return indentLines(print(map, layout), column, firstToo);
}

/** Prints a scalar or flow collection without a line break at the end. Continuation lines start at the column. */
export function printInline(node: Node, column: number, layout: Layout): string {
  return indentLines(print(node, layout).trimEnd(), column, false);
}
