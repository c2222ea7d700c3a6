import { RE2JS } from 're2js';

/** Compiles an expression. The library has no class for any byte (`\\C`), which in a text is any character. */
function compile(expression: string): RE2JS {
  return RE2JS.compile(
    expression.replaceAll(/\\(?:Q[^]*?(?:\\E|$)|[^])/g, (escaped) => (escaped === String.raw`\C` ? '(?s:.)' : escaped)),
  );
}

/** Returns whether an expression of RE2 matches the whole text. */
export function matchesWhole(expression: string, text: string): boolean {
  return compile(expression).matches(text);
}

/**
 * Replaces every match of an expression of RE2.
 *
 * @param substitution a text in which `\1` is the first group, `\0` the whole match, and `\\` a backslash
 */
export function replaceMatches(expression: string, text: string, substitution: string): string {
  return compile(expression)
    .matcher(text)
    .replaceAll((...found: readonly (string | undefined)[]) =>
      substitution.replaceAll(/\\([\d\\])/g, (_, what: string) => (what === '\\' ? what : (found[Number(what)] ?? ''))),
    );
}
