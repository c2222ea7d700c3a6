/**
 * Removes all occurrences of a character at the end of the text. A regular expression such as `/-+$/` would take
 * quadratic time on texts with long runs elsewhere, and the text comes from a user.
 */
export function withoutTrailing(text: string, character: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === character) end -= 1;
  return text.slice(0, end);
}
