import { isMap, isSeq, visit, type Document, type Node, type Pair, type YAMLMap } from 'yaml';
import { isMergePair, readKey } from '../grammar/yaml/node.ts';

function flattenMerges(map: YAMLMap): void {
  if (!map.items.some(isMergePair)) return;
  // What comes later counts, be it merged or not; of several merged maps, the first.
  const byKey = new Map<string, Pair>();
  for (const pair of map.items) {
    if (isMergePair(pair)) {
      const bases = isSeq(pair.value) ? pair.value.items.toReversed() : [pair.value];
      for (const base of bases.filter((node) => isMap(node))) {
        flattenMerges(base);
        for (const merged of base.items) byKey.set(readKey(merged.key), merged);
      }
    } else {
      const key = readKey(pair.key);
      byKey.delete(key);
      byKey.set(key, pair);
    }
  }
  map.items = [...byKey.values()];
}

function dropAnchors(node: Node | Document): void {
  visit(node, {
    Node: (_key, inner) => {
      if ('anchor' in inner) delete inner.anchor;
    },
  });
}

/** Replaces every alias by a copy of its anchored node and every merge key by its members, in place. */
export function expandShared(document: Document): void {
  // Nodes are visited in the order of the text, so the last one with the name is the one that an alias means.
  const anchored = new Map<string, Node>();
  visit(document, {
    Node: (_key, node) => {
      if ('anchor' in node && node.anchor !== undefined) anchored.set(node.anchor, node);
    },
    Alias: (_key, alias) => {
      const copy = anchored.get(alias.source)?.clone() as Node | undefined;
      if (copy === undefined) return undefined;
      dropAnchors(copy);
      // Comments belong to the place of the alias, not to the shared node.
      copy.comment = alias.comment ?? null;
      copy.commentBefore = alias.commentBefore ?? null;
      return copy;
    },
  });
  visit(document, { Map: (_key, map) => flattenMerges(map) });
  dropAnchors(document);
}
