import { isCollection, isMap, isScalar, isSeq, type Document, type YAMLMap } from 'yaml';

/** Formatting of a document, so that additions look like the existing text. */
export interface Layout {
  /** Spaces per level. */
  readonly indent: number;
  /** Whether the dashes of a list are indented deeper than its key. */
  readonly indentSeq: boolean;
  /** Whether `{ a: 1 }` has spaces inside. */
  readonly flowPadding: boolean;
}

/** Column of the node's first character, from 0. */
export function columnOf(text: string, offset: number): number {
  // lastIndexOf treats -1 as 0, so it would find a line break in the first character.
  return offset === 0 ? 0 : offset - (text.lastIndexOf('\n', offset - 1) + 1);
}

/** Detects the layout from the first nested map and the first list below a map. */
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
