/**
 * The text without the run of a character at its end. A loop, because an expression such as `/-+$/` starts anew at every
 * character of a run that is not at the end, which is quadratic on a user's text.
 */
export function withoutTrailing(text: string, character: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === character) end -= 1;
  return text.slice(0, end);
}
