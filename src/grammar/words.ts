/** Returns the words of a text: what is between its white space. */
export function wordsOf(text: string): string[] {
  return text.trim().split(/\s+/);
}

/** Returns the words of a text as a set, in their order. */
export function wordSet(text: string): ReadonlySet<string> {
  return new Set(wordsOf(text));
}
