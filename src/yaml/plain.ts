import { isMap, isScalar, isSeq, type Document } from 'yaml';

/** Offsets of the line breaks of a text, in order. */
function lineBreaksOf(text: string): readonly number[] {
  const offsets: number[] = [];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) offsets.push(at);
  return offsets;
}

/** The first of the sorted offsets that is not below the given one. */
function firstFrom(offsets: readonly number[], offset: number): number | undefined {
  let [low, high] = [0, offsets.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((offsets[middle] ?? 0) < offset) low = middle + 1;
    else high = middle;
  }
  return offsets[low];
}

/**
 * Whether only indentation gives the structure of the document: each key and scalar on one line, no anchors, no tags.
 * Most manifests are like that.
 */
export function isPlain(text: string, document: Document): boolean {
  const lineBreaks = lineBreaksOf(text);

  const isOneLine = (range: readonly number[] | null | undefined): boolean =>
    range != null && (firstFrom(lineBreaks, range[0] ?? 0) ?? Infinity) >= (range[1] ?? 0);

  const look = (node: unknown): boolean => {
    if (isScalar(node)) return node.anchor === undefined && node.tag === undefined && isOneLine(node.range);
    if (!isMap(node) && !isSeq(node)) return false;
    if (node.anchor !== undefined || node.tag !== undefined) return false;
    if (node.flow === true && !isOneLine(node.range)) return false;
    if (isSeq(node)) return node.items.every(look);
    return node.items.every(
      ({ key, value }) => isScalar(key) && key.value !== '<<' && look(key) && (value === null || look(value)),
    );
  };

  // Only YAML takes these for line breaks, see `parseYaml`.
  const hasOddBreak = /\u0085|\r(?!\n)/.test(text);
  return document.errors.length === 0 && !hasOddBreak && look(document.contents);
}
