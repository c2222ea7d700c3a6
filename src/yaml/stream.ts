/** A part of a stream with at most one document, including its separator line. `line` counts from 1. */
export interface Chunk {
  readonly text: string;
  readonly line: number;
}

/** End offsets of consecutive JSON values. Undefined if the text is not such a sequence. */
function endsOfValues(text: string): number[] | undefined {
  const ends: number[] = [];
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (inString) {
      if (character === '\\') at++;
      else if (character === '"') inString = false;
    } else if (character === '{' || character === '[') {
      depth++;
    } else if (character === '}' || character === ']') {
      depth--;
      if (depth < 0) return undefined;
      if (depth === 0) ends.push(at + 1);
    } else if (depth === 0 && !/\s/.test(character ?? '')) {
      return undefined;
    } else if (character === '"') {
      inString = true;
    }
  }
  return depth === 0 && !inString ? ends : undefined;
}

/**
 * Splits consecutive JSON objects without separators, as `jq` prints them. White space stays with the value after it.
 */
function splitJson(text: string): string[] {
  if (!/^\uFEFF?\s*\{/.test(text)) return [text];
  const ends = endsOfValues(text.replace(/^\uFEFF/, ' '));
  if (ends === undefined || ends.length < 2) return [text];
  return ends.map((end, index) => text.slice(ends[index - 1] ?? 0, index === ends.length - 1 ? undefined : end));
}

/** Whether there are only comments, blank lines and `%` directives, which belong to the document that follows. */
function holdsOnlyDirectives(text: string): boolean {
  const lines = text.split('\n');
  return lines.some((line) => line.startsWith('%')) && lines.every((line) => /^\uFEFF?(?:%.*|\s*(?:#.*)?)$/.test(line));
}

/**
 * Splits a stream before its `---` lines, after its `...` lines, and between consecutive JSON objects. The joined texts
 * are the stream, byte for byte.
 */
export function splitStream(text: string): readonly Chunk[] {
  const cuts: number[] = [];
  // Without the `m` flag, which would also match at Unicode line separators. They are ordinary characters in YAML.
  for (const match of text.matchAll(/(?<=^|\n)\uFEFF?(?:---(?=[ \t\r\n]|$)|\.\.\.(?:[ \t][^\n]*)?\r?(?:\n|$))/g)) {
    cuts.push(match[0].includes('...') ? match.index + match[0].length : match.index);
  }
  const pieces: string[] = [];
  let from = 0;
  for (const cut of [...cuts, text.length]) {
    if (cut > from) pieces.push(...splitJson(text.slice(from, cut)));
    from = Math.max(from, cut);
  }
  const chunks: Chunk[] = [];
  let line = 1;
  let held = '';
  pieces.forEach((piece, index) => {
    const chunk = held + piece;
    if (index < pieces.length - 1 && holdsOnlyDirectives(chunk)) {
      held = chunk;
      return;
    }
    held = '';
    chunks.push({ text: chunk, line });
    line += chunk.split('\n').length - 1;
  });
  return chunks;
}
