/** An entry of a JSON container: a member with its key, or an item. */
export interface JsonEntry {
  /** Undefined for an item of a list. */
  readonly key: string | undefined;
  /** Offset of the key or, for an item, of the value. */
  readonly from: number;
  readonly value: JsonNode;
}

/** A value in JSON text, with the offsets of its first character and of the one behind its last. */
export interface JsonNode {
  readonly from: number;
  readonly to: number;
  readonly kind: 'object' | 'list' | 'scalar';
  readonly entries: readonly JsonEntry[];
}

interface OpenNode {
  readonly from: number;
  to: number;
  readonly kind: JsonNode['kind'];
  readonly entries: JsonEntry[];
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** The places of all values of a JSON value, which must be valid and start at the offset. */
export function parseJsonText(text: string, offset: number): JsonNode {
  const open: OpenNode[] = [];
  let key: { readonly name: string; readonly from: number } | undefined;
  const between = /[\s,:]*/y;
  const scalar = /[^\s,\]}]+/y;
  /** Whether the node is the outermost. */
  const attach = (node: OpenNode): boolean => {
    const parent = open.at(-1);
    parent?.entries.push({ key: key?.name, from: key?.from ?? node.from, value: node });
    key = undefined;
    return parent === undefined;
  };
  for (let at = offset; ;) {
    between.lastIndex = at;
    between.test(text);
    const from = between.lastIndex;
    const first = text[from];
    if (first === '}' || first === ']') {
      at = from + 1;
      const closed = open.pop();
      if (closed !== undefined) closed.to = at;
      if (closed !== undefined && open.length === 0) return closed;
    } else if (first === '{' || first === '[') {
      at = from + 1;
      const node: OpenNode = { from, to: at, kind: first === '{' ? 'object' : 'list', entries: [] };
      attach(node);
      open.push(node);
    } else if (first === '"') {
      at = endOfString(text, from);
      if (open.at(-1)?.kind === 'object' && key === undefined) {
        key = { name: JSON.parse(text.slice(from, at)) as string, from };
      } else {
        const node: OpenNode = { from, to: at, kind: 'scalar', entries: [] };
        if (attach(node)) return node;
      }
    } else {
      scalar.lastIndex = from;
      if (!scalar.test(text)) throw new Error('the text is no JSON');
      at = scalar.lastIndex;
      const node: OpenNode = { from, to: at, kind: 'scalar', entries: [] };
      if (attach(node)) return node;
    }
  }
}
