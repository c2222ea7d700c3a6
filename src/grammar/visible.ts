/**
 * What a text can hold that is not seen but does something: control characters, separators of lines, format characters
 * (bidirectional controls among them), all that Unicode lets a display ignore, halves of surrogate pairs.
 */
const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;

function escaped(character: string): string {
  const json = JSON.stringify(character).slice(1, -1);
  if (json !== character) return json;
  return Array.from({ length: character.length }, (_, index) => {
    const unit = character.charCodeAt(index).toString(16).padStart(4, '0');
    return `\\u${unit}`;
  }).join('');
}

/**
 * A text on one line, for a message, a log or a terminal: characters that are not seen become escapes of JSON, such as
 * `\u202e` or `\n`. JSON stays JSON and keeps its value, as long as it is on one line.
 */
export function visible(text: string): string {
  return text.replace(hidden, escaped);
}

/** The same for a text of several lines, which stay lines. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visible).join('\n');
}
