const tokens = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*|\d\w*|\.{2,3}|[=~<>]=|\s+|[^\s]/gs;
const declared = /\blocal (?:function )?([\w,]+)|\bfor ([\w,]+) (?:in|=)|(?<=\bfunction ?\w*)\(([\w,]+)\)/g;
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'.split('');
/** What encloses a table, a list of arguments, or a block. */
const opening: ReadonlySet<string> = new Set(['{', '(', 'function', 'if', 'do', 'repeat']);
const closing: ReadonlySet<string> = new Set(['}', ')', 'end', 'until']);
const isWord = /^\w/;

/** Short names for the local ones of a script, the most frequent first. */
function shortNames(script: string, words: readonly string[]): Map<string, string> {
  const locals = new Set([...script.matchAll(declared)].flatMap((found) => found.slice(1).join(',').split(',')));
  const count = new Map<string, number>();
  for (const word of words) count.set(word, (count.get(word) ?? 0) + 1);
  const free = letters.filter((letter) => !count.has(letter) || locals.has(letter));
  const names = [...locals].filter((name) => count.has(name));
  const byUse = names.toSorted((one, other) => (count.get(other) ?? 0) - (count.get(one) ?? 0));
  return new Map(byUse.map((name, place) => [name, free[place] ?? name]));
}

/** Whether a word is a member of a table and not a variable: `a.word`, `a:word`, `{word=…}`. */
function isMember(before: string, after: string, bracket: string | undefined): boolean {
  return before === '.' || before === ':' || (bracket === '{' && after === '=' && (before === '{' || before === ','));
}

/**
 * Returns a Lua script as it is stored in every pod: without blanks, and with names of one letter for its local variables.
 * It must have no comments. Two variables that have one name have one afterwards.
 */
export function shortened(script: string): string {
  const all = (script.match(tokens) ?? []).filter((token) => token.trim() !== '');
  const names = shortNames(script, all);
  const brackets: string[] = [];
  let text = '';
  for (const [place, token] of all.entries()) {
    const before = all[place - 1] ?? '';
    if (opening.has(token)) brackets.push(token);
    if (closing.has(token)) brackets.pop();
    const isVariable = !isMember(before, all[place + 1] ?? '', brackets.at(-1));
    const written = isVariable ? (names.get(token) ?? token) : token;
    // `1..x` is no number, and `1 ..x` is.
    const apart = isWord.test(before) && (isWord.test(token) || (token.startsWith('..') && /^\d/.test(before)));
    text += apart ? ` ${written}` : written;
  }
  return text;
}
