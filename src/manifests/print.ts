import { Document, isCollection, isMap, isScalar, isSeq, Pair, YAMLMap, YAMLSeq, type Node, type ToStringOptions } from 'yaml';

/** How a document is laid out, so that what is added looks like what is there. */
export interface Layout {
  /** Spaces of one level. */
  readonly indent: number;
  /** Whether the dashes of a list stand deeper than the key that holds it. */
  readonly indentSeq: boolean;
  /** Whether `{ a: 1 }` has spaces inside. */
  readonly flowPadding: boolean;
}

/** Column of the node's first character, from 0. */
export function columnOf(text: string, offset: number): number {
  // A search from before the start would look at the first character all the same.
  return offset === 0 ? 0 : offset - (text.lastIndexOf('\n', offset - 1) + 1);
}

/** Reads the layout off the first nested map and the first list below a map. */
export function detectLayout(text: string, document: Document): Layout {
  let indent: number | undefined;
  let indentSeq: boolean | undefined;
  const look = (map: YAMLMap): void => {
    for (const pair of map.items) {
      if (indent !== undefined && indentSeq !== undefined) return;
      const value: unknown = pair.value;
      const key = isScalar(pair.key) ? pair.key.range?.[0] : undefined;
      if (key === undefined || !isCollection(value) || value.flow === true || value.range == null) continue;
      const step = columnOf(text, value.range[0]) - columnOf(text, key);
      if (isSeq(value)) {
        indentSeq ??= step > 0;
        for (const item of value.items) if (isMap(item)) look(item);
      } else if (isMap(value)) {
        if (step > 0) indent ??= step;
        look(value);
      }
    }
  };
  if (isMap(document.contents)) look(document.contents);
  return { indent: indent ?? 2, indentSeq: indentSeq ?? true, flowPadding: !/\{[^\s}]/.test(text) };
}

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
