import { isCollection, isMap, isScalar, isSeq, type Document, type YAMLMap } from 'yaml';

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
