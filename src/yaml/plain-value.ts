import { isMap, isScalar, isSeq, type Document } from 'yaml';
import type { Json } from '../json/json.ts';

/**
 * The value of a document in which only indentation gives the structure: each key and scalar on one line, no anchors,
 * no tags. Most manifests are like that. Undefined for all others, which the library converts more slowly.
 */
export function plainValue(text: string, document: Document): Json | undefined {
  let plain = document.errors.length === 0;

  const isOneLine = (range: readonly number[] | null | undefined): boolean => {
    const lineBreak = range == null ? -1 : text.indexOf('\n', range[0]);
    return range != null && (lineBreak === -1 || lineBreak >= (range[1] ?? 0));
  };

  const read = (node: unknown): Json => {
    if (isScalar(node)) {
      const value = node.value as Json;
      const isData = value === null || ['string', 'number', 'boolean'].includes(typeof value);
      if (node.anchor !== undefined || node.tag !== undefined || !isData || !isOneLine(node.range)) plain = false;
      if (typeof value === 'number' && !Number.isFinite(value)) plain = false;
      return isData ? value : null;
    }
    if (isSeq(node)) {
      if (node.anchor !== undefined || (node.flow === true && !isOneLine(node.range))) plain = false;
      return node.items.map(read);
    }
    if (isMap(node)) {
      if (node.anchor !== undefined || (node.flow === true && !isOneLine(node.range))) plain = false;
      const object: Record<string, Json> = {};
      for (const { key, value } of node.items) {
        const keyValue = isScalar(key) ? read(key) : null;
        const name = typeof keyValue === 'object' ? '__proto__' : String(keyValue);
        if (name === '__proto__') plain = false;
        else object[name] = value === null ? null : read(value);
      }
      return object;
    }
    plain = false;
    return null;
  };

  const value = read(document.contents);
  return plain ? value : undefined;
}
