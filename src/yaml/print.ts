import { Document, YAMLMap, YAMLSeq, type Node, type Pair, type ToStringOptions } from 'yaml';
import type { Layout } from './layout.ts';

/** Printing options of a layout: nothing is reflowed. */
export function printOptions(layout: Layout): ToStringOptions {
  return {
    lineWidth: 0,
    indent: layout.indent,
    indentSeq: layout.indentSeq,
    flowCollectionPadding: layout.flowPadding,
    doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER,
  };
}

/** Prints a node as the only content of a document, ending in one line break. The full YAML 1.1 schema decides what to quote. */
function print(node: Node, layout: Layout): string {
  const document = new Document(null, { version: '1.1', compat: 'core' });
  document.contents = node;
  const text = document.toString({ ...printOptions(layout), directives: false });
  return text.endsWith('\n') ? text : `${text}\n`;
}

/** Indents all lines but empty ones; the first stays where it is when `firstToo` is false. */
function indentLines(text: string, column: number, firstToo: boolean): string {
  const margin = ' '.repeat(column);
  return text
    .split('\n')
    .map((line, index) => (line === '' || (index === 0 && !firstToo) ? line : margin + line))
    .join('\n');
}

/** Lines of one list item at a column. */
export function printItem(item: Node, column: number, layout: Layout, firstToo: boolean): string {
  const list = new YAMLSeq();
  list.items.push(item);
  return indentLines(print(list, layout), column, firstToo);
}

/** Lines of one `key: value` at a column. */
export function printPair(pair: Pair, column: number, layout: Layout, firstToo: boolean): string {
  const map = new YAMLMap();
  map.items.push(pair);
  return indentLines(print(map, layout), column, firstToo);
}

/** A scalar or flow collection without its line break; continued lines stand at the column. */
export function printInline(node: Node, column: number, layout: Layout): string {
  return indentLines(print(node, layout).trimEnd(), column, false);
}
