/** Returns the unescaped tokens of a JSON Pointer (RFC 6901). The empty pointer has none. */
export function pointerTokens(pointer: string): string[] {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/**
 * Returns the index that a token denotes in a list of this length, or undefined if it denotes none. `-` is the index
 * after the last item.
 */
export function listIndex(token: string, length: number): number | undefined {
  if (token === '-') return length;
  if (!/^(?:0|[1-9]\d*)$/.test(token)) return undefined;
  const index = Number(token);
  return index <= length ? index : undefined;
}
