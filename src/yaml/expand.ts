import { isMap, isScalar, isSeq, visit, type Document, type Node, type Pair, type YAMLMap } from 'yaml';

/** Whether the pair is a merge key (`<<: *base`). */
export function isMergePair(pair: Pair): boolean {
  return isScalar(pair.key) && typeof pair.key.value === 'symbol';
}

function keyText(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
}

function flattenMerges(map: YAMLMap): void {
  if (!map.items.some(isMergePair)) return;
  const own = new Set(map.items.filter((pair) => !isMergePair(pair)).map(keyText));
  map.items = map.items.flatMap((pair) => {
    if (!isMergePair(pair)) return [pair];
    const bases = isSeq(pair.value) ? pair.value.items : [pair.value];
    return bases
      .filter((base) => isMap(base))
      .flatMap((base) => {
        flattenMerges(base);
        return base.items.filter((merged) => {
          const key = keyText(merged);
          if (own.has(key)) return false;
          own.add(key);
          return true;
        });
      });
  });
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
