/** Tokens of a JSON Pointer (RFC 6901), unescaped. The empty pointer has none. */
export function pointerTokens(pointer: string): string[] {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Index that a token names in a list of this length; `-` is the place after the last. Undefined for none. */
export function listIndex(token: string, length: number): number | undefined {
  if (token === '-') return length;
  if (!/^(?:0|[1-9]\d*)$/.test(token)) return undefined;
  const index = Number(token);
  return index <= length ? index : undefined;
}
